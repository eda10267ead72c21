"""Rules of POST /sync: what came in many rooms while the program was away is shown once, whatever the answer brings."""

from functools import partial
from typing import Any, Final

from conformance.client.stage import Stage
from conformance.model.http import Cut, Request, Response, problem
from conformance.model.server import ScriptedServer
from conformance.rule import Skipped

ROOMS: Final = tuple(f"room-{number}" for number in range(30))
"""So many that one request is worth more than their replays."""
BUSY: Final = ROOMS[::3]
"""Those in which something is written meanwhile."""
NEWS: Final = 4
"""Entries of each of these."""
PATH: Final = "/sync"
UNAVAILABLE: Final = 503
MOST_REQUESTS: Final = 60
"""A client that asks more often asks for ever."""


async def missed(stage: Stage) -> None:
    """What came while it was away is shown once, and the subscriptions go on from where the answer led."""
    await _leave(stage)
    _write(stage)
    for room_id in BUSY:
        stage.server.append(room_id, kind="poll")
    position = {"epoch": "epoch-1", "seq": stage.server.room(BUSY[0]).head}
    await _come_back(stage)
    for room_id in BUSY:
        since = stage.since_of(len(stage.server.sockets), room_id)
        stage.require(since == position, f"it subscribes to {room_id} from {position}", since)


async def missed_pages(stage: Stage) -> None:
    """With `has_more` it asks again from the positions that it has then, until it has everything."""
    stage.server.page_entries = NEWS - 1  # no room fits into a page
    await _leave(stage)
    _write(stage)
    await _come_back(stage)
    _few_requests(stage)


async def missed_reset(stage: Stage) -> None:
    """`reset` in an answer is shown, and sets the position and the epoch."""
    await _leave(stage)
    _write(stage)
    for room_id in BUSY:
        stage.server.room(room_id).restore(1)
    _write(stage)
    await _come_back(stage)
    for room_id in BUSY:
        place = {"room_id": room_id, "epoch": "epoch-2", "seq": 1 + NEWS}
        stage.require(stage.shown.of("reset", **place), f"a reset of {room_id} is shown: {place}")


async def missed_gone(stage: Stage) -> None:
    """A room that may not be read any more is told, and the others go on."""
    await _leave(stage)
    _write(stage)
    gone = ROOMS[1], BUSY[0]
    for room_id in gone:
        del stage.server.rooms[room_id]
    await _come_back(stage, *(one for one in ROOMS if one not in gone))
    for room_id in gone:
        told = partial(stage.shown.of, "unsubscribed", room_id=room_id)
        await stage.until(told, f"{room_id} is told as unsubscribed")


async def missed_meanwhile(stage: Stage) -> None:
    """What is written after the answer was made comes by the subscriptions."""
    server = stage.server

    async def write_after(request: Request) -> Response | None:
        if request.path != PATH:
            return None
        answer = await server.answered(request)
        for room_id in ROOMS:
            server.append(room_id)
        return answer

    await _leave(stage)
    _write(stage)
    server.on_request = write_after
    await _come_back(stage)
    _few_requests(stage)


async def missed_fails(stage: Stage) -> None:
    """Where the answer does not come, is refused, or leads nowhere, the subscriptions bring everything."""
    server = stage.server
    nowhere = Response(200, {"items": [], "not_found": [], "has_more": True})
    await _leave(stage)
    for answer in (None, problem(UNAVAILABLE, "unavailable", 1.0), problem(404, "not_found"), nowhere):
        _write(stage)
        server.on_request = partial(_answer_with, server, answer)
        await _come_back(stage)
        await stage.quiet(0.1)
        await stage.program.stop()
        server.on_request = None
    _few_requests(stage)


async def missed_gap(stage: Stage) -> None:
    """A gap in an answer is never stepped over in silence."""
    server = stage.server

    async def leave_out(request: Request) -> Response | None:
        if request.path != PATH:
            return None
        answer = await server.answered(request)
        hidden = {"room_id": BUSY[1], "seq": 3}
        answer.body["items"] = [one for one in answer.body["items"] if not hidden.items() <= one.items()]
        return answer

    await _leave(stage)
    _write(stage)
    server.on_request = leave_out
    await _come_back(stage)
    _few_requests(stage)


async def _answer_with(server: ScriptedServer, answer: Response | None, request: Request) -> Response | None:
    """Answer POST /sync with this, or cut it off; what is cut off or unavailable is answered when it comes again."""
    if request.path != PATH:
        return None
    if answer is None or answer.status == UNAVAILABLE:
        server.on_request = None
    if answer is None:
        raise Cut
    return answer


async def _leave(stage: Stage) -> None:
    """Let the program follow many rooms, and end it in order."""
    for room_id in ROOMS:
        if stage.server.room(room_id).head == 0:
            stage.server.append(room_id)
    await stage.follow(*ROOMS)
    stage.needs("keep")
    await stage.quiet(0.1)
    await stage.program.stop()


def _write(stage: Stage) -> None:
    for _ in range(NEWS):
        for room_id in BUSY:
            stage.server.append(room_id)


async def _come_back(stage: Stage, *room_ids: str) -> None:
    """Start the program again, and wait until it shows all that these rooms have, or all of them, and what follows."""
    rooms = room_ids or ROOMS
    before = {room_id: _lives(stage, room_id) for room_id in rooms}
    await stage.start()
    await stage.program.say(do="follow", room_ids=list(ROOMS))
    await stage.until(
        lambda: all(_lives(stage, room_id) > count for room_id, count in before.items()),
        "all rooms are live again",
    )
    for room_id in rooms:
        await stage.reached(room_id)
    for room_id in rooms:
        stage.server.append(room_id)
    for room_id in rooms:
        await stage.reached(room_id)
    if not stage.asked("POST", PATH):
        raise Skipped("the client does not ask POST /sync after an absence")


def _lives(stage: Stage, room_id: str) -> int:
    """Return how often a room was shown to be live, from its position on or from another one."""
    return sum(len(stage.shown.of(kind, room_id=room_id)) for kind in ("live", "reset"))


def _few_requests(stage: Stage) -> None:
    count = len(stage.asked("POST", PATH))
    stage.require(count <= MOST_REQUESTS, f"POST /sync is asked at most {MOST_REQUESTS} times", count)


SCENARIOS: Final[tuple[Any, ...]] = (
    missed,
    missed_pages,
    missed_reset,
    missed_gone,
    missed_meanwhile,
    missed_fails,
    missed_gap,
)
