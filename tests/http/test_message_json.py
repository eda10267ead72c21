"""The JSON of messages is that of the models which describe it, byte by byte."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

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
from api.models.log import Around, Entry, Head, History, Message, Reaction, SentFile, ShownAs, Timeline
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
)
NOTICE = Entry(
    "den", 7, "member", "ada", "Ada", 3, None, {"role": "member", "by": "ada", "display_name": "A"}
)


def same(model: type[MessageOut | HistoryOut | TimelineOut | PinsOut | LogOut], json: bytes) -> bool:
    """Say whether JSON is exactly what the model makes of it: the same fields in the same order, and no other."""
    return model.model_validate_json(json).model_dump_json().encode() == json


@given(MESSAGES)
def test_a_message_is_written_as_its_model_writes_it(message: Message) -> None:
    json = made.message_json(message)
    assert same(MessageOut, json)
    assert MessageOut.of(message).model_dump_json().encode() == json
    assert made.message_json(message) == json


@given(st.lists(MESSAGES, max_size=3), TEXTS, st.booleans())
def test_pages_are_written_as_their_models_write_them(
    messages: list[Message], epoch: str, has_more: bool
) -> None:
    mixed: list[Message | Entry] = [*messages, NOTICE]
    around, with_notices = (Around(items, epoch, has_more, True) for items in (messages, mixed))
    for model, json in (
        (HistoryOut, made.history_json(History(messages, epoch, has_more))),
        (TimelineOut, made.timeline_json(Timeline(mixed, epoch, has_more))),
        (HistoryAroundOut, made.around_json(around, with_notices=False)),
        (TimelineAroundOut, made.around_json(with_notices, with_notices=True)),
        (PinsOut, made.pins_json(messages)),
        (LogOut, made.log_json([NOTICE], Head("den", epoch, 9))),
    ):
        assert same(model, json), model  # type: ignore[arg-type]


def test_a_message_that_changes_is_written_anew() -> None:
    message = Message("den", 1, 5, "ada", "Ada", "r", "hello", None)
    edited = Message("den", 1, 5, "ada", "Ada", "r", "hullo", None, edited_at=9)
    for one in (message, edited, message):
        fields = orjson.loads(made.message_json(one))
        assert (fields["body"], fields["edited_at"]) == (one.body, timestamp(one.edited_at))
