"""How a server is, and what it was told to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Node:
    """A process that serves. `current` is the one that answers; the others are as they were `age_ms` ago."""

    node_id: str
    current: bool
    age_ms: int
    host: str
    process: int
    version: str
    started_at: datetime
    connections: int
    subscriptions: int
    tasks: tuple[str, ...] = ()
    """The tasks that are not well."""


@dataclass(frozen=True)
class Status:
    """`status` is `ready` where the node that answers can serve. `store` and `leases` have the server's own fields."""

    status: str
    version: str
    store: Mapping[str, Any]
    nodes: tuple[Node, ...] = ()
    leases: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Setting:
    """A setting by its variable. `value` is None where it is unset, and for a `secret`."""

    name: str
    description: str
    source: str
    secret: bool
    set: bool
    value: Any = None


@dataclass(frozen=True)
class Door:
    """What is open to strangers, and how to shut it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Settings:
    """The settings in force on a node, and what they leave open to strangers."""

    items: tuple[Setting, ...]
    open_doors: tuple[Door, ...] = ()
