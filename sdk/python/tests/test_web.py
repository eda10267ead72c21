"""Requests are sent again where that is safe, and only then."""

import asyncio

import httpx
import pytest

from scripted_server import web_of
from tailwire_client import (
    BrokenContract,
    Invalid,
    Pace,
    RateLimited,
    SlowMode,
    Unavailable,
    Unreachable,
    User,
)
from tailwire_client.web import path

pytestmark = pytest.mark.anyio

NO_PACE = Pace(first_seconds=0.0)


class Answers:
    """Gives these answers, one after the other, and counts."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str, **more: object) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "No", **more})


OK = httpx.Response(200, json={"items": []})
LOST = httpx.ReadError("lost")


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client sleeps. It does not wait."""
    seconds: list[float] = []
    sleep = asyncio.sleep

    async def noted(duration: float) -> None:
        seconds.append(duration)
        await sleep(0)

    monkeypatch.setattr("tailwire_client.web.asyncio.sleep", noted)
    return seconds


async def test_the_wait_that_a_429_asks_for_is_obeyed(slept: list[float]) -> None:
    answers = Answers(
        problem(429, "rate_limited", retry_after_seconds=3),
        httpx.Response(429, headers={"Retry-After": "2"}),
        OK,
    )
    async with web_of(answers, pace=NO_PACE) as web:
        await web.call("POST", "/rooms", body={})  # nothing was done, so also what is not safe is sent again
    assert (len(answers.asked), slept) == (3, [3.0, 2.0])


async def test_a_wait_beyond_the_patience_is_told_at_once(slept: list[float]) -> None:
    async with web_of(Answers(problem(429, "slow_mode", retry_after_seconds=600))) as web:
        with pytest.raises(SlowMode) as caught:
            await web.get("/rooms")
    assert (caught.value.retry_after_seconds, slept) == (600, [])
    assert isinstance(caught.value, RateLimited)


@pytest.mark.parametrize(
    "failure", [LOST, problem(503, "unavailable"), problem(502, "")], ids=["lost", "503", "502"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_may_be_done_twice_is_sent_again(
    failure: httpx.Response | Exception, method: str, slept: list[float]
) -> None:
    answers = Answers(failure, failure, OK)
    async with web_of(answers, pace=NO_PACE) as web:
        assert await web.call(method, "/rooms") == {"items": []}
    assert len(answers.asked) == 3


@pytest.mark.parametrize(
    ("failure", "error"), [(LOST, Unreachable), (problem(503, "unavailable"), Unavailable)]
)
async def test_what_may_not_be_done_twice_is_not_sent_again(
    failure: httpx.Response | Exception, error: type[Exception]
) -> None:
    answers = Answers(failure)
    async with web_of(answers, pace=NO_PACE) as web:
        with pytest.raises(error):
            await web.call("POST", "/rooms", body={"name": "x"})
    assert len(answers.asked) == 1


async def test_what_the_server_has_not_heard_of_is_sent_again(slept: list[float]) -> None:
    answers = Answers(httpx.ConnectError("refused"), OK)
    async with web_of(answers, pace=NO_PACE) as web:
        await web.call("POST", "/rooms", body={})
    assert len(answers.asked) == 2


async def test_a_refusal_is_told_with_all_that_the_server_said() -> None:
    errors = [{"loc": ["body", "name"], "message": "too long"}]
    async with web_of(Answers(problem(422, "invalid", errors=errors, request_id="q1"))) as web:
        with pytest.raises(Invalid) as caught:
            await web.get("/rooms")
    assert (caught.value.code, caught.value.status, caught.value.errors, caught.value.request_id) == (
        "invalid",
        422,
        tuple(errors),
        "q1",
    )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(301, headers={"Location": "http://elsewhere/"}),
        httpx.Response(200, json={"items": [{"id": 7}]}),
    ],
    ids=["a page", "a redirect", "another form"],
)
async def test_what_no_tailwire_says_is_told_as_such(answer: httpx.Response) -> None:
    async with web_of(Answers(answer)) as web:
        with pytest.raises(BrokenContract):
            [one async for one in web.pages(User, "/users")]


async def test_pages_are_read_to_the_last() -> None:
    user = {"id": "u1", "username": "ada", "display_name": "Ada", "is_bot": False, "hat": "red"}
    answers = Answers(
        httpx.Response(200, json={"items": [user], "next_cursor": "c/1"}),
        httpx.Response(200, json={"items": [], "next_cursor": "c2"}),
        httpx.Response(200, json={"items": [user], "next_cursor": None}),
    )
    async with web_of(answers) as web:
        assert [one.username async for one in web.pages(User, "/users", {"q": "ad"})] == ["ada", "ada"]
    assert [str(one.url.query, "ascii") for one in answers.asked] == [
        "q=ad",
        "q=ad&cursor=c%2F1",
        "q=ad&cursor=c2",
    ]


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_no_id_leads_to_another_address(segment: str) -> None:
    with pytest.raises(ValueError, match="id"):
        path("rooms", segment)


@pytest.mark.parametrize(
    ("segment", "quoted"),
    [("a/../b", "/rooms/a%2F..%2Fb"), ("a?b#c", "/rooms/a%3Fb%23c"), ("👍", "/rooms/%F0%9F%91%8D")],
)
def test_an_id_is_quoted(segment: str, quoted: str) -> None:
    assert path("rooms", segment) == quoted
