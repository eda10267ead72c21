"""HTTP of the scripted server: one request after the other on a connection."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import h11

from conformance.model.link import Link


@dataclass
class Request:
    """A request that has come whole."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def token(self) -> str:
        """The token in `Authorization`, or nothing."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Response:
    """An answer. Without a body it has none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut(Exception):
    """The connection is cut instead of an answer."""


def problem(status: int, code: str, retry_after_seconds: float | None = None) -> Response:
    """Return the answer to what is refused."""
    body = {"type": f"/problems/{code}", "title": code, "status": status, "code": code, "detail": code}
    headers = {"Content-Type": "application/problem+json"}
    if retry_after_seconds is not None:
        body["retry_after_seconds"] = retry_after_seconds
        headers["Retry-After"] = str(max(1, round(retry_after_seconds)))
    return Response(status, body, headers)


Answer = Callable[[Request], Awaitable[Response]]


async def serve_http(link: Link, answer: Answer) -> bytes | None:
    """Answer the requests of a connection until it ends. Return the one that opens a WebSocket, where one does."""
    connection = h11.Connection(h11.SERVER)
    while (request := await _request(link, connection)) is not None:
        if isinstance(request, bytes):
            return request
        try:
            response = await answer(request)
        except Cut:
            link.cut()
            return None
        _write(link, connection, response)
        if connection.our_state is h11.MUST_CLOSE:
            link.close()
            return None
        connection.start_next_cycle()
    return None


async def _request(link: Link, connection: h11.Connection) -> Request | bytes | None:
    head: h11.Request | None = None
    body = b""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return None
        if event is h11.NEED_DATA:
            connection.receive_data(await link.read())
        elif isinstance(event, h11.Request):
            head = event
            if (b"upgrade", b"websocket") in {(name, value.lower()) for name, value in event.headers}:
                return _written(event)
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _parsed(head, body)
        else:
            return None


def _written(head: h11.Request) -> bytes:
    """Return a request as it came, for another parser."""
    lines = [head.method + b" " + head.target + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in head.headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _parsed(head: h11.Request, body: bytes) -> Request:
    target = urlsplit(head.target.decode())
    headers = {name.decode().lower(): value.decode() for name, value in head.headers}
    try:
        sent = json.loads(body) if body else None
    except ValueError:
        sent = None
    return Request(head.method.decode(), target.path, dict(parse_qsl(target.query)), headers, sent)


def _write(link: Link, connection: h11.Connection, response: Response) -> None:
    body = b"" if response.body is None else json.dumps(response.body).encode()
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **response.headers}
    # A browser asks from another origin than this one.
    headers |= {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
    headers |= {"Access-Control-Allow-Methods": "*", "Access-Control-Expose-Headers": "*"}
    if response.status != 204:
        headers["Content-Length"] = str(len(body))
    data = connection.send(h11.Response(status_code=response.status, headers=list(headers.items())))
    if response.status != 204:
        data = (data or b"") + (connection.send(h11.Data(data=body)) or b"")
    link.write((data or b"") + (connection.send(h11.EndOfMessage()) or b""))
