"""The JSON of messages and rooms is that of the models which describe it, byte by byte."""

import tracemalloc

import orjson
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from api.http.bodies import message_json as made
from api.http.bodies.messages import (
    HistoryAroundOut,
    HistoryOut,
    LogOut,
    MessageOut,
    PinsOut,
    TimelineAroundOut,
    TimelineOut,
)
from api.http.bodies.room_json import room_json, rooms_json
from api.http.bodies.rooms import RoomOut, RoomsOut
from api.models.accounts import ERASED_NAME, User
from api.models.log import (
    Around,
    Entry,
    Head,
    History,
    LinkPreview,
    Message,
    Reaction,
    SentFile,
    ShownAs,
    Timeline,
)
from api.models.rooms import (
    Notify,
    NotifyLevel,
    Role,
    Room,
    RoomKind,
    RoomPlace,
    RoomView,
    Unread,
    Visibility,
)
from api.protocol.fields import timestamp

TIMES = st.integers(0, 4_000_000_000_000)
SEQS = st.integers(1, 2**53 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
SOME = st.none() | TEXTS

REACTIONS = st.builds(Reaction, TEXTS, SEQS, st.lists(TEXTS, max_size=3).map(tuple))
FILES = st.builds(
    SentFile,
    TEXTS,
    TEXTS,
    TEXTS,
    SEQS,
    width=st.none() | SEQS,
    height=st.none() | SEQS,
    has_thumb=st.booleans(),
    blur=SOME,
    alt=TEXTS,
)
PREVIEWS = st.builds(LinkPreview, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | FILES)
MESSAGES = st.builds(
    Message,
    TEXTS,
    SEQS,
    TIMES,
    TEXTS,
    TEXTS,
    SOME,
    TEXTS | st.just("long " * 300),
    st.none() | SEQS,
    thread=st.none() | SEQS,
    edited_at=st.none() | TIMES,
    deleted=st.booleans(),
    pinned=st.booleans(),
    reactions=st.lists(REACTIONS, max_size=2).map(tuple),
    reply_count=SEQS,
    last_reply_at=st.none() | TIMES,
    mentions=st.lists(TEXTS, max_size=2).map(tuple),
    mentions_all=st.booleans(),
    is_bot=st.booleans(),
    shown_as=st.none() | st.builds(ShownAs, TEXTS, SOME, SOME),
    files=st.lists(FILES, max_size=2).map(tuple),
    previews=st.lists(PREVIEWS, max_size=2).map(tuple),
)
NOTICE = Entry(
    "den", 7, "member", "ada", "Ada", 3, None, {"role": "member", "by": "ada", "display_name": "A"}
)


def same(model: type[BaseModel], json: bytes) -> bool:
    """Say whether JSON is exactly what the model makes of it: the same fields in the same order, and no other."""
    return model.model_validate_json(json).model_dump_json().encode() == json


@given(MESSAGES)
def test_a_message_is_written_as_its_model_writes_it(message: Message) -> None:
    json = made.message_json(message)
    assert same(MessageOut, json)
    fields = orjson.loads(json)
    assert fields["body"] == message.body
    assert fields["at"] == timestamp(message.at)
    assert fields["mentions"] == [*message.mentions]
    assert [one["alt"] for one in fields["files"]] == [one.alt for one in message.files]
    assert made.message_json(message) == json


@given(st.lists(MESSAGES, max_size=3), TEXTS, st.booleans())
def test_pages_are_written_as_their_models_write_them(
    messages: list[Message], epoch: str, has_more: bool
) -> None:
    mixed: list[Message | Entry] = [*messages, NOTICE]
    around, with_notices = (Around(items, epoch, has_more, True) for items in (messages, mixed))
    written: list[tuple[type[BaseModel], bytes]] = [
        (HistoryOut, made.history_json(History(messages, epoch, has_more))),
        (TimelineOut, made.timeline_json(Timeline(mixed, epoch, has_more))),
        (HistoryAroundOut, made.around_json(around, with_notices=False)),
        (TimelineAroundOut, made.around_json(with_notices, with_notices=True)),
        (PinsOut, made.pins_json(messages)),
        (LogOut, made.log_json([NOTICE], Head("den", epoch, 9))),
    ]
    for model, json in written:
        assert same(model, json), model


def test_a_message_that_changes_is_written_anew() -> None:
    message = Message("den", 1, 5, "ada", "Ada", "r", "hello", None)
    edited = Message("den", 1, 5, "ada", "Ada", "r", "hullo", None, edited_at=9)
    for one in (message, edited, message):
        fields = orjson.loads(made.message_json(one))
        assert (fields["body"], fields["edited_at"]) == (one.body, timestamp(one.edited_at))


def test_json_that_is_kept_takes_no_more_memory_than_it_is_long() -> None:
    messages = [Message("den", seq, 5, "ada", "Ada", "r", "é" * 300, None) for seq in range(100)]
    tracemalloc.start()
    try:
        length = sum(len(made.message_json(one)) for one in messages)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 2 * length


ROOMS = st.builds(
    Room,
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from(Visibility),
    TIMES,
    archived=st.booleans(),
    slow_seconds=SEQS,
    post_role=st.sampled_from(Role),
    kind=st.sampled_from(RoomKind),
    people=st.just(("ada", "bob")) | st.just(()),
    avatar=TEXTS,
)
VIEWS = st.builds(
    RoomView,
    ROOMS,
    TEXTS,
    SEQS,
    st.none() | st.sampled_from(Role),
    SEQS,
    st.builds(
        Unread, SEQS.map(lambda count: count % 999), st.none() | SEQS, SEQS.map(lambda count: count % 9)
    ),
    st.none() | st.builds(Notify, st.sampled_from(NotifyLevel), st.none() | TIMES),
    st.none() | MESSAGES,
    is_admin=st.booleans(),
    member_count=SEQS,
    message_seq=SEQS,
    place=st.none() | st.builds(RoomPlace, st.booleans(), SOME, st.none() | SEQS),
    users=st.just((User("ada", "Ada", "Ada L.", created_at=1, avatar="pic"),)),
)


@given(st.lists(VIEWS, max_size=3), SOME)
def test_rooms_are_written_as_their_models_write_them(views: list[RoomView], cursor: str | None) -> None:
    json = rooms_json(views, cursor)
    assert same(RoomsOut, json)
    for view, item in zip(views, orjson.loads(json)["items"], strict=True):
        assert same(RoomOut, room_json(view))
        assert item["unread_count"] == view.unread.count
        assert item["role"] == view.rights
        assert (item["last_message"] is None) == (view.role is None or view.last_message is None)
        people = [one["display_name"] for one in item["users"]]
        assert people == (["Ada L.", ERASED_NAME] if view.role is not None and view.room.people else [])
