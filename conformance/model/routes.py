"""What the scripted server answers over HTTP."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from conformance.model.absence import missed
from conformance.model.accounts import AUTHOR
from conformance.model.consumers import Consumer
from conformance.model.http import Request, Response, problem
from conformance.model.rooms import AT, Event, Refused, Room

if TYPE_CHECKING:
    from conformance.model.server import ScriptedServer

MOST_WAIT_SECONDS: Final = 2.0
"""A consumer with nothing to read waits no longer, so that no scenario has to."""
OPEN: Final = ("/auth/login", "/auth/refresh", "/server")
"""What needs no token."""

Handler = Callable[..., Awaitable[Response]]


class Routes:
    """The operations that a client of messages needs."""

    def __init__(self, server: "ScriptedServer") -> None:
        self._server = server
        self._table: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, re.compile(pattern), handler)
            for method, pattern, handler in (
                ("POST", "/auth/login", self._log_in),
                ("POST", "/auth/refresh", self._refresh),
                ("GET", "/server", self._about),
                ("GET", "/users/me", self._me),
                ("GET", "/rooms", self._rooms),
                ("POST", "/rooms", self._make_room),
                ("GET", r"/rooms/([\w-]+)", self._room),
                ("GET", r"/rooms/([\w-]+)/messages", self._history),
                ("POST", r"/rooms/([\w-]+)/messages", self._send),
                ("GET", r"/rooms/([\w-]+)/log", self._log),
                ("PUT", r"/rooms/([\w-]+)/read", self._nothing),
                ("POST", "/sync", self._sync),
                ("PUT", r"/consumers/([\w-]+)", self._consumer),
                ("GET", r"/consumers/([\w-]+)/entries", self._entries),
                ("POST", r"/consumers/([\w-]+)/ack", self._ack),
            )
        ]

    async def answer(self, request: Request) -> Response:
        """Answer a request as the protocol has it. Raises Refused."""
        if request.method == "OPTIONS":
            return Response(204)
        if request.path not in OPEN and not self._server.accounts.holds(request.token):
            return problem(401, "unauthorized")
        for method, pattern, handler in self._table:
            if method == request.method and (found := pattern.fullmatch(request.path)):
                return await handler(request, *found.groups())
        return problem(404, "not_found")

    async def _log_in(self, request: Request) -> Response:
        pair = self._server.accounts.log_in(request.body["username"], request.body["password"])
        if pair is None:
            return problem(401, "invalid_credentials")
        return Response(200, {"user": USER, **pair})

    async def _refresh(self, request: Request) -> Response:
        pair = self._server.accounts.refresh(request.body["refresh_token"])
        return problem(401, "unauthorized") if pair is None else Response(200, pair)

    async def _about(self, request: Request) -> Response:
        about = {"name": "Kit", "version": "0", "signup": "closed", "features": [], "limits": {}}
        return Response(200, about)

    async def _me(self, request: Request) -> Response:
        return Response(200, USER)

    async def _rooms(self, request: Request) -> Response:
        wanted = request.query.get("ids")
        ids = set(self._server.rooms if wanted is None else wanted.split(","))
        items = [shown_room(one) for one in self._server.rooms.values() if one.id in ids]
        return Response(200, {"items": items, "next_cursor": None})

    async def _make_room(self, request: Request) -> Response:
        return Response(201, shown_room(self._server.room(f"r-{len(self._server.rooms)}")))

    async def _room(self, request: Request, room_id: str) -> Response:
        return Response(200, shown_room(self._server.found(room_id)))

    async def _history(self, request: Request, room_id: str) -> Response:
        room = self._server.found(room_id)
        limit = int(request.query.get("limit", 50))
        before = int(request.query.get("before", room.head + 1))
        after = int(request.query.get("after", 0))
        found = [
            shown_message(one) for one in room.entries if after < one["seq"] < before and is_message(one)
        ]
        items = found[:limit] if after else found[-limit:]
        return Response(200, {"items": items, "epoch": room.epoch, "has_more": len(items) < len(found)})

    async def _send(self, request: Request, room_id: str) -> Response:
        ref = request.body.get("ref") or request.headers.get("idempotency-key", "")
        is_new = ref not in self._server.found(room_id).refs
        seq = self._server.store({**request.body, "ref": ref, "room_id": room_id})["seq"]
        message = shown_message(self._server.rooms[room_id].entries[seq - 1])
        return Response(201 if is_new else 200, message)

    async def _log(self, request: Request, room_id: str) -> Response:
        room = self._server.found(room_id)
        if request.query.get("epoch", room.epoch) != room.epoch:
            raise Refused("reset", 409)
        items = room.after(int(request.query.get("after", 0)))[: int(request.query.get("limit", 200))]
        return Response(200, {"items": items, "epoch": room.epoch, "seq": room.head})

    async def _sync(self, request: Request) -> Response:
        server = self._server
        return Response(200, missed(server.rooms.values(), request.body or {}, server.page_entries))

    async def _nothing(self, request: Request, room_id: str) -> Response:
        self._server.found(room_id)
        return Response(204)

    async def _consumer(self, request: Request, name: str) -> Response:
        is_new = name not in self._server.consumers
        consumer = self._server.consumers.setdefault(name, Consumer(name))
        return Response(201 if is_new else 200, consumer.shown)

    async def _entries(self, request: Request, name: str) -> Response:
        consumer = self._reader(name)
        page = consumer.page(self._server.rooms.values())
        wait = min(float(request.query.get("wait", 0)), MOST_WAIT_SECONDS)
        if not page["items"] and wait:
            try:
                async with asyncio.timeout(wait), self._server.changed:
                    await self._server.changed.wait()
            except TimeoutError:
                pass
            page = consumer.page(self._server.rooms.values())
        return Response(200, page)

    async def _ack(self, request: Request, name: str) -> Response:
        self._reader(name).ack(request.body["token"])
        return Response(204)

    def _reader(self, name: str) -> Consumer:
        if name not in self._server.consumers:
            raise Refused("not_found", 404)
        return self._server.consumers[name]


USER: Final[Mapping[str, Any]] = {
    "id": AUTHOR["user_id"],
    "username": AUTHOR["username"],
    "display_name": "Ada",
    "status_text": "",
    "time_zone": None,
    "is_bot": False,
    "created_at": AT,
    "admin": False,
}


def shown_room(room: Room) -> Mapping[str, Any]:
    """Return a room as its members see it."""
    return {
        "id": room.id,
        "name": room.id,
        "topic": "",
        "visibility": "public",
        "archived": False,
        "slow_seconds": 0,
        "post_role": "member",
        "created_at": AT,
        "role": "member",
        "epoch": room.epoch,
        "seq": room.head,
        "read_seq": 0,
        "unread_count": 0,
        "first_unread_seq": None,
        "mention_count": 0,
        "notify": {"level": "mentions", "muted_until": None},
        "last_message": None,
        "kind": "room",
        "users": [],
        "member_count": 2,
        "place": {"favourite": False, "section": None, "hidden": False},
    }


def is_message(entry: Event) -> bool:
    """Say whether an entry is a message that a history can show."""
    return bool(entry["type"] == "message")


def shown_message(entry: Event) -> Mapping[str, Any]:
    """Return a message as the history has it."""
    more: dict[str, Any] = {
        "thread": None,
        "edited_at": None,
        "deleted": False,
        "pinned": False,
        "reactions": [],
    }
    more |= {"reply_count": 0, "last_reply_at": None, "mentions": [], "mentions_all": False, "is_bot": False}
    more |= {"shown_as": None, "files": [], "previews": []}
    return more | {name: value for name, value in entry.items() if name != "type"}
