"""Examples of bodies, by the names of their models, which OpenAPI shows. Tests hold each to its schema."""

from typing import Any, Final

AT: Final = "2026-11-29T09:30:00.000Z"
USER_ID: Final = "2R4bBU2EkgtKIDpKoGDqPw"
SESSION_ID: Final = "m8VttSO5vGyK_-JeTRkdRw"
EPOCH: Final = "kW3x9bQm"
_ADA: Final = {"id": USER_ID, "username": "ada", "display_name": "Ada Lovelace"}
ADA: Final = {**_ADA, "status_text": "", "time_zone": "Europe/London", "is_bot": False}
TOKENS: Final = {
    "access_token": "eyJhbGciOiJIUzI1NiIs…",
    "token_type": "bearer",
    "expires_in": 900,
    "refresh_token": f"{SESSION_ID}.l4Xk…",
}
_WRITTEN: Final = {
    "room_id": "lobby",
    "seq": 42,
    "at": AT,
    "user_id": USER_ID,
    "username": "ada",
    "ref": "b7c1f0de",
    "body": "Hello!",
    "reply_to": None,
}
_EDIT: Final = {"seq": 43, "at": AT, "user_id": USER_ID, "username": "ada", "body": "Hello, all!"}
_REACTION: Final = {"emoji": "👍", "count": 1, "user_ids": [USER_ID]}
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
MESSAGE: Final = {
    **_WRITTEN,
    "thread": None,
    "edited_at": None,
    "deleted": False,
    "pinned": False,
    "reactions": [_REACTION],
    "reply_count": 2,
    "last_reply_at": AT,
    "mentions": [USER_ID],
    "mentions_all": False,
    "is_bot": False,
    "shown_as": None,
    "files": [FILE],
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
    "users": [],
    "member_count": 3,
    "place": {"favourite": True, "section": "Work", "hidden": False},
}
MEMBER: Final = {
    "user_id": USER_ID,
    "username": "ada",
    "display_name": "Ada Lovelace",
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
ENTRY: Final = {"type": "message", **_WRITTEN}

_FEED: Final = {"live": True, "lag_ms": 2, "silent_ms": 1_204}
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
    "feed": _FEED,
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

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    # What comes in.
    "SignUp": {"username": "ada", "password": "correct horse battery", "display_name": "Ada Lovelace"},
    "SetUp": {
        "username": "ada",
        "password": "correct horse battery",
        "token": "dGhpcyBpcyBub3QgYSB0b2tlbiwgYnV0IGFuIGV4YW0",
    },
    "NewInvite": {"max_uses": 5, "expires_in": 86_400},
    "LogIn": {"username": "ada", "password": "correct horse battery"},
    "Refresh": {"refresh_token": TOKENS["refresh_token"]},
    "NewProfile": {
        "display_name": "Ada Lovelace",
        "status_text": "Back on Monday",
        "time_zone": "Europe/London",
    },
    "PasswordChange": {
        "current_password": "correct horse battery",
        "new_password": "staple of a longer kind",
    },
    "NewPassword": {"new_password": "staple of a longer kind"},
    "Erase": {"password": "correct horse battery"},
    "Flags": {"disabled": True},
    "NewSettings": {"topic": "Analytical ones", "slow_seconds": 30},
    "AccountToMake": {
        "username": "ada",
        "password": "correct horse battery",
        "display_name": "Ada Lovelace",
    },
    "NewOwner": {"owner_id": USER_ID},
    "NewRoom": {"name": "Engines", "visibility": "private", "topic": "Analytical ones"},
    "NewRole": {"role": "moderator"},
    "NewMessage": {"ref": "b7c1f0de", "body": "Hello!", "reply_to": 41, "epoch": EPOCH},
    "NewBody": {"body": "Hello, all!", "ref": "c93a77b1", "epoch": EPOCH},
    "ReadUpTo": {"seq": 42},
    "NewHook": {"name": "Alerts"},
    "NewConsumer": {"room_ids": ["lobby"], "start": "now"},
    "Ack": {"token": "b64Jc2Vx…"},
    "NewBan": {"reason": "Advertises again and again"},
    "NewReport": {"reason": "This is a threat", "epoch": EPOCH},
    "NewReportState": {"state": "closed"},
    "NewAlt": {"alt": "A cat on a keyboard"},
    "WantedUrls": {"file_ids": [FILE["file_id"]], "thumb": True},
    "NewNotify": {"level": "all", "muted_until": AT},
    "NewPlace": {"favourite": True, "section": "Work", "hidden": False},
    "NewDirect": {"user_ids": [USER_ID, "m8VttSO5vGyK_-JeTRkdRw"]},
    "NewRoomInvite": {"role": "member", "max_uses": 5, "expires_in": 86_400},
    "NewToken": {
        "name": "Nightly build",
        "scopes": ["read", "write"],
        "room_ids": ["lobby"],
        "expires_in": 86_400,
    },
    "NewBot": {"username": "engine", "display_name": "Analytical Engine"},
    "NewBotName": {"display_name": "Analytical Engine"},
    "NewWebhook": {"url": "https://in.example.org/tailwire", "kinds": ["message", "edit", "delete"]},
    "ChangedWebhook": {"paused": False},
    "NewReplay": {"from_seq": 40, "to_seq": 42, "epoch": EPOCH},
    # What goes out.
    "Problem": {
        "type": "/problems/username_taken",
        "title": "This username is taken",
        "status": 409,
        "code": "username_taken",
        "detail": "This username is taken",
        "request_id": "cYh1LqNf0hE2",
    },
    "UserOut": ADA,
    "BlocksOut": {"items": [ADA], "next_cursor": None},
    "FoundUser": ADA | {"online": True},
    "UsersOut": {"items": [ADA | {"online": True}], "next_cursor": None},
    "Me": ADA | {"created_at": AT, "admin": False},
    "TokensOut": TOKENS,
    "Welcome": TOKENS | {"user": ADA},
    "MadeTokenOut": PROGRAM_TOKEN | {"token": "twt_l4Xk…"},
    "ProgramTokensOut": {"items": [PROGRAM_TOKEN]},
    "BotOut": BOT,
    "BotsOut": {"items": [BOT], "next_cursor": None},
    "MessageOut": MESSAGE,
    "EditsOut": {"original": _EDIT | {"seq": 42, "body": "Hello!"}, "items": [_EDIT], "has_more": False},
    "ReactorsOut": {"items": [{"user_id": USER_ID, "username": "ada", "at": AT}], "next_cursor": None},
    "SearchOut": {"items": [MESSAGE], "next_cursor": None, "terms": ["hello"]},
    "MentionsOut": {"items": [MESSAGE], "next_cursor": None},
    "PinsOut": {"items": [MESSAGE | {"pinned": True}]},
    "HistoryOut": {"items": [MESSAGE], "epoch": EPOCH, "has_more": False},
    "LogOut": {"items": [ENTRY], "epoch": EPOCH, "seq": 42},
    "RoomOut": ROOM,
    "RoomsOut": {"items": [ROOM], "next_cursor": None},
    "AccountOut": ACCOUNT,
    "AccountsOut": {"items": [ACCOUNT], "next_cursor": None},
    "AuditOut": {"items": [AUDITED], "next_cursor": None},
    "NodeOut": NODE,
    "StatusOut": {
        "status": "ready",
        "version": "0.1.0",
        "store": {"kind": "sqlite", "up": True, "bytes": 1_048_576},
        "nodes": [NODE],
        "leases": [{"name": "erasure", "held": False, "node_id": None, "lag": None}],
    },
    "SettingsOut": {
        "items": [SETTING],
        "open_doors": [{"what": "/metrics is open", "remedy": "TAILWIRE_METRICS_TOKEN"}],
    },
    "MemberOut": MEMBER,
    "MembersOut": {"items": [MEMBER], "next_cursor": None},
    "BansOut": {
        "items": [{"user": ADA, "by": USER_ID, "reason": "Advertises again and again", "at": AT}],
        "next_cursor": None,
    },
    "ClearedOut": {"deleted": 17, "has_more": False},
    "ReportOut": REPORT,
    "ReportsOut": {"items": [REPORT], "next_cursor": None},
    "ReadReportOut": REPORT | {"message": MESSAGE},
}
