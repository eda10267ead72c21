"""The errors are those of docs/protocol.md."""

import re
from pathlib import Path

import pytest

from tailwire_client import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    RateLimited,
    TailwireError,
    Unauthorized,
    Unavailable,
)
from tailwire_client import errors as module
from tailwire_client.errors import CODES, problem_of

PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
ROW = re.compile(r"^\| [\d, ]*(?:\| )?`([a-z_]+)` \|", re.MULTILINE)


def codes_of_the_protocol() -> set[str]:
    text = PROTOCOL.read_text()
    over_http = text.split("### Errors over HTTP")[1].split("\n## ")[0]
    over_sockets = text.split("`error` has the codes of")[1].split("\n**")[0].split("\n`read`")[0]
    return set(ROW.findall(over_http)) | set(ROW.findall(over_sockets))


def test_every_code_of_the_protocol_has_a_class() -> None:
    codes = codes_of_the_protocol()
    assert {"reset", "slow_mode", "storage_full", "unknown_type", "bad_envelope"} <= codes
    assert codes - CODES.keys() == set()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (418, Invalid),
        (422, Invalid),
        (429, RateLimited),
        (500, Unavailable),
        (502, Unavailable),
    ],
)
def test_a_code_of_a_later_version_has_the_class_of_its_status(status: int, error: type[Problem]) -> None:
    problem = problem_of({"code": "from_the_future", "detail": "Later"}, status)
    assert (type(problem), problem.code, problem.status) == (error, "from_the_future", status)


def test_an_answer_of_a_proxy_is_known_by_its_status() -> None:
    assert (type(problem_of({}, 502)), problem_of({}, 502).code) == (Unavailable, "unavailable")


@pytest.mark.parametrize(
    ("fields", "header", "seconds"),
    [
        ({"retry_after_seconds": 7}, "9", 7.0),
        ({}, "9", 9.0),
        ({"retry_after_seconds": None}, None, None),
        ({}, "Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_the_wait_is_that_of_the_body_and_else_of_the_header(
    fields: dict[str, object], header: str | None, seconds: float | None
) -> None:
    assert problem_of({"code": "rate_limited", **fields}, 429, header).retry_after_seconds == seconds


def test_every_error_is_one_of_the_tree_in_the_docstring() -> None:
    names = {
        name for name, one in vars(module).items() if isinstance(one, type) and issubclass(one, TailwireError)
    }
    assert [name for name in names if not re.search(rf"\b{name}\b", module.__doc__ or "")] == []
