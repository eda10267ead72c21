"""The bodies of how the nodes are, and of the settings in force."""

from collections.abc import Sequence
from typing import Annotated, Protocol, TypeAlias

from pydantic import Field

from api.http.bodies.forms import Answer
from api.models.followers import LeaseState
from api.models.nodes import Node
from api.protocol.fields import timestamp

Value: TypeAlias = str | int | float | bool | list[str] | None


class Shown(Protocol):
    """A setting in a form that may be shown."""

    @property
    def name(self) -> str:
        """The name of its variable."""

    @property
    def description(self) -> str:
        """What it does."""

    @property
    def value(self) -> Value:
        """What is in force. None where it is unset, and for a secret."""

    @property
    def source(self) -> str:
        """Where the value came from."""

    @property
    def is_secret(self) -> bool:
        """Whether its value is never shown."""

    @property
    def is_set(self) -> bool:
        """Whether the environment sets it."""


class OpenDoor(Protocol):
    """A door that the settings leave open to strangers."""

    @property
    def what(self) -> str:
        """What strangers can do."""

    @property
    def remedy(self) -> str:
        """The settings that end it."""


class FeedOut(Answer):
    """The feed of a node. `lag_ms` is the time from writing the last entry to broadcasting it."""

    live: bool
    lag_ms: int
    silent_ms: int


class NodeOut(Answer):
    """A process that serves. `current` is the one that answers; the others are as they were `age_ms` ago.

    `sockets` counts those that have not authenticated, too. `tasks` names those that are not well.
    """

    node_id: str
    current: bool
    age_ms: int
    host: str
    process: int
    version: str
    started_at: str
    connections: int
    sockets: int
    subscriptions: int
    rooms: int
    feed: FeedOut
    memory_short: bool
    clock_skew_ms: int
    tasks: list[str]

    @classmethod
    def of(cls, node: Node, *, current: bool) -> "NodeOut":
        """Make it from its record."""
        state = node.state
        return cls(
            node_id=node.id,
            current=current,
            age_ms=node.age_ms,
            host=state.host,
            process=state.process,
            version=state.version,
            started_at=timestamp(state.started_at),
            connections=state.connections,
            sockets=state.sockets,
            subscriptions=state.subscriptions,
            rooms=state.rooms,
            feed=FeedOut(live=state.feed_is_live, lag_ms=state.lag_ms, silent_ms=state.silent_ms),
            memory_short=state.memory_is_short,
            clock_skew_ms=state.clock_skew_ms,
            tasks=list(state.ailing),
        )


class LeaseOut(Answer):
    """What only one process of all does. `node_id` is the one that does it, where it has said so.

    `lag` is the number of entries that a follower has still to handle, and null for any other work.
    """

    name: str
    held: bool
    node_id: str | None
    lag: int | None

    @classmethod
    def of(cls, lease: LeaseState, nodes: Sequence[Node]) -> "LeaseOut":
        """Make it from its record and what the nodes say."""
        holder = next((node for node in nodes if lease.is_held and lease.name in node.state.leases), None)
        return cls(
            name=lease.name,
            held=lease.is_held,
            node_id=holder and holder.id,
            lag=holder and holder.state.followers.get(lease.name),
        )


class StoreOut(Answer):
    """The database: `sqlite` or `rethinkdb`. `bytes` is its size, where it is a file on this machine."""

    kind: str
    up: bool
    bytes: int | None


class StatusOut(Answer):
    """How this server is: `ready` where this node can serve. `nodes` begins with the one that answers."""

    status: str
    version: str
    store: StoreOut
    nodes: list[NodeOut]
    leases: list[LeaseOut]

    @classmethod
    def of(
        cls, nodes: Sequence[Node], leases: Sequence[LeaseState], store: StoreOut, *, version: str
    ) -> "StatusOut":
        """Make it from the records. The first of the nodes is the one that answers."""
        own = nodes[0].state
        ready = store.up and own.feed_is_live and not own.memory_is_short
        return cls(
            status="ready" if ready else "unavailable",
            version=version,
            store=store,
            nodes=[NodeOut.of(node, current=node is nodes[0]) for node in nodes],
            leases=[LeaseOut.of(lease, nodes) for lease in leases],
        )


class SettingOut(Answer):
    """A setting by its variable. `value` is null where it is unset, and for a `secret`, which is never shown.

    `source` is `environment`, `default`, `derived` from other settings, or `store` for what was made once and kept.
    """

    name: str
    description: str
    value: Value
    source: Annotated[str, Field(json_schema_extra={"enum": ["environment", "default", "derived", "store"]})]
    secret: bool
    set: bool

    @classmethod
    def of(cls, setting: Shown) -> "SettingOut":
        """Make it from its record."""
        return cls(
            name=setting.name,
            description=setting.description,
            value=setting.value,
            source=setting.source,
            secret=setting.is_secret,
            set=setting.is_set,
        )


class DoorOut(Answer):
    """What strangers can do, and the settings that end it."""

    what: str
    remedy: str


class SettingsOut(Answer):
    """All settings in force on this node, and the doors that they leave open to strangers."""

    items: list[SettingOut]
    open_doors: list[DoorOut]

    @classmethod
    def of(cls, settings: Sequence[Shown], doors: Sequence[OpenDoor]) -> "SettingsOut":
        """Make it from the records."""
        return cls(
            items=[SettingOut.of(one) for one in settings],
            open_doors=[DoorOut(what=door.what, remedy=door.remedy) for door in doors],
        )
