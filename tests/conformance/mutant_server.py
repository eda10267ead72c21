"""A server with one rule broken: Tailwire behind a layer that changes what it hears or says."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]
Message = Mapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
App = Callable[..., Awaitable[None]]


def same_command(command: Fields, known: Fields) -> Fields:
    """Leave a command as it is."""
    return command


def same_events(event: Fields, known: Fields) -> list[Fields]:
    """Leave an event as it is."""
    return [event]


def same_request(path: str, body: Any, known: Fields) -> Any:
    """Leave the body of a request as it is."""
    return body


def same_answer(path: str, status: int, body: Any, known: Fields) -> tuple[int, Any]:
    """Leave an answer as it is."""
    return status, body


@dataclass(frozen=True)
class Mutant:
    """What a layer does. `known` is what it remembers: of a socket, or over HTTP of all requests."""

    name: str
    rule: str
    command: Callable[[Fields, Fields], Fields] = same_command
    events: Callable[[Fields, Fields], list[Fields]] = same_events
    request: Callable[[str, Any, Fields], Any] = same_request
    answer: Callable[[str, int, Any, Fields], tuple[int, Any]] = same_answer
    closes: Callable[[int], int] = lambda code: code

    def around(self, app: App) -> App:
        """Put the layer around an application."""
        over_http: Fields = {}

        async def layer(scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await self._socket(app, {**scope, "extensions": {}}, receive, send)
            elif scope["type"] == "http":
                await self._request(app, scope, receive, send, over_http)
            else:
                await app(scope, receive, send)

        return layer

    async def _socket(self, app: App, scope: Any, receive: Receive, send: Send) -> None:
        known: Fields = {}

        async def heard() -> Message:
            message = await receive()
            fields = _object(message.get("text"))
            return message if fields is None else {**message, "text": json.dumps(self.command(fields, known))}

        async def said(message: Message) -> None:
            if message["type"] == "websocket.close":
                message = {**message, "code": self.closes(message.get("code", 1000))}
            fields = _object(message.get("text") or message.get("bytes"))
            if fields is None:
                await send(message)
                return
            for event in self.events(fields, known):
                await send({"type": "websocket.send", "text": json.dumps(event)})

        await app(scope, heard, said)

    async def _request(self, app: App, scope: Any, receive: Receive, send: Send, known: Fields) -> None:
        path = f"{scope['method']} {scope['path']}"
        begun: list[Message] = []
        is_changed = False

        async def heard() -> Message:
            nonlocal is_changed
            message = await receive()
            if message["type"] != "http.request" or is_changed:
                return message
            body = bytes(message.get("body", b""))
            while message.get("more_body"):
                message = await receive()
                body += bytes(message.get("body", b""))
            is_changed = True
            return {"type": "http.request", "body": _changed(body, lambda it: self.request(path, it, known))}

        async def said(message: Message) -> None:
            begun.append(message)
            if message.get("more_body") or message["type"] != "http.response.body":
                return
            start, *parts = begun
            status, body = start["status"], b"".join(bytes(one.get("body", b"")) for one in parts)
            told = [status]

            def answered(it: Any) -> Any:
                told[0], changed = self.answer(path, status, it, known)
                return changed

            body = _changed(body, answered)
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            if told[0] != 204 and scope["method"] != "HEAD":
                headers.append((b"content-length", str(len(body)).encode()))
            await send({**start, "status": told[0], "headers": headers})
            await send({"type": "http.response.body", "body": body})

        length = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        if self.request is not same_request and len(length) < len(scope["headers"]):
            scope = {**scope, "headers": [*length, (b"transfer-encoding", b"chunked")]}
        await app(scope, heard, said)


def _object(text: Any) -> Fields | None:
    try:
        fields = json.loads(text)
    except (TypeError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def _changed(body: bytes, change: Callable[[Any], Any]) -> bytes:
    fields = _object(body)
    if fields is None:
        return body
    changed = change(fields)
    return body if changed is fields else json.dumps(changed).encode()
