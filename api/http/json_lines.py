"""Answers in JSON Lines, for answers that are too long to hold in memory."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import orjson

from api.errors import Unauthorized, Unavailable

T = TypeVar("T")


async def json_lines(records: AsyncIterator[T], said: Callable[[T], dict[str, Any]]) -> AsyncIterator[bytes]:
    """Yield a line for each record, and a last line of type `end`, or of type `error` when the answer is incomplete.

    The status is sent before the first record is read, so only the last line can tell that something failed.
    `said` turns a record into an object.
    """
    last = {"type": "end"}
    try:
        async for record in records:
            yield _line(said(record))
    except (Unauthorized, Unavailable) as error:
        last = {"type": "error", "code": error.code}
    yield _line(last)


def _line(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said) + b"\n"
