"""Webhooks: addresses to which the entries of a room are posted, and what became of that."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix of secrets by Standard Webhooks


class PausedBy(StrEnum):
    """Why nothing is posted to a webhook."""

    OWNER = "owner"  # who owns the room has paused it
    GONE = "gone"  # the receiver has answered 410
    DOWN = "down"  # the receiver has been down for 30 days


BY_SERVER: Final = (PausedBy.GONE, PausedBy.DOWN)
"""What the server pauses a webhook for. Who made it is told of that."""


class Outcome(StrEnum):
    """What came of one attempt to deliver."""

    DELIVERED = "delivered"  # 2xx
    DOWN = "down"  # no answer, or one that says nothing about the entry: the webhook waits
    REFUSED = "refused"  # another 4xx: the receiver does not want this entry
    GONE = "gone"  # 410: the receiver wants none any more


@dataclass(frozen=True, slots=True)
class Beginning:
    """The end of the log when a webhook was made: the first entry that it is sent comes after it."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """The attempts to deliver the entry `seq` that have failed. Times are in milliseconds.

    `status` is that of the last answer, None where none came.
    """

    seq: int
    since: int
    attempts: int
    refusals: int
    next_at: int
    status: int | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Entries that are to be sent once more: those from `seq` up to `until`, as long as the room has this epoch."""

    epoch: str
    seq: int
    until: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook. `kinds` are the kinds of entries that it is sent; None means all.

    The `secret` signs what is sent, and until `earlier_until` the one before it does, too. `version` grows with every
    change.
    """

    id: str
    room_id: str
    url: str = field(repr=False)
    kinds: tuple[str, ...] | None
    secret: str = field(repr=False)
    made_by: str
    created_at: int
    start: Beginning
    version: int = 1
    earlier_secret: str | None = field(default=None, repr=False)
    earlier_until: int = 0
    paused: PausedBy | None = None
    trouble: Trouble | None = None
    replay: Repeat | None = None

    @property
    def follower(self) -> str:
        """The name under which its position is stored."""
        return f"webhook:{self.id}"

    def secrets(self, now: int) -> tuple[str, ...]:
        """Return the secrets that sign what is sent now."""
        has_two = self.earlier_secret is not None and now < self.earlier_until
        return (self.secret, self.earlier_secret) if has_two and self.earlier_secret else (self.secret,)


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What is to be changed of a webhook. What is None stays, and so do the kinds unless `has_kinds`."""

    url: str | None = None
    kinds: tuple[str, ...] | None = None
    has_kinds: bool = False
    paused: bool | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver an entry, or a dead letter: an entry that the receiver did not take after all attempts.

    `id` is the same for all attempts. It holds nothing of the entry but where that is, so that nothing which is deleted
    is kept here.
    """

    webhook_id: str
    id: str
    type: str
    epoch: str
    seq: int
    at: int
    attempt: int
    outcome: Outcome
    status: int | None
    milliseconds: int
    is_dead: bool = False
