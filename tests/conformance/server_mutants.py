"""The servers with one rule broken, each with the rule by which the kit finds it."""

import json
import uuid
from collections.abc import Callable
from typing import Any, Final

from tests.conformance.mutant_server import Fields, Mutant


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


def _rpc(
    method: str | None, change: Callable[[Fields], Any]
) -> Callable[[str, int, Any, Fields], tuple[int, Any]]:
    """Change the answers of /mcp to requests of this method, or to all. A layer that does so notes the methods."""

    def changed(path: str, status: int, body: Any, known: Fields) -> tuple[int, Any]:
        if path != "POST /mcp" or body.get("jsonrpc") is None or method not in {None, known.get("method")}:
            return status, body
        return status, {**body, **change(body)}

    return changed


def _notes_method(path: str, body: Any, known: Fields) -> Any:
    known["method"] = body.get("method") if path == "POST /mcp" else None
    return body


def _said(change: Callable[[Fields], Fields]) -> Callable[[Fields], Fields]:
    """Change the objects that tools answer."""

    def changed(body: Fields) -> Fields:
        content = [
            {**one, "text": json.dumps(change(json.loads(one["text"])))} for one in body["result"]["content"]
        ]
        return {"result": {**body["result"], "content": content}}

    return changed


def _listed(change: Callable[[list[Fields]], list[Fields]]) -> Callable[[Fields], Fields]:
    return lambda body: {"result": {**body["result"], "tools": change(body["result"]["tools"])}}


def _used(**changed: Any) -> Callable[[str, Any, Fields], Any]:
    """Change the arguments of the tools that have these."""

    def request(path: str, body: Any, known: Fields) -> Any:
        _notes_method(path, body, known)
        arguments = body.get("params", {}).get("arguments", {}) if path == "POST /mcp" else {}
        if not changed.keys() <= arguments.keys():
            return body
        fresh = {name: make() for name, make in changed.items()}
        return {**body, "params": {**body["params"], "arguments": {**arguments, **fresh}}}

    return request


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
    Mutant(
        "answers under another id",
        "mcp_begins",
        request=_notes_method,
        answer=_rpc(None, lambda body: {"id": 0}),
    ),
    Mutant(
        "says that sending only reads",
        "mcp_tools",
        request=_notes_method,
        answer=_rpc(
            "tools/list",
            _listed(lambda tools: [{**one, "annotations": {"readOnlyHint": True}} for one in tools]),
        ),
    ),
    Mutant(
        "does not say what is untrusted",
        "mcp_reads",
        request=_notes_method,
        answer=_rpc("tools/call", _said(lambda told: _without(told, "notice"))),
    ),
    Mutant("stores what an assistant tries again", "mcp_sends", request=_used(ref=lambda: uuid.uuid4().hex)),
    Mutant("does not wait", "mcp_waits", request=_used(seconds=int)),
    Mutant(
        "tells an assistant what is hidden",
        "mcp_hidden",
        request=_notes_method,
        answer=_rpc(
            "tools/call",
            _said(lambda told: {**told, "code": "forbidden"} if told.get("status") == 404 else told),
        ),
    ),
    Mutant(
        "calls each error one of its own",
        "mcp_errors",
        request=_notes_method,
        answer=_rpc(
            None, lambda body: {"error": {**body["error"], "code": -32603}} if "error" in body else {}
        ),
    ),
    Mutant(
        "lists what a token may not use",
        "mcp_scopes",
        request=_notes_method,
        answer=_rpc("tools/list", _listed(lambda tools: [*tools, {**tools[0], "name": "send_message"}])),
    ),
    Mutant(
        "speaks any version",
        "mcp_stateless",
        request=_notes_method,
        answer=_rpc(
            None,
            lambda body: {"error": None, "result": {}} if body.get("error", {}).get("code") == -32022 else {},
        ),
    ),
)
"""More than one for each kind of rule. `rule` is that by which the kit finds it."""
