"""What the clients of a run did and saw, in the order of one monotonic clock. The checker reads it.

A history is JSON Lines, one record each. It ends with the final content of the store, so it is all that is needed.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias

Fields: TypeAlias = dict[str, Any]
ENVELOPE: Final = {"type", "room_id", "seq", "user_id", "ref"}
"""The fields of an entry that a record has by names of its own."""
NOTHING: Final[tuple[Any, ...]] = (None, False, [])
"""The defaults of fields, which an event may leave out."""


def fields_of(entry: Fields) -> Fields:
    """Return what an entry says beside its envelope. What has its default is left out, whether it was there or not."""
    return {name: value for name, value in entry.items() if name not in ENVELOPE and value not in NOTHING}


class What(StrEnum):
    """The kinds of records."""

    INVOKE = "invoke"  # a command with a ref was sent, perhaps again
    KNOWN = "known"  # what is sent again now was acked as seq, perhaps long ago
    ACK = "ack"  # the server said: stored, as seq
    FAIL = "fail"  # the server said: not stored, and will not be
    UNKNOWN = "unknown"  # no answer, or `unavailable`: stored or not
    LIVE = "live"  # a replay is over: everything up to seq has been received
    RECEIVE = "receive"  # an entry came by the subscription
    SUBSCRIBE = "subscribe"  # the client subscribed with seq, the last entry that it had applied
    RESET = "reset"  # the server said: load the room again, you are live from seq
    WHOLE = "whole"  # the client was asked for everything up to seq, and had it
    OUT = "out"  # a leaving or a log-out was answered: after `grace` nothing of the room may come
    FLOOR = "floor"  # the checker looks at the log of the room after seq
    STORED = "stored"  # the store holds this entry in the end
    HEAD = "head"  # the log of the room ends at seq in the end
    READ = "read"  # /log of a node has this entry in the end, too
    SHOWN = "shown"  # what a client has made of the message seq in the end; `fields` is the message
    PAGE = "page"  # what /messages of a node says of the message seq in the end
    PINS = "pins"  # what /pins of a node says in the end: `fields` has the `seqs`, the last one first
    EDITS = "edits"  # what /edits of a node says of the message seq in the end
    THREAD = "thread"  # what /thread of a node lists below the message seq in the end: the `items`
    REACTORS = "reactors"  # who reacted to the message seq in the end, as a node lists it: `emoji`, `items`
    MENTIONS = "mentions"  # the newest `items` that /mentions of a node lists for a user in the end, or all: `is_whole`
    UNREAD = "unread"  # what /rooms of a node tells a user of the room in the end


@dataclass(frozen=True, slots=True)
class Record:
    """One line. `at` is in seconds of the monotonic clock. Unused fields are None.

    `kind` is that of an entry, and `fields` what it says beside its envelope; see `fields_of`.
    """

    what: What
    at: float
    client: str = ""
    room: str = ""
    epoch: str | None = None
    seq: int | None = None
    user: str | None = None
    ref: str | None = None
    kind: str | None = None
    fields: Fields | None = None
    code: str | None = None
    grace: float | None = None


class History(list[Record]):
    """The records of one run."""

    def note(self, what: What, client: str = "", room: str = "", **fields: Any) -> None:
        """Add a record of now."""
        self.append(Record(what, time.monotonic(), client, room, **fields))

    def write(self, path: Path) -> None:
        """Keep the history in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(_brief(record))}\n" for record in self))


def read(lines: Iterable[str]) -> History:
    """Return the history in these lines. Raises `ValueError` or `TypeError` for lines that are none."""
    history = History()
    for line in lines:
        fields = json.loads(line)
        history.append(Record(What(fields.pop("what")), **fields))
    return history


def _brief(record: Record) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if value not in (None, "")}
