"""Rules of requests over HTTP: what is waited for, what is sent again, and what an unknown code means."""

from collections.abc import Mapping
from typing import Any, Final

from conformance.client.stage import Stage
from conformance.model.http import Cut, Request, Response, problem

WAIT_SECONDS: Final = 1.0


async def retry_after(stage: Stage) -> None:
    """`Retry-After` is obeyed."""
    await _ready(stage)
    _answer_first(stage, "GET", "/rooms", problem(429, "rate_limited", WAIT_SECONDS))
    begun = len(stage.asked("GET", "/rooms"))
    told = await stage.answered(await stage.ask("rooms"))
    stage.require(told["type"] == "done", "the request is made again, and done", told)
    first, second, *_ = stage.asked("GET", "/rooms")[begun:]
    stage.require(
        second - first > WAIT_SECONDS * 0.95, "it is made again after 1 s", f"after {second - first:.2f} s"
    )


async def not_twice(stage: Stage) -> None:
    """What may not be done twice is not sent again."""
    await _ready(stage)
    stage.needs("make_room")
    _answer_first(stage, "POST", "/rooms", None)
    told = await stage.answered(await stage.ask("make_room", name="Once"))
    stage.require(told["type"] == "failed", "it is told that nobody knows whether there is a room now", told)
    await stage.quiet(2 * stage.pace + 0.2)
    tries = len(stage.asked("POST", "/rooms"))
    stage.require(tries == 1, "the request is sent once", f"{tries} times")


async def unknown_code(stage: Stage) -> None:
    """An unknown code has the meaning of its status."""
    await _ready(stage)
    _answer_first(stage, "GET", "/rooms", problem(503, "out_for_lunch"))
    told = await stage.answered(await stage.ask("rooms"))
    stage.require(told["type"] == "done", "503 with an unknown code is tried again", told)
    _answer_first(stage, "GET", "/rooms", problem(403, "not_on_sundays"))
    told = await stage.answered(await stage.ask("rooms"))
    stage.require(
        (told["type"], told.get("code")) == ("failed", "not_on_sundays"),
        "403 with an unknown code is final, and its code is told",
        told,
    )


async def _ready(stage: Stage) -> None:
    await stage.follow()
    stage.needs("requests")


def _answer_first(stage: Stage, method: str, path: str, response: Response | None) -> None:
    """Answer the next such request so, or cut the connection for None."""
    done: Mapping[str, Any] | None = None

    async def answer(request: Request) -> Response | None:
        nonlocal done
        if done is not None or (request.method, request.path) != (method, path):
            return None
        done = {}
        if response is None:
            raise Cut
        return response

    stage.server.on_request = answer


SCENARIOS: Final = (retry_after, not_twice, unknown_code)
