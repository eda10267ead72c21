"""The bodies of consumers, and of what their readers are given."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from api.http.bodies.forms import Answer, WithChoices
from api.models.consumers import Consumer, Given
from api.models.followers import Start
from api.protocol.entries import entry_event
from api.protocol.events import deleted_event, position_event
from api.protocol.fields import Id, Strict, timestamp

MAX_ROOMS: Final = 1_000
"""The most rooms that a consumer names."""

# -- requests


class NewConsumer(WithChoices):
    """What a consumer reads: all rooms that the caller is in, or of these only those in `room_ids`.

    `start` says where it begins in rooms in which it has no position: at the `beginning`, or `now`, which is when it is
    made or its user joins.
    """

    room_ids: Annotated[list[Id], Field(max_length=MAX_ROOMS)] | None = None
    start: Start = Start.BEGINNING


class Ack(Strict):
    """The token of the answer that the reader is done with."""

    token: Annotated[str, Field(min_length=1)]


# -- answers


class ConsumerOut(Answer):
    """A consumer. `acked_at` is when it last acknowledged anything, to the minute."""

    name: str
    room_ids: tuple[str, ...] | None
    start: str
    created_at: str
    acked_at: str | None

    @classmethod
    def of(cls, consumer: Consumer, bound: Collection[str] | None) -> "ConsumerOut":
        """Make it from its record, for a token that reaches the rooms in `bound`, or all."""
        rooms = consumer.room_ids
        if rooms is not None and bound is not None:
            rooms = tuple(one for one in rooms if one in bound)
        return cls(
            name=consumer.name,
            room_ids=rooms,
            start=consumer.start,
            created_at=timestamp(consumer.created_at),
            acked_at=timestamp(consumer.acked_at),
        )


class ConsumerWithLag(ConsumerOut):
    """A consumer, and how many entries it has not acknowledged yet."""

    lag: int

    @classmethod
    def with_lag(cls, consumer: Consumer, bound: Collection[str] | None, lag: int) -> "ConsumerWithLag":
        """Make it from its record and a count, as `of` does."""
        return cls(**ConsumerOut.of(consumer, bound).model_dump(), lag=lag)


class ConsumersOut(Answer):
    """All consumers of the caller, by name."""

    items: list[ConsumerOut]


class EntriesOut(Answer):
    """What a reader has not acknowledged yet, room by room, and the token that acknowledges it.

    An item is an entry in the form of the socket's events with its `epoch`, or one of two events: `reset`, the room has
    a new `epoch`, and of what was given before only the entries up to `seq` still hold; `membership`, the room was
    deleted.
    """

    items: list[dict[str, Any]]
    token: str | None
    has_more: bool

    @classmethod
    def of(cls, given: Sequence[Given], token: str | None, *, has_more: bool) -> "EntriesOut":
        """Make it from its records."""
        return cls(items=[event for one in given for event in events_of(one)], token=token, has_more=has_more)


def events_of(given: Given) -> list[dict[str, Any]]:
    """Return the events of what a reader is given of one room."""
    room_id, epoch = given.place.room_id, given.place.epoch
    if given.is_deleted or epoch is None:
        return [{**deleted_event(room_id, "")}]
    events = [{**entry_event(entry), "epoch": epoch} for entry in given.entries]
    if given.reset is not None:
        events.insert(0, {**position_event("reset", room_id, epoch, given.reset)})
    return events
