"""Answers in JSON Lines, for what is too long to be held whole."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import orjson

from api.errors import Unauthorized, Unavailable

T = TypeVar("T")


async def json_lines(records: AsyncIterator[T], said: Callable[[T], dict[str, Any]]) -> AsyncIterator[bytes]:
    """Yield a line for each record. The last one is of type `end`, or of type `error` when the answer is not whole.

    The status is sent before the first record is read, so only the last line can tell.
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
