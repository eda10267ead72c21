"""Rules of what a client shows of a room."""

from typing import Any, Final

from conformance.client.stage import Stage
from conformance.model.rooms import Event, Refused
from conformance.model.socket import Socket

MOST_SOCKETS: Final = 12
"""A client that has opened more than this in one scenario does so for ever."""


async def duplicates(stage: Stage) -> None:
    """An entry that comes twice is shown once."""
    server = stage.server
    for _ in range(3):
        server.append()
    await stage.follow()
    first, second = server.append(), server.append()
    for event in (second, first, second):
        server.tell(event)
    server.append()
    await stage.reached()


async def resumes(stage: Stage) -> None:
    """After a close it goes on from its position, by `since`."""
    server = stage.server
    server.append()
    await stage.follow()
    for code in (1012, 4420):
        server.append()
        await stage.reached()
        count, head = len(server.sockets), server.room().head
        server.close_all(code)
        server.append()
        server.append()
        await stage.reached()
        position = {"epoch": "epoch-1", "seq": head}
        stage.require(
            stage.since_of(count + 1) == position,
            f"the subscription after the close has since {position}",
            stage.since_of(count + 1),
        )
    stage.require(not stage.shown.of("reset"), "no reset is shown, for nothing was lost")


async def gap(stage: Stage) -> None:
    """A gap is never stepped over in silence: what is missing is asked for again, or told as a reset."""
    await stage.follow()
    stage.server.room().append()  # nobody is told
    stage.server.append()
    await stage.reached()


async def gap_that_stays(stage: Stage) -> None:
    """A gap that asking again does not fill is told as a reset, and the client goes on."""
    server = stage.server
    await stage.follow()
    server.room().holes.add(2)
    server.append()
    server.room().append()
    server.append()
    await stage.reached()
    stage.require(stage.shown.of("reset"), "a reset is shown: seq 2 is nowhere to be had")
    server.append()
    await stage.reached()
    stage.require(
        len(server.sockets) <= MOST_SOCKETS,
        f"no more than {MOST_SOCKETS} sockets are opened because of a gap",
        len(server.sockets),
    )


async def live_elsewhere(stage: Stage) -> None:
    """`live` at another place than the client's own is a gap."""
    server = stage.server
    server.append()
    await stage.follow()
    server.room().append()  # nobody is told, but by `live`
    server.tell({"type": "live", "room_id": "lobby", "epoch": "epoch-1", "seq": 2})
    await stage.reached()


async def reset(stage: Stage) -> None:
    """`reset` is shown, and sets the position and the epoch."""
    server = stage.server
    for _ in range(5):
        server.append()
    await stage.follow()
    server.room().restore(2)
    server.close_all(1012)
    await stage.reached()
    stage.require(
        stage.shown.of("reset", room_id="lobby", epoch="epoch-2", seq=2),
        "a reset of the lobby to seq 2 of epoch-2 is shown",
    )
    server.append()
    await stage.reached()
    count = len(server.sockets)
    server.close_all(1012)
    server.append()
    await stage.reached()
    stage.require(
        stage.since_of(count + 1) == {"epoch": "epoch-2", "seq": 3},
        "after the reset it goes on from seq 3 of epoch-2",
        stage.since_of(count + 1),
    )


async def unknown_kinds(stage: Stage) -> None:
    """Entries of unknown kinds, and unreadable ones, move the position; unknown events and fields do no harm."""
    server = stage.server
    await stage.follow()
    server.append(kind="poll", options=["a", "b"])
    unreadable = server.room().append("unreadable")
    for name in ("user_id", "username", "ref"):
        del unreadable[name]
    unreadable["at"] = None
    server.tell(unreadable)
    server.append(kind="reaction")  # a known kind in a form that nobody knows
    server.append(likes=7)
    server.tell({"type": "weather", "room_id": "lobby", "sun": True})
    server.append()
    await stage.reached()
    count = len(server.sockets)
    server.close_all(1012)
    server.append()
    await stage.reached()
    stage.require(
        stage.since_of(count + 1) == {"epoch": "epoch-1", "seq": 5},
        "it goes on from seq 5, after what it did not know",
        stage.since_of(count + 1),
    )
    stage.require(not stage.shown.of("reset"), "no reset is shown, for nothing is missing")


async def nonsense(stage: Stage) -> None:
    """Frames that make no sense harm nothing."""
    server = stage.server
    await stage.follow()
    for text in ("[]", "{", '"text"', "{}", '{"type": 7}', '{"type": "ack", "ref": "nobody"}', "null", "7"):
        for socket in server.open_sockets:
            socket.say_text(text)
    server.append()
    await stage.reached()
    stage.require(len(server.sockets) == 1, "the socket stays open", f"{len(server.sockets)} sockets")


async def slow_reader(stage: Stage) -> None:
    """A reader that is slow loses nothing."""
    server = stage.server
    await stage.follow()
    stage.program.pause_reading()
    for number in range(3_000):
        server.append(body=f"{number} {'x' * 400}")
    await stage.quiet(0.5)
    stage.program.go_on_reading()
    await stage.reached()
    if not stage.shown.of("reset"):
        seqs = stage.shown.seqs()
        stage.require(seqs == list(range(1, 3_001)), "3,000 entries are shown", f"{len(seqs)} entries")


async def room_gone(stage: Stage) -> None:
    """A room that is not there is told, and the others go on."""
    await stage.start()
    await stage.program.say(do="follow", room_ids=["nowhere", "lobby"])
    await stage.reached("lobby")
    await stage.until(
        lambda: stage.shown.of("unsubscribed", room_id="nowhere"), "`nowhere` is told as unsubscribed"
    )
    stage.server.append()
    await stage.reached("lobby")


async def subscribe_later(stage: Stage) -> None:
    """A subscription that is `rate_limited` is made later, not before the wait that the server asks for."""
    server = stage.server
    refused_at: list[float] = []

    def refuse(socket: Socket, command: Event) -> bool:
        if command["type"] != "subscribe" or refused_at:
            return False
        refused_at.append(stage.now())
        server.say(socket, _later(command, 1.0))
        return True

    server.on_command = refuse
    await stage.follow()
    again = [one.at for one in server.heard if one.command["type"] == "subscribe"][1]
    waited = again - refused_at[0]
    stage.require(waited > 0.95, "it subscribes again after 1 s", f"after {waited:.2f} s")
    server.append()
    await stage.reached()


async def comes_back(stage: Stage) -> None:
    """Who comes back to a room is given what they missed."""
    server = stage.server
    server.append()
    await stage.follow()
    gone = {"type": "membership", "room_id": "lobby", "reason": "removed", "by": "u-bob"}
    for socket in server.open_sockets:
        socket.rooms.discard("lobby")
        server.say(socket, {**gone, "role": None})
    server.append()
    server.append()
    for socket in server.open_sockets:
        server.say(socket, {**gone, "role": "member", "reason": "added"})
    await stage.reached()
    server.append()
    await stage.reached()


async def program_restart(stage: Stage) -> None:
    """A restart of the program goes on from the position that it has kept."""
    server = stage.server
    server.append()
    await stage.follow()
    stage.needs("keep")
    server.append()
    await stage.reached()
    await stage.quiet(0.1)
    stage.shown.restarted()  # whatever was shown at the very end may not have been noted
    await stage.restart()
    await stage.until(lambda: len(stage.shown.of("live", room_id="lobby")) > 1, "the lobby is live again")
    server.append()
    await stage.reached()
    await stage.program.kill()
    server.append()
    server.append()
    stage.shown.restarted()
    await stage.start()
    await stage.program.say(do="follow", room_ids=["lobby"])
    await stage.reached()
    stage.require(set(stage.shown.seqs()) >= {2, 3, 4, 5}, "seqs 2 to 5 are shown", stage.shown.seqs())


def _later(command: Event, seconds: float) -> dict[str, Any]:
    refusal = Refused("rate_limited", 429, seconds)
    told = {"type": "error", "ref": command.get("ref"), "code": refusal.code, "message": refusal.code}
    return told | {"retry_after_seconds": seconds}


SCENARIOS: Final = (
    duplicates,
    resumes,
    gap,
    gap_that_stays,
    live_elsewhere,
    reset,
    unknown_kinds,
    nonsense,
    slow_reader,
    room_gone,
    subscribe_later,
    comes_back,
    program_restart,
)
