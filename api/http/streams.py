"""Routes whose bodies or answers are longer than memory should hold: they are streamed, chunk by chunk.

A long body need not come whole in some seconds. Once its route reads it, it must only keep the pace that
`server/http.py` says.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Send

from api.errors import BadRequest, TailwireError, UnsupportedMediaType
from api.http.strict import StrictRoute

MAX_LENGTH_DIGITS: Final = 15
BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": False,
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""What the contract says of a body that a route streams."""

log = structlog.get_logger("api.files")
_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


class StreamRoute(StrictRoute):
    """A route like all others, but that its handler reads the body by `BodyDep`. No model says what that holds."""


async def _body(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in chunks. Raises `BadRequest` where it breaks off, of which nobody gets an answer."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding")
    if (paced := request.scope.get("state", {}).get("paced")) is not None:
        paced()
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise BadRequest("The body broke off") from None


async def _body_of(request: Request) -> AsyncIterator[bytes]:
    return _body(request)


BodyDep = Annotated[AsyncIterator[bytes], Depends(_body_of)]
"""The body of a request in chunks, which come at a rate from when the first is asked for."""


def length_in(request: Request, name: str) -> int | None:
    """Return the number of bytes in a header, or None where it is missing. Raises `BadRequest`."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_LENGTH_DIGITS):
        raise BadRequest(f"{name} must be a number of bytes")
    return int(text)


def streamed(  # noqa: PLR0913  what an answer is made of
    request: Request,
    read: Callable[[int, int], AsyncGenerator[bytes]],
    *,
    size: int,
    etag: str,
    media_type: str,
    headers: dict[str, str],
) -> Response:
    """Return the answer to a request for `size` bytes: all, one range of them (RFC 9110, section 14), or 304."""
    common = {**headers, "etag": etag, "accept-ranges": "bytes"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if not known.isdisjoint({etag, "*"}):  # RFC 9110, section 13.1.2: a weak tag is compared as well
        return Response(status_code=304, headers=common)
    begin, end, status = 0, size, 200
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", etag) == etag:
        found = _range(wanted, size)
        if found == (0, 0):
            return Response(status_code=416, headers={**common, "content-range": f"bytes */{size}"})
        if found is not None:
            (begin, end), status = found, 206
            common["content-range"] = f"bytes {begin}-{end - 1}/{size}"
    common["content-length"] = str(end - begin)
    body = _nothing() if request.scope.get("is_head") else read(begin, end)
    return _Streamed(body, status, common, media_type)


class _Streamed(StreamingResponse):
    """An answer that breaks off where its bytes do: the server closes the connection, so nobody takes it for whole."""

    def __init__(
        self, chunks: AsyncGenerator[bytes], status: int, headers: dict[str, str], media_type: str
    ) -> None:
        super().__init__(chunks, status, headers=headers, media_type=media_type)
        self._chunks = chunks

    async def stream_response(self, send: Send) -> None:
        """Send the answer. Whatever ends it, what the chunks are read from is closed."""
        async with aclosing(self._chunks):
            try:
                await super().stream_response(send)
            except TailwireError as error:
                log.warning("answer_broke_off", code=error.code)


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Return the range that a header asks for, (0, 0) for one that is not there, None for what is not understood."""
    found = _RANGE.fullmatch(text.replace(" ", ""))
    if found is None or (not found[1] and not found[2]):
        return None
    if not found[1]:
        begin, end = max(size - int(found[2]), 0), size
    else:
        begin, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < begin:
            return None
    return (begin, end) if begin < end else (0, 0)


async def _nothing() -> AsyncGenerator[bytes]:
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk
