"""The common form of all refusals, and the good requests that must be served after one."""

from typing import Any

import httpx

from tests.node import PASSWORD, Node, Person, Socket

JSON = {"content-type": "application/json"}


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    """Require that an answer is this refusal, in the common form."""
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["x-request-id"]
    known = {"type", "title", "status", "code", "detail", "request_id", "errors", "retry_after_seconds"}
    assert set(problem) <= known
    if status in {429, 503}:
        assert problem["retry_after_seconds"] >= 1
        assert answer.headers["retry-after"] == str(problem["retry_after_seconds"])


def is_error(event: dict[str, Any], code: str) -> None:
    """Require that an event is this refusal."""
    assert (event["type"], event["code"]) == ("error", code), event
    assert set(event) <= {"type", "ref", "code", "message", "retry_after_seconds"}
    assert code != "rate_limited" or event["retry_after_seconds"] >= 1


async def logs_in(node: Node, username: str) -> None:
    """Require that a log-in is served."""
    good = {"username": username, "password": PASSWORD}
    assert (await node.client().post("/auth/login", json=good)).status_code == 200


async def is_served(person: Person) -> None:
    """Require that a request is served."""
    assert (await person.http.get("/users/me")).status_code == 200


async def answers(socket: Socket) -> None:
    """Require that a command is carried out."""
    assert (await socket.call(type="ping"))["type"] == "ack"
