"""Users, rooms, sessions and drafts for the tests of the stores."""

from dataclasses import replace
from typing import Any

from api.models.accounts import Account, Session, User
from api.models.log import Draft, EntryData, Kind, LinkPreview
from api.models.previews import preview_data
from api.models.rooms import Role, Room, RoomRule, Visibility
from api.models.webhooks import Beginning, Delivery, Outcome, Webhook

ALICE = User("user-alice", "alice", "Alice", created_at=1_000)

BOB = User("user-bob", "bob", "Bob", created_at=2_000)

BEGUN = 2
"""A new room has so many entries: its owner's `member` entry, and a `room` entry with its settings."""

DEN = Room("room-den", "Den", "for us", Visibility.PRIVATE, created_at=3_000)


def message(ref: str | None, body: str = "hello", *, by: User = ALICE, reply_to: int | None = None) -> Draft:
    return draft(Kind.MESSAGE, ref, {"body": body, "reply_to": reply_to}, by=by)


def edit(ref: str, target: int, body: str, *, by: User = ALICE) -> Draft:
    return draft(Kind.EDIT, ref, {"target": target, "body": body}, by=by)


def delete(ref: str, target: int, *, by: User = ALICE) -> Draft:
    return draft(Kind.DELETE, ref, {"target": target}, by=by)


def reaction(ref: str, target: int, emoji: str, *, added: bool = True, by: User = ALICE) -> Draft:
    return draft(Kind.REACTION, ref, {"target": target, "emoji": emoji, "added": added}, by=by)


def pin(ref: str, target: int, *, pinned: bool = True, by: User = ALICE) -> Draft:
    return draft(Kind.PIN, ref, {"target": target, "pinned": pinned}, by=by)


def preview(target: int, *urls: str, removed: bool = False, by: User = ALICE) -> Draft:
    """Return what the server says of these links in a message."""
    listed = preview_data(LinkPreview(url, f"The page {url}") for url in urls)
    data: EntryData = {"target": target, "previews": listed}
    return draft(Kind.PREVIEW, None, data | {"removed": True} if removed else data, by=by)


def mentioning(said: Draft, *users: User, everybody: bool = False) -> Draft:
    """Return a message or an edit that mentions these users, or everybody in its room."""
    mentions: EntryData = {"mentions": [user.id for user in users]} if users else {}
    if everybody:
        mentions["mentions_all"] = True
    return replace(said, data=said.data | mentions)


def draft(kind: Kind, ref: str | None, data: EntryData, *, by: User) -> Draft:
    return Draft(kind, by.id, by.username, at=5_000, ref=ref, data=data)


def account_of(user: User) -> Account:
    return Account(user, username_key=user.username, password_hash=f"hash of {user.username}")


def make_user(number: int) -> User:
    return User(f"user-{number:03}", f"name{number:03}", f"Name {number}", created_at=number)


def make_room(number: int, visibility: Visibility = Visibility.PUBLIC) -> Room:
    return Room(f"room-{number:03}", f"Room {number}", "", visibility, created_at=10_000 + number)


def session_of(user: User, session_id: str = "session-1", **changes: Any) -> Session:
    session = Session(
        session_id,
        user.id,
        created_at=1,
        last_used_at=1,
        expires_at=9,
        user_agent="a browser",
        refresh_hash="h1",
    )
    return replace(session, **changes)


def renaming(name: str) -> RoomRule:
    """Return the rule that gives a room this name, whoever wants it."""

    def rule(room: Room, _rights: Role | None) -> Room:
        return replace(room, name=name)

    return rule


def make_webhook(room_id: str, number: int = 0, **fields: Any) -> Webhook:
    made = Webhook(
        f"webhook-{number:03}",
        room_id,
        "https://in.example/",
        kinds=None,
        secret="whsec_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw=",
        made_by=ALICE.id,
        created_at=20_000 + number,
        start=Beginning("epoch", 0),
    )
    return replace(made, **fields)


def make_delivery(webhook: Webhook, number: int = 0, **fields: Any) -> Delivery:
    made = Delivery(
        webhook.id,
        f"msg_{number:04}",
        "room.message",
        "epoch",
        number,
        at=30_000 + number,
        attempt=1,
        outcome=Outcome.DELIVERED,
        status=200,
        milliseconds=7,
    )
    return replace(made, **fields)
