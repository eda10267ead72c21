"""Nodes: the processes that serve on one database, and what each says of itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a process says of itself. Times are milliseconds.

    `sockets` counts those that have not authenticated, too; `connections` does not. `lag_ms` is the time from writing
    the last entry to broadcasting it, and `silent_ms` that since the feed last received anything. `ailing` names the
    tasks that are not well, `leases` what only this process does, and `followers` those of it that read the logs, each
    with the number of entries that it has still to handle.
    """

    host: str = ""
    process: int = 0
    version: str = ""
    started_at: int = 0
    connections: int = 0
    sockets: int = 0
    subscriptions: int = 0
    rooms: int = 0
    feed_is_live: bool = False
    lag_ms: int = 0
    silent_ms: int = 0
    memory_is_short: bool = False
    clock_skew_ms: int = 0
    ailing: tuple[str, ...] = ()
    leases: tuple[str, ...] = ()
    followers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """A process, what it last said of itself, and how many milliseconds ago it said that, by the database's clock."""

    id: str
    state: NodeState
    age_ms: int
