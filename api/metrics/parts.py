"""The parts of a node that /metrics asks how much there is of something now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class FeedCounts(Protocol):
    """The state of the feed."""

    is_live: bool
    lag_ms: int
    reopen_count: int
    catch_up_count: int

    def silent_seconds(self) -> float:
        """Return the seconds since the feed last received anything."""


class TaskCounts(Protocol):
    """The state of a task that runs as long as the server does."""

    name: str
    is_up: bool
    restart_count: int


class HubCounts(Protocol):
    """The connections of this process and what was broadcast to them."""

    broadcast_count: int
    delivery_count: int

    @property
    def connection_count(self) -> int:
        """The number of authenticated sockets."""

    @property
    def subscription_count(self) -> int:
        """The number of subscriptions of all connections."""

    def positions(self) -> Mapping[str, int]:
        """Return the position of each subscribed room."""


class PresenceCounts(Protocol):
    """Who is online, and who is told."""

    change_count: int

    @property
    def online_count(self) -> int:
        """The number of users who are online on any node."""

    @property
    def watch_count(self) -> int:
        """The number of pairs of a connection and a user whom it watches."""


class FollowerCounts(Protocol):
    """A follower, and how far it has come, if this process runs it."""

    name: str
    handled_count: int
    failure_count: int

    @property
    def lag(self) -> int:
        """The number of entries that it has still to handle."""


class OutcomeCounts(Protocol):
    """What came of deliveries to webhooks here."""

    dead: int

    @property
    def outcomes(self) -> Mapping[str, int]:
        """The attempts, by outcome."""


class WebhookParts(Protocol):
    """The webhooks of all rooms, if this process posts to them."""

    @property
    def counts(self) -> OutcomeCounts:
        """What came of deliveries here."""

    @property
    def lag(self) -> int:
        """The number of entries that are still to be posted."""

    @property
    def waiting(self) -> int:
        """The number of webhooks that wait because their receivers are down or refuse."""


class SearchParts(Protocol):
    """The search of messages, and its index, if this process writes it."""

    @property
    def outcomes(self) -> Mapping[str, int]:
        """The searches, by outcome."""

    @property
    def is_writing(self) -> bool:
        """Whether this process writes the index."""

    @property
    def done(self) -> float:
        """How much of the index is made, from 0 to 1."""

    @property
    def lag(self) -> int:
        """The number of entries that the index lacks."""

    @property
    def taken_count(self) -> int:
        """The number of entries that were taken in."""

    @property
    def made_count(self) -> int:
        """How often the index was made anew."""

    def size_bytes(self) -> int:
        """Return the size of the index on the disk."""


class UploadCounts(Protocol):
    """The files that came here and were sent from here."""

    @property
    def counts(self) -> Mapping[str, int]:
        """The uploads, by what became of them."""

    @property
    def pictures(self) -> Mapping[str, int]:
        """The pictures that were looked at, by what became of them."""

    @property
    def received_bytes(self) -> int:
        """The bytes of files that have come."""

    @property
    def sent_bytes(self) -> int:
        """The bytes of files that were sent."""

    @property
    def downloads(self) -> int:
        """The long files that are being sent now."""

    @property
    def reads(self) -> Mapping[str, int]:
        """The answers to who read files, by who has the bytes."""


class UsageCounts(Protocol):
    """How much is kept of all files."""

    @property
    def bytes(self) -> int:
        """Their bytes."""

    @property
    def files(self) -> int:
        """Their number."""


class RemovalCounts(Protocol):
    """What this process has removed of files, and how much there is."""

    @property
    def counts(self) -> Mapping[str, int]:
        """The removals, by outcome."""

    @property
    def usage(self) -> UsageCounts:
        """How much there is of all users."""

    @property
    def free_bytes(self) -> int | None:
        """How many bytes there is space for, or None where nobody knows."""


class LinkCounts(Protocol):
    """The links in messages that were looked at here."""

    @property
    def counts(self) -> Mapping[str, int]:
        """The links, by what came of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a node that know how much there is of something now."""

    version: str
    hub: HubCounts
    feed: FeedCounts
    tasks: Sequence[TaskCounts]
    reads: Callable[[], Mapping[str, int]]
    signals: Callable[[], Mapping[str, int]]
    offers: Callable[[], Mapping[str, int]]
    presence: PresenceCounts
    known_memberships: Callable[[], int]
    waiting_polls: Callable[[], int]
    consumed: Callable[[], Mapping[str, int]]
    tokens: Callable[[], Mapping[str, int]]
    hook_posts: Callable[[], Mapping[str, int]]
    entries: Callable[[], Mapping[str, int]]
    followers: Sequence[FollowerCounts]
    leases: Callable[[], Mapping[str, int]]
    webhooks: WebhookParts
    search: SearchParts | None
    files: UploadCounts | None
    removal: RemovalCounts | None
    links: LinkCounts | None
    mentions: Callable[[], Mapping[str, int]]
    socket_count: Callable[[], int]
    memory_is_short: Callable[[], bool]
    answer_bytes: Callable[[], int]
    clock_skew_ms: Callable[[], int]
    database_bytes: Callable[[], int | None]
