"""Rules of what a client does after each close code, and of how long it waits."""

from typing import Final

from conformance.client.stage import Stage
from conformance.model.socket import Socket

FINAL: Final = (1009, 4501, 4502, 4503, 4777)
"""After these a client does not come back; 4777 is one of a later version."""
OTHERS: Final = (1000, 1001, 1012, 4000, 4408, 4420, 4321)
"""After these it does, and goes on; 4321 is one of a later version."""
OVERLOADS: Final = 8
LEAST_OF_OVERLOADS_SECONDS: Final = 4.6
"""The waits before nine tries have full jitter, and may grow up to 0.5, 1, 2, 4, 8, 16, 30 and 30 s. Their sum is
smaller than this in one of 100,000 cases. The sum is always smaller in a client whose waits do not grow."""
LEAST_PACE: Final = 0.2
"""Shorter waits than these cannot be told from the time that a socket needs to open."""
STAYS_SECONDS: Final = 1.5


async def final_close(stage: Stage) -> None:
    """After a final close code it tells that it has ended, and does not come back."""
    server = stage.server
    for number, code in enumerate(FINAL):
        server.append()
        if number:
            await stage.program.stop()
            stage.shown.restarted()
            server.accounts.is_ended = False
        await stage.follow()
        ends, sockets = len(stage.shown.of("ended")), len(server.sockets)
        server.append()
        server.close_all(code)
        await stage.until(
            lambda ends=ends: len(stage.shown.of("ended")) > ends,  # type: ignore[misc]
            f"it tells that it has ended, after the close code {code}",
        )
        await stage.reached()  # and it has shown what came before
        await stage.quiet(STAYS_SECONDS * stage.pace + 0.1)
        opened = len(server.sockets) - sockets
        stage.require(opened == 0, f"it does not come back after {code}", f"{opened} sockets more")


async def other_close(stage: Stage) -> None:
    """After any other close code, or without one, it comes back and goes on."""
    server = stage.server
    await stage.follow()
    for code in OTHERS:
        count = len(server.sockets)
        server.close_all(code)
        server.append()
        await stage.until(
            lambda count=count: len(server.sockets) > count,  # type: ignore[misc]
            f"it comes back after the close code {code}",
        )
        await stage.reached()
    count = len(server.sockets)
    for socket in server.open_sockets:
        socket.cut()
    server.append()
    await stage.until(lambda: len(server.sockets) > count, "it comes back after a cut")
    await stage.reached()


async def overload(stage: Stage) -> None:
    """After an overload it comes back later each time."""
    server = stage.server
    stage.pace = max(stage.pace, LEAST_PACE)
    await stage.follow()

    def too_busy(socket: Socket) -> bool:
        server.close(socket, 1013)
        return True

    server.on_open = too_busy
    before = len(server.opened_at)
    server.close_all(1013)
    await stage.until(
        lambda: len(server.opened_at) >= before + OVERLOADS,
        f"it tries {OVERLOADS} times",
        seconds=stage.terms.seconds + 120 * stage.pace,
    )
    took = server.opened_at[before + OVERLOADS - 1] - server.opened_at[before]
    least = LEAST_OF_OVERLOADS_SECONDS * stage.pace
    stage.require(
        took > least, f"{OVERLOADS} tries take more than {least:.2f} s, for the waits grow", f"{took:.2f} s"
    )
    server.on_open = lambda socket: False
    server.append()
    await stage.until(
        lambda: stage.shown.positions["lobby"][1] == server.room().head,
        "it comes back in the end",
        seconds=stage.terms.seconds + 60 * stage.pace,
    )


async def too_much(stage: Stage) -> None:
    """After 4429 it comes back, after the wait that the server has last asked for."""
    server = stage.server
    await stage.follow()
    (socket,) = server.open_sockets
    refusal = {"type": "error", "ref": None, "code": "rate_limited", "message": "Too often"}
    server.say(socket, {**refusal, "retry_after_seconds": 1.0})
    server.close(socket, 4429)
    closed_at = stage.now()
    server.append()
    await stage.reached()
    waited = server.opened_at[1] - closed_at
    stage.require(waited > 0.95, "it comes back after 1 s", f"after {waited:.2f} s")


SCENARIOS: Final = (final_close, other_close, overload, too_much)
