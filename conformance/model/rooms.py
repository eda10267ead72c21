"""The rooms of the scripted server: logs with epochs, and messages that are stored once under their ref. Pure."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Event = dict[str, Any]

AT: Final = "2026-11-29T09:30:00.000Z"
USER: Final[Mapping[str, str]] = {"user_id": "u-bob", "username": "bob"}
"""Whoever writes what a scenario appends. The client is somebody else."""


@dataclass
class Stored:
    """A message that was stored under a ref, and what its author sent."""

    seq: int
    sent: Mapping[str, Any]


class Refused(Exception):
    """The server refuses a command, with this code."""

    def __init__(self, code: str, status: int, retry_after_seconds: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry_after_seconds = retry_after_seconds


@dataclass
class Room:
    """A room: its log is dense, from seq 1 on."""

    id: str
    epoch: str = "epoch-1"
    entries: list[Event] = field(default_factory=list)
    refs: dict[str, Stored] = field(default_factory=dict)
    restored_to: int = 0
    """Up to this seq the entries are those of the epoch before."""
    holes: set[int] = field(default_factory=set)
    """Seqs that no replay brings: a server that breaks its promise."""
    ticks: Iterator[int] = field(default_factory=itertools.count)
    """Counts the entries of all rooms."""
    touched: int = -1
    """Where the newest entry stands among those of all rooms."""

    @property
    def head(self) -> int:
        """The last seq."""
        return len(self.entries)

    def append(self, kind: str = "message", **fields: Any) -> Event:
        """Add an entry to the log and return it. Without fields it is a message of somebody else."""
        seq = self.head + 1
        entry: Event = {"type": kind, "room_id": self.id, "seq": seq, "at": AT, **USER, "ref": None}
        if kind == "message":
            entry |= {"body": f"{self.id} {seq}", "reply_to": None}
        entry |= fields
        self.entries.append(entry)
        self.touched = next(self.ticks)
        return entry

    def is_at(self, position: Mapping[str, Any]) -> bool:
        """Say whether there is nothing new after a position."""
        return (position["epoch"], position["seq"]) == (self.epoch, self.head)

    def after(self, seq: int) -> list[Event]:
        """Return the entries after a seq, without the holes."""
        return [one for one in self.entries[seq:] if one["seq"] not in self.holes]

    def send(self, author: Mapping[str, str], ref: str, sent: Mapping[str, Any]) -> tuple[int, Event | None]:
        """Store a message once under its ref. Return its seq, and the entry where it is new. Raises Refused."""
        if (stored := self.refs.get(ref)) is not None:
            if stored.sent != sent:
                raise Refused("ref_conflict", 409)
            return stored.seq, None
        if sent.get("epoch") not in {None, self.epoch}:
            raise Refused("reset", 409)
        if (reply_to := sent.get("reply_to")) is not None and not 1 <= reply_to <= self.head:
            raise Refused("not_found", 404)
        entry = self.append(**author, ref=ref, body=sent["body"], reply_to=reply_to)
        self.refs[ref] = Stored(entry["seq"], sent)
        return entry["seq"], entry

    def restore(self, to: int) -> None:
        """Begin another life of the numbering, with the first entries of this one, as after a backup."""
        self.epoch = f"epoch-{int(self.epoch.rpartition('-')[2]) + 1}"
        self.restored_to = to
        del self.entries[to:]
        self.refs = {ref: stored for ref, stored in self.refs.items() if stored.seq <= to}
