"""A bare FastAPI that answers what it was given, through response models: `bare_fastapi.py PORT ANSWERS`.

ANSWERS is a file of JSON: a page of messages, a list of rooms and one message, as Tailwire answers them. Nothing is
authenticated, counted, stored or looked up. Uvicorn serves it with uvloop and httptools, as FastAPI recommends.
"""

import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
ANSWERS: dict[str, Any] = json.loads(Path(sys.argv[2]).read_text())


class Reaction(BaseModel):
    emoji: str
    count: int
    user_ids: list[str]


class Message(BaseModel):
    room_id: str
    seq: int
    at: str
    user_id: str
    username: str
    ref: str | None
    body: str
    reply_to: int | None
    thread: int | None
    edited_at: str | None
    deleted: bool
    pinned: bool
    reactions: list[Reaction]
    reply_count: int
    last_reply_at: str | None
    mentions: list[str]
    mentions_all: bool
    is_bot: bool
    shown_as: dict[str, str] | None
    files: list[dict[str, Any]]
    previews: list[dict[str, Any]]


class Page(BaseModel):
    items: list[Message]
    epoch: str
    has_more: bool


class Person(BaseModel):
    id: str
    username: str
    display_name: str
    avatar: str | None
    is_bot: bool


class Notify(BaseModel):
    level: str
    muted_until: str | None


class Place(BaseModel):
    favourite: bool
    section: str | None
    hidden: bool


class Room(BaseModel):
    id: str
    name: str
    topic: str
    visibility: str
    archived: bool
    slow_seconds: int
    post_role: str
    created_at: str
    role: str | None
    epoch: str
    seq: int
    read_seq: int
    unread_count: int
    first_unread_seq: int | None
    mention_count: int
    notify: Notify | None
    last_message: Message | None
    kind: str
    avatar: str | None
    users: list[Person]
    member_count: int
    place: Place | None


class Rooms(BaseModel):
    items: list[Room]
    next_cursor: str | None


class Sent(BaseModel):
    ref: str
    body: str


@app.get("/rooms/{room_id}/messages")
async def page(room_id: str, limit: int = 50, before: int | None = None) -> Page:
    return ANSWERS["page"]


@app.get("/rooms")
async def rooms() -> Rooms:
    return ANSWERS["rooms"]


@app.post("/rooms/{room_id}/messages", status_code=201)
async def post(room_id: str, sent: Sent) -> Message:
    return ANSWERS["message"]


class Position(BaseModel):
    room_id: str
    epoch: str
    seq: int


class Positions(BaseModel):
    positions: list[Position]
    others: bool


class Missed(BaseModel):
    items: list[dict[str, Any]]
    not_found: list[str]
    has_more: bool


@app.post("/sync")
async def sync(known: Positions) -> Missed:
    return ANSWERS["sync"]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
