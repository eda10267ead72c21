"""Servers with one rule broken: Tailwire behind a layer that changes what it hears or says."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

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


def _is_entry(event: Fields) -> bool:
    return "at" in event and "seq" in event and event["type"] != "ack"


def _without(fields: Fields, *names: str) -> Fields:
    return {name: value for name, value in fields.items() if name not in names}


def _twice(event: Fields, known: Fields) -> list[Fields]:
    return [event, event] if _is_entry(event) else [event]


def _with_holes(event: Fields, known: Fields) -> list[Fields]:
    return [] if _is_entry(event) and event["seq"] % 5 == 0 else [event]


def _in_another_order(event: Fields, known: Fields) -> list[Fields]:
    """Exchange each two messages on a socket."""
    if not _is_entry(event) or event["type"] != "message":
        return [event]
    if (before := known.pop("held", None)) is not None:
        return [event, before]
    known["held"] = event
    return []


def _early_live(event: Fields, known: Fields) -> list[Fields]:
    """Say `live` before the replay."""
    if event["type"] == "ack" and "epoch" in event and "at" not in event and known.get("subscribing"):
        place = {"room_id": event["room_id"], "epoch": event["epoch"], "seq": event["seq"]}
        return [event, {"type": "live", **place}]
    return [] if event["type"] == "live" else [event]


def _notes_subscriptions(command: Fields, known: Fields) -> Fields:
    known["subscribing"] = known.get("subscribing") or command.get("type") == "subscribe"
    return command


def _with_another_ref(command: Fields, known: Fields) -> Fields:
    if command.get("type") != "send":
        return command
    ref = uuid.uuid4().hex
    known[ref] = command["ref"]
    return {**command, "ref": ref}


def _with_its_ref(event: Fields, known: Fields) -> list[Fields]:
    return [{**event, "ref": known.get(event["ref"], event["ref"])}] if event.get("ref") else [event]


def _restored_text(path: str, status: int, body: Any, known: Fields) -> tuple[int, Any]:
    """Remember each text, and show it again after its message was deleted."""
    for item in body.get("items", [body]) if isinstance(body, dict) else []:
        if isinstance(item, dict) and "seq" in item and "room_id" in item:
            key = f"{item['room_id']}/{item['seq']}"
            if item.get("body"):
                known[key] = item["body"]
            elif key in known:
                item["body"] = known[key]
    return status, dict(body) if isinstance(body, dict) else body


def _spent_tokens(path: str, status: int, body: Any, known: Fields) -> tuple[int, Any]:
    """Give tokens for every refresh."""
    if path != "POST /auth/refresh":
        return status, body
    if status == 200:
        known["pair"] = body
    return (200, known["pair"]) if "pair" in known else (status, body)


def _turned(items: list[Fields]) -> list[Fields]:
    """Return the same, with the rooms in the other order."""
    rooms = [*dict.fromkeys(one["room_id"] for one in items)]
    return [one for room_id in reversed(rooms) for one in items if one["room_id"] == room_id]


def _known_address(path: str, status: int, body: Any, known: Fields) -> tuple[int, Any]:
    """Give the address of a file to whoever asks, once it was given to somebody."""
    if path != "POST /files/urls":
        return status, body
    if status == 200:
        known["addresses"] = body
    return (200, known["addresses"]) if "addresses" in known else (status, body)


def _found_before(path: str, status: int, body: Any, known: Fields) -> tuple[int, Any]:
    """Find for ever what was found once."""
    if path != "GET /search" or status != 200:
        return status, body
    if body["items"]:
        known["found"] = body
    return status, known.get("found", body)


MUTANTS: Final = (
    Mutant("says each entry twice", "replay", events=_twice),
    Mutant("leaves entries out", "replay", events=_with_holes),
    Mutant("has another order for each", "one_order", events=_in_another_order),
    Mutant("is live before the replay", "replay", command=_notes_subscriptions, events=_early_live),
    Mutant(
        "replays nothing",
        "replay",
        command=lambda command, known: _without(command, "since"),
    ),
    Mutant(
        "takes any epoch",
        "epochs",
        command=lambda command, known: _without(command, "epoch"),
    ),
    Mutant("stores a retry again", "once", command=_with_another_ref, events=_with_its_ref),
    Mutant(
        "acks without a position",
        "once",
        events=lambda event, known: [_without(event, "epoch") if event["type"] == "ack" else event],
    ),
    Mutant(
        "answers some refs twice",
        "refs",
        events=lambda event, known: [event, event] if event["type"] == "error" else [event],
    ),
    Mutant(
        "takes unknown fields",
        "strict",
        request=lambda path, body, known: _without(body, "colour") if "colour" in body else body,
    ),
    Mutant(
        "tells what is hidden",
        "hidden",
        answer=lambda path, status, body, known: (
            (403, {**body, "status": 403, "code": "forbidden"})
            if status == 404 and path.startswith("POST")
            else (status, body)
        ),
    ),
    Mutant(
        "repeats what was sent",
        "problems",
        answer=lambda path, status, body, known: (
            (status, {**body, "detail": path}) if status >= 400 else (status, body)
        ),
    ),
    Mutant("shows what was deleted", "deletes", answer=_restored_text),
    Mutant("takes spent refresh tokens", "refreshes", answer=_spent_tokens),
    Mutant("closes an ended session as any", "logout", closes=lambda code: 1000 if code == 4501 else code),
    Mutant(
        "gives a signal a place in the log",
        "signals",
        events=lambda event, known: [
            {**event, "seq": 1, "at": "2026-11-29T09:30:00.000Z"} if event["type"] == "typing" else event
        ],
    ),
    Mutant(
        "counts one's own messages",
        "unread",
        answer=lambda path, status, body, known: (
            (status, {**body, "unread_count": body["unread_count"] + 1})
            if "unread_count" in body
            else (status, body)
        ),
    ),
    Mutant(
        "ends a page of missed entries without `live`",
        "missed",
        answer=lambda path, status, body, known: (
            (status, {**body, "items": [one for one in body["items"] if one["type"] != "live"]})
            if path == "POST /sync" and status == 200
            else (status, body)
        ),
    ),
    Mutant(
        "gives rooms in the order in which they were named",
        "missed",
        answer=lambda path, status, body, known: (
            (status, {**body, "items": _turned(body["items"])})
            if path == "POST /sync" and status == 200
            else (status, body)
        ),
    ),
    Mutant(
        "says that there is no more",
        "missed_pages",
        answer=lambda path, status, body, known: (
            (status, {**body, "has_more": False})
            if path == "POST /sync" and status == 200
            else (status, body)
        ),
    ),
    Mutant(
        "is silent about rooms that are gone",
        "missed_resets",
        answer=lambda path, status, body, known: (
            (status, {**body, "not_found": []}) if path == "POST /sync" and status == 200 else (status, body)
        ),
    ),
    Mutant(
        "takes any position for its own",
        "missed_resets",
        answer=lambda path, status, body, known: (
            (status, {**body, "items": [{**one, "type": "live"} for one in body["items"]]})
            if path == "POST /sync" and status == 200
            else (status, body)
        ),
    ),
    Mutant(
        "tells of rooms that nobody asked for",
        "missed_elsewhere",
        request=lambda path, body, known: {**body, "others": True} if path == "POST /sync" else body,
    ),
    Mutant("gives the address of a file to strangers", "others_files", answer=_known_address),
    Mutant(
        "takes a part at any place",
        "resumed_uploads",
        answer=lambda path, status, body, known: (
            (200, body) if status == 409 and path.startswith("PATCH /files/") else (status, body)
        ),
    ),
    Mutant(
        "calls files by another name",
        "files",
        answer=lambda path, status, body, known: (
            (status, {**body, "name": "file"})
            if status == 201 and path.endswith("/files")
            else (status, body)
        ),
    ),
    Mutant("finds what was deleted", "found_no_more", answer=_found_before),
    Mutant(
        "shows the address of a hook again",
        "hooks",
        answer=lambda path, status, body, known: (
            (
                status,
                {
                    **body,
                    "items": [{**one, "url": "https://chat.example.com/hooks/x"} for one in body["items"]],
                },
            )
            if path.startswith("GET") and path.endswith("/hooks")
            else (status, body)
        ),
    ),
    Mutant(
        "shows the secret of a webhook again",
        "webhooks",
        answer=lambda path, status, body, known: (
            (status, {**body, "items": [{**one, "secret": "whsec_x"} for one in body["items"]]})
            if path.startswith("GET") and path.endswith("/webhooks")
            else (status, body)
        ),
    ),
)
"""More than one for each kind of rule. `rule` is that by which the kit finds it."""
