"""Rules of tokens: they are renewed in time, one refresh at a time, and an end is an end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from conformance.client.stage import Stage
from conformance.model.http import Cut, Request, Response
from conformance.model.server import ScriptedServer
from conformance.model.socket import Socket

Answering = Callable[[Request], Awaitable[Response | None]]

EXPIRING: Final = {"type": "expiring", "expires_at": "2026-11-29T09:45:00.000Z"}


async def expiring(stage: Stage) -> None:
    """At `expiring` the token is renewed on the open socket."""
    server = stage.server
    await stage.follow()
    (socket,) = server.open_sockets
    before = socket.token
    server.say(socket, EXPIRING)
    await stage.until(
        lambda: socket.token != before or len(server.sockets) > 1, "`authenticate` comes with another token"
    )
    stage.require(len(server.sockets) == 1, "the socket stays open", f"{len(server.sockets)} sockets")
    server.append()
    await stage.reached()


async def token_ended(stage: Stage) -> None:
    """After 4401 the token is renewed, and the client comes back."""
    server = stage.server
    await stage.follow()
    server.accounts.expire()
    server.close_all(4401)
    server.append()
    await stage.reached()
    logins = server.accounts.logins
    stage.require(logins == 1, "the session goes on: nobody logs in again", f"{logins} log-ins")


async def session_ended(stage: Stage) -> None:
    """A session that was ended is final: it is told, and nothing logs in again."""
    server = stage.server
    await stage.follow()
    server.accounts.end()
    server.close_all(4401)
    await stage.until(lambda: stage.shown.of("ended"), "it tells that it has ended")
    await stage.quiet(2 * stage.pace + 0.2)
    stage.require(server.accounts.logins == 1, "nothing logs in again", f"{server.accounts.logins} log-ins")


async def token_revoked(stage: Stage) -> None:
    """A token that was ended is a final error on every road."""
    server = stage.server
    await stage.follow()
    stage.needs("send", "requests")
    server.accounts.end()
    failed = await stage.answered(await stage.ask("rooms"))
    stage.require(failed["type"] == "failed", "a request fails when the session has ended", failed)
    server.close_all(4501)
    await stage.until(lambda: stage.shown.of("ended"), "it tells that it has ended")
    told = await stage.answered(await stage.send("too late"))
    stage.require(told["type"] in {"failed", "refused"}, "a message fails when the session has ended", told)
    stage.require(server.accounts.logins == 1, "nothing logs in again", f"{server.accounts.logins} log-ins")


async def one_refresh(stage: Stage) -> None:
    """There is one refresh at a time, however many are refused at once."""
    server = stage.server
    await stage.follow()
    stage.needs("requests")
    under_way = most = 0

    async def slowly(request: Request) -> Response | None:
        nonlocal under_way, most
        if request.path != "/auth/refresh":
            return None
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.2)
        under_way -= 1
        return None

    server.on_request = slowly
    server.accounts.expire()
    asked = [await stage.ask("rooms") for _ in range(5)]
    server.close_all(4401)
    for id in asked:
        told = await stage.answered(id)
        stage.require(told["type"] == "done", "each request is done with the new token", told)
    server.append()
    await stage.reached()
    stage.require(most == 1, "one refresh is under way at a time", f"{most} were")
    count = len(server.accounts.refreshes)
    stage.require(count == 1, "one refresh is enough for all", f"{count} refreshes")


async def refresh_lost(stage: Stage) -> None:
    """A refresh whose answer was lost is made again with the same token."""
    server = stage.server
    await stage.follow()
    server.on_request = _loses_the_first_refresh(server)
    server.accounts.expire()
    server.close_all(4401)
    server.append()
    await stage.reached()
    first, *others = server.accounts.refreshes
    stage.require(
        others and set(others) == {first},
        "the same refresh token is presented again",
        server.accounts.refreshes,
    )


async def pair_kept(stage: Stage) -> None:
    """A new pair of tokens is kept before it is used."""
    server = stage.server
    await stage.follow()
    stage.needs("keep")
    renewed = asyncio.Event()

    async def stops(request: Request) -> Response | None:
        if server.accounts.refreshes and request.path != "/auth/refresh" and request.method != "OPTIONS":
            server.accounts.holds(request.token)
            renewed.set()
            raise Cut
        return None

    def used(socket: Socket) -> bool:
        renewed.set()
        return True

    server.on_request = stops
    server.on_open = used  # it is used, and nothing is answered
    server.accounts.expire()
    for socket in server.open_sockets:
        server.close(socket, 4401)
    await stage.until(renewed.is_set, "the new access token is used")
    await stage.program.kill()
    server.on_request, server.on_open = None, lambda socket: False
    server.append()
    stage.shown.restarted()
    await stage.start()
    await stage.program.say(do="follow", room_ids=["lobby"])
    await stage.reached()
    logins = server.accounts.logins
    stage.require(logins == 1, "the session goes on after the crash, with the new pair", f"{logins} log-ins")


def _loses_the_first_refresh(server: ScriptedServer) -> Answering:
    lost = False

    async def loses(request: Request) -> Response | None:
        nonlocal lost
        if request.path == "/auth/refresh" and not lost:
            lost = True
            server.accounts.refresh(request.body["refresh_token"])
            raise Cut
        return None

    return loses


SCENARIOS: Final = (
    expiring,
    token_ended,
    session_ended,
    token_revoked,
    one_refresh,
    refresh_lost,
    pair_kept,
)
