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


async def serve_http(link: Link, begun: bytes, answer: Answer) -> None:
    """Answer the requests of a connection, of which this has come already, until it ends."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(begun)
    while (request := await _request(link, connection)) is not None:
        try:
            response = await answer(request)
        except Cut:
            link.cut()
            return
        _write(link, connection, response)
        if connection.our_state is h11.MUST_CLOSE:
            link.close()
            return
        connection.start_next_cycle()


async def _request(link: Link, connection: h11.Connection) -> Request | None:
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
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _parsed(head, body)
        else:
            return None


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
