"""The records of which the examples of bodies are made: one of each noun."""

from typing import Final

AT: Final = "2026-11-29T09:30:00.000Z"
USER_ID: Final = "2R4bBU2EkgtKIDpKoGDqPw"
SESSION_ID: Final = "m8VttSO5vGyK_-JeTRkdRw"
EPOCH: Final = "kW3x9bQm"
PERSON: Final = {"id": USER_ID, "username": "ada", "display_name": "Ada Lovelace"}
AVATAR: Final = "pYx3TqN0aZk1m8c2RrWb7w"
ADA: Final = {
    **PERSON,
    "status_text": "",
    "time_zone": "Europe/London",
    "avatar": AVATAR,
    "is_bot": False,
}
TOKENS: Final = {
    "access_token": "eyJhbGciOiJIUzI1NiIs…",
    "token_type": "bearer",
    "expires_in": 900,
    "refresh_token": f"{SESSION_ID}.l4Xk…",
}
WRITTEN: Final = {
    "room_id": "lobby",
    "seq": 42,
    "at": AT,
    "user_id": USER_ID,
    "username": "ada",
    "ref": "b7c1f0de",
    "body": "Hello!",
    "reply_to": None,
}
EDIT: Final = {"seq": 43, "at": AT, "user_id": USER_ID, "username": "ada", "body": "Hello, all!"}
REACTION: Final = {"emoji": "👍", "count": 1, "user_ids": [USER_ID]}
FILE: Final = {
    "file_id": "Ck3yd3a8Y0m5qFJxX1pQ9g",
    "name": "cat.png",
    "type": "image/png",
    "size": 20480,
    "width": 640,
    "height": 480,
    "has_thumb": True,
    "blur": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
    "alt": "A cat on a keyboard",
}
PREVIEW: Final = {
    "url": "https://cats.example/ada",
    "title": "Ada's cat",
    "description": "She sleeps on keyboards.",
    "site_name": "Cats",
    "picture": FILE,
}
MESSAGE: Final = {
    **WRITTEN,
    "thread": None,
    "edited_at": None,
    "deleted": False,
    "pinned": False,
    "reactions": [REACTION],
    "reply_count": 2,
    "last_reply_at": AT,
    "mentions": [USER_ID],
    "mentions_all": False,
    "is_bot": False,
    "shown_as": None,
    "files": [FILE],
    "previews": [PREVIEW],
}
ROOM: Final = {
    "id": "lobby",
    "name": "Lobby",
    "topic": "",
    "visibility": "public",
    "archived": False,
    "slow_seconds": 0,
    "post_role": "member",
    "created_at": AT,
    "role": "member",
    "epoch": EPOCH,
    "seq": 42,
    "read_seq": 40,
    "unread_count": 1,
    "first_unread_seq": 41,
    "mention_count": 1,
    "notify": {"level": "mentions", "muted_until": None},
    "last_message": MESSAGE,
    "kind": "room",
    "avatar": None,
    "users": [],
    "member_count": 3,
    "place": {"favourite": True, "section": "Work", "hidden": False},
}
MEMBER: Final = {
    "user_id": USER_ID,
    "username": "ada",
    "display_name": "Ada Lovelace",
    "avatar": AVATAR,
    "is_bot": False,
    "role": "owner",
    "joined_at": AT,
    "online": True,
    "read_seq": 42,
}
ACCOUNT: Final = ADA | {
    "created_at": AT,
    "admin": True,
    "disabled": False,
    "erasing": False,
    "owner_id": None,
}
AUDITED: Final = {
    "at": AT,
    "event": "disabled",
    "actor_id": USER_ID,
    "actor_username": "ada",
    "subject_id": "Yq0sPZ3vT7yq4jDk1mH8bA",
    "subject_username": None,
    "address": "192.0.2.7",
    "room_id": None,
}
SETTING: Final = {
    "name": "TAILWIRE_PORT",
    "description": "The port to listen on. 0 chooses a free port.",
    "value": 8000,
    "source": "default",
    "secret": False,
    "set": False,
}
REPORT: Final = {
    "id": "5f0e1b7c9a3d48e6a1b2c3d4e5f60718",
    "room_id": "lobby",
    "room_name": "Lobby",
    "seq": 42,
    "reason": "This is a threat",
    "state": "open",
    "reporter": ADA,
    "at": AT,
}
ENTRY: Final = {"type": "message", **WRITTEN}

FEED: Final = {"live": True, "lag_ms": 2, "silent_ms": 1_204}
NODE: Final = {
    "node_id": "8c0xTnQeW1mBzJ4dYk2rUg",
    "current": True,
    "age_ms": 0,
    "host": "chat-1",
    "process": 17,
    "version": "0.1.0",
    "started_at": AT,
    "connections": 42,
    "sockets": 43,
    "subscriptions": 120,
    "rooms": 12,
    "feed": FEED,
    "memory_short": False,
    "clock_skew_ms": 1,
    "tasks": [],
}

BOT: Final = {
    **ADA,
    "id": "Yq0sPZ3vT7yq4jDk1mH8bA",
    "username": "engine",
    "display_name": "Analytical Engine",
    "is_bot": True,
    "created_at": AT,
}
PROGRAM_TOKEN: Final = {
    "token_id": "k1ZbCVaLHyUgm4YYYqYIOQ",
    "name": "Nightly build",
    "scopes": ["read", "write"],
    "room_ids": ["lobby"],
    "created_at": AT,
    "expires_at": None,
    "last_used_at": AT,
}

CONSUMER: Final = {
    "name": "engine",
    "room_ids": ["lobby"],
    "start": "beginning",
    "created_at": AT,
    "acked_at": AT,
}
HOOK: Final = {
    "hook_id": "b1ZbCVaLHyUgm4YYYqYIOQ",
    "room_id": "lobby",
    "user_id": "Yq0sPZ3vT7yq4jDk1mH8bA",
    "name": "Alerts",
    "made_by": USER_ID,
    "created_at": AT,
    "last_used_at": AT,
}
TERMS: Final = {
    "invite_id": "c1ZbCVaLHyUgm4YYYqYIOQ",
    "made_by": USER_ID,
    "created_at": AT,
    "expires_at": AT,
    "max_uses": 5,
    "uses_left": 4,
}
INVITE: Final = {**TERMS, "admin": False}
ROOM_INVITE: Final = {**TERMS, "room_id": "lobby", "role": "member"}
LINK: Final = {"code": "l4Xk0pQ…", "url": "https://chat.example.org/#/invite/l4Xk0pQ…"}
REPLAY: Final = {"epoch": EPOCH, "from_seq": 40, "to_seq": 42}
WEBHOOK: Final = {
    "webhook_id": "d1ZbCVaLHyUgm4YYYqYIOQ",
    "room_id": "lobby",
    "host": "in.example.org",
    "url": "https://in.example.org/tailwire",
    "kinds": ["message", "edit", "delete"],
    "made_by": USER_ID,
    "created_at": AT,
    "state": "waiting",
    "paused_by": None,
    "waiting_since": AT,
    "next_attempt_at": AT,
    "attempts": 2,
    "last_status": 503,
    "replay": None,
}
DELIVERY: Final = {
    "delivery_id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
    "type": "room.message",
    "epoch": EPOCH,
    "seq": 42,
    "at": AT,
    "attempt": 1,
    "outcome": "delivered",
    "status": 204,
    "milliseconds": 18,
}
ADMIN_ROOM: Final = {
    **{name: ROOM[name] for name in ("id", "kind", "name", "topic", "visibility", "archived")},
    **{name: ROOM[name] for name in ("slow_seconds", "post_role", "created_at", "member_count")},
    "last_message_at": AT,
}
JOINED: Final = {
    "type": "member",
    "room_id": "lobby",
    "seq": 41,
    "at": AT,
    "user_id": USER_ID,
    "username": "ada",
    "role": "member",
    "by": USER_ID,
}
AROUND: Final = {"epoch": EPOCH, "has_more_before": True, "has_more_after": False}
