"""What the clients of a run did and saw, in the order of one monotonic clock: what the checker judges by.

A history is JSON Lines, one record each, and stands for itself: it ends with what the store held in the end.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class What(StrEnum):
    """What a record tells."""

    INVOKE = "invoke"  # a command with a ref left for the server, perhaps not for the first time
    ACK = "ack"  # the server said: stored, as seq
    FAIL = "fail"  # the server said: not stored, and will not be
    UNKNOWN = "unknown"  # no word, or `unavailable`: it may be stored or not
    LIVE = "live"  # a replay is over: everything up to seq has been received
    RECEIVE = "receive"  # an entry came by the subscription
    SUBSCRIBE = "subscribe"  # begins at seq, the last one that was applied
    RESET = "reset"  # the server said: load the room again, you are live from seq
    WHOLE = "whole"  # the client had everything up to seq when it was asked to
    OUT = (
        "out"  # from here on, after `grace`, nothing of the room may come: a leaving or log-out was answered
    )
    FLOOR = "floor"  # the log of the room is looked at from after seq
    STORED = "stored"  # the store holds this entry in the end
    HEAD = "head"  # the log of the room ends at seq in the end


@dataclass(frozen=True, slots=True)
class Record:
    """One line. `at` in seconds of the monotonic clock; what a record has no use for is None."""

    what: What
    at: float
    client: str = ""
    room: str = ""
    epoch: str | None = None
    seq: int | None = None
    user: str | None = None
    ref: str | None = None
    body: str | None = None
    code: str | None = None
    grace: float | None = None


class History(list[Record]):
    """The records of one run, growing while it runs."""

    def note(self, what: What, client: str = "", room: str = "", **fields: Any) -> None:
        """Add what has just happened."""
        self.append(Record(what, time.monotonic(), client, room, **fields))

    def write(self, path: Path) -> None:
        """Keep the history in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(_brief(record))}\n" for record in self))


def read(lines: Iterable[str]) -> History:
    """Return the history that a file holds. Raises `ValueError`, `TypeError` for what is none."""
    history = History()
    for line in lines:
        fields = json.loads(line)
        history.append(Record(What(fields.pop("what")), **fields))
    return history


def _brief(record: Record) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if value not in (None, "")}
