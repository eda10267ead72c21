"""Takes the entries of rooms into the tables of the search index, inside a transaction.

Each message has one row, whatever was done to it: an edit replaces what it says, and a delete takes it away. What a
message has besides its text stands in the column `tags`, as words that no text can have there.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import apsw

from api.models.attachments import files_in
from api.models.log import Entry, Json, Kind, News, SentFile
from api.search.file import digest_of
from api.search.query import Trait
from api.search.text import words_of

ANY: Final = "any"
"""The tag of every message."""
EVERYBODY: Final = "everybody"
"""The tag of a message that mentions all members of its room."""

_LINK: Final = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_ID_BITS: Final = 8
"""The id of a message is its time in milliseconds, and so many bits to tell apart those of the same millisecond."""
_LATEST_MS: Final = 2**50


def has_link(body: str) -> bool:
    """Return whether a text has the address of a page."""
    return _LINK.search(body) is not None


def names_of(files: Iterable[SentFile]) -> str:
    """Return the names of a message's files, as a text in which they are searched."""
    return "\n".join(one.name for one in files)


def room_tag(number: int) -> str:
    """Return the tag of the messages of a room."""
    return f"r{number}"


def author_tag(number: int) -> str:
    """Return the tag of the messages of a user."""
    return f"a{number}"


def mention_tag(number: int) -> str:
    """Return the tag of the messages that mention a user."""
    return f"m{number}"


def first_id(at: int) -> int:
    """Return the least id of a message of this time, in milliseconds."""
    return max(0, min(at, _LATEST_MS)) << _ID_BITS


MOST_EMPTIED: Final = 1_000
"""So many messages of rooms that are gone are deleted in one transaction. Without a trace each takes 0.4 ms."""


@dataclass(frozen=True, slots=True)
class Taken:
    """How far the index has come in a room, and whether something was deleted from it on the way there.

    With `is_emptying` it still has messages of a log that is gone, and nothing of the log that there is now.
    """

    epoch: str
    seq: int
    has_deleted: bool
    is_emptying: bool = False


@dataclass(slots=True)
class _Doc:
    """What the index has of a message. `id` is None before it is stored, and `wanted_id` is what it would best be."""

    id: int | None
    wanted_id: int
    body: str
    names: str
    """The words of the names of its files."""
    tags: set[str] = field(default_factory=set)

    def say(self, data: Mapping[str, Json], mentions: Iterable[str]) -> None:
        """Replace what it says, and whom it mentions."""
        body = str(data["body"])
        self.body = " ".join(words_of(body))
        kept = {tag for tag in self.tags if tag[0] != "m" and tag not in {EVERYBODY, Trait.LINK}}
        self.tags = kept | set(mentions)
        if has_link(body):
            self.tags.add(Trait.LINK)
        if data.get("mentions_all"):
            self.tags.add(EVERYBODY)


class Rows:
    """The tables, by one connection. It remembers the numbers of rooms and users; `forget` makes it look again."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._numbers: dict[tuple[str, str], int] = {}
        self._may_empty = MOST_EMPTIED

    def begin(self) -> None:
        """Begin a transaction, in which `MOST_EMPTIED` messages of rooms that are gone may be deleted."""
        self._may_empty = MOST_EMPTIED

    def forget(self) -> None:
        """Forget what was numbered in a transaction that was undone."""
        self._numbers.clear()

    def taken(self) -> dict[str, Taken]:
        """Return how far the index has come, by room."""
        rows = self._connection.execute("SELECT room_id, epoch, seq FROM rooms")
        return {room_id: Taken(epoch, seq, has_deleted=False) for room_id, epoch, seq in rows}

    def done(self) -> float:
        """Return how much of the index is made, from 0 to 1."""
        ((done,),) = self._connection.execute("SELECT done FROM state")
        return float(done)

    def note(self, *, done: float, lag: int) -> None:
        """Store how much of the index is made, from 0 to 1, and how many entries it lacks."""
        self._connection.execute("UPDATE state SET done = ?, lag = ?", (done, lag))

    def take_in(self, news: News, taken: Taken | None) -> Taken | None:
        """Take in what is new in a room. Return how far the index has come then; None where the room is deleted.

        The entries of `news` follow those that were `taken`. Under another epoch nothing was, and the room is emptied,
        which may take several calls.
        """
        head = news.head
        room = self._number("rooms", head.room_id)
        is_new = taken is None or taken.epoch != head.epoch
        has_deleted = (news.is_deleted or is_new) and self._empty(room)
        if (news.is_deleted or is_new) and self._has_messages(room):
            self._come_to(room, head.room_id, _EMPTYING, 0)
            return Taken(_EMPTYING, 0, has_deleted, is_emptying=True)
        if news.is_deleted:
            self._remove(room, head.room_id)
            return None
        has_deleted |= self._take_entries(room, news.entries)
        seq = news.entries[-1].seq if news.entries else 0 if taken is None or is_new else taken.seq
        self._come_to(room, head.room_id, head.epoch, seq)
        return Taken(head.epoch, seq, has_deleted)

    def merge(self, pages: int) -> bool:
        """Merge so many pages of the parts in which FTS5 has the words. Return whether something was left to merge.

        A word is looked up in each part. With a negative number all parts are to become one, which later calls go on
        with (the command `merge` of FTS5).
        """
        before = self._connection.total_changes()
        self._connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
        return self._connection.total_changes() - before >= _SOME_WORK

    def drop(self, room_ids: Iterable[str]) -> list[str]:
        """Take rooms away of which the store has nothing any more. Return those that are gone; others have more."""
        gone = []
        for room_id in room_ids:
            room = self._number("rooms", room_id)
            self._empty(room)
            if not self._has_messages(room):
                self._remove(room, room_id)
                gone.append(room_id)
        return gone

    def _come_to(self, room: int, room_id: str, epoch: str, seq: int) -> None:
        """Store how far the index has come in a room."""
        self._connection.execute(
            "UPDATE rooms SET epoch = ?, seq = ?, digest = ? WHERE number = ?",
            (epoch, seq, digest_of(room, room_id, epoch, seq), room),
        )

    def _remove(self, room: int, room_id: str) -> None:
        self._connection.execute("DELETE FROM rooms WHERE number = ?", (room,))
        self._numbers.pop(("rooms", room_id), None)

    def _take_entries(self, room: int, entries: Iterable[Entry]) -> bool:
        """Take in entries of a room. Return whether something was deleted."""
        docs: dict[int, _Doc] = {}
        deleted: set[int] = set()
        has_replaced = False
        for entry in entries:
            target = entry.data.get("target")
            seq = target if isinstance(target, int) else entry.seq
            if entry.kind == Kind.MESSAGE:
                if entry.data["body"] or entry.data.get("files"):  # else it was deleted meanwhile
                    docs[seq] = self._made(room, entry)
            elif entry.kind == Kind.DELETE:
                docs.pop(seq, None)
                deleted.add(seq)
            elif entry.kind in {Kind.EDIT, Kind.PIN}:
                doc = docs.get(seq) or self._stored(room, seq)
                if doc is None:
                    continue
                docs[seq] = doc
                if entry.kind == Kind.PIN:
                    (doc.tags.add if entry.data["pinned"] else doc.tags.discard)(Trait.PIN)
                elif entry.data["body"]:
                    has_replaced |= doc.id is not None
                    doc.say(entry.data, self._mentions(entry))
        has_deleted = self._delete(room, deleted)
        for seq, doc in docs.items():
            self._store(room, seq, doc)
        return has_deleted or has_replaced

    def _made(self, room: int, entry: Entry) -> _Doc:
        tags = {ANY, room_tag(room), author_tag(self._number("people", entry.user_id))}
        # Nodes make the same ids, so that a page of one goes on where that of another ended.
        digest = zlib.crc32(f"{entry.room_id} {entry.seq}".encode()) & ((1 << _ID_BITS) - 1)
        doc = _Doc(None, first_id(entry.at or 0) + digest, "", _names_of(entry), tags)
        if entry.data.get("thread") is not None:
            doc.tags.add(Trait.THREAD)
        if entry.data.get("files"):
            doc.tags.add(Trait.FILE)
        doc.say(entry.data, self._mentions(entry))
        return doc

    def _mentions(self, entry: Entry) -> list[str]:
        mentions = entry.data.get("mentions")
        users = mentions if isinstance(mentions, list) else []
        return [mention_tag(self._number("people", user_id)) for user_id in users if isinstance(user_id, str)]

    def _stored(self, room: int, seq: int) -> _Doc | None:
        row = self._connection.execute(
            "SELECT docs.id, body, names, tags FROM docs JOIN words ON words.rowid = docs.id"
            " WHERE room = ? AND seq = ?",
            (room, seq),
        ).fetchone()
        return None if row is None else _Doc(row[0], row[0], row[1], row[2], set(row[3].split()))

    def _store(self, room: int, seq: int, doc: _Doc) -> None:
        tags = " ".join(sorted(doc.tags))
        if doc.id is not None:
            self._connection.execute(
                "UPDATE words SET body = ?, tags = ? WHERE rowid = ?", (doc.body, tags, doc.id)
            )
            return
        id_ = self._free_id(doc.wanted_id)
        self._connection.execute("INSERT INTO docs (id, room, seq) VALUES (?, ?, ?)", (id_, room, seq))
        self._connection.execute(
            "INSERT INTO words (rowid, body, names, tags) VALUES (?, ?, ?, ?)",
            (id_, doc.body, doc.names, tags),
        )

    def _free_id(self, id_: int) -> int:
        """Return an id that no message has: this one, or else a later one."""
        step = 1
        while self._connection.execute("SELECT 1 FROM docs WHERE id = ?", (id_,)).fetchone():
            id_, step = id_ + step, 2 * step  # a long import may have thousands of one time
        return id_

    def _delete(self, room: int, seqs: Iterable[int]) -> bool:
        found = [
            id_
            for seq in sorted(seqs)
            for (id_,) in self._connection.execute(
                "SELECT id FROM docs WHERE room = ? AND seq = ?", (room, seq)
            )
        ]
        self._delete_docs(found)
        return bool(found)

    def _empty(self, room: int) -> bool:
        """Delete as many messages of a room as this transaction may. Return whether there were any."""
        found = [
            id_
            for (id_,) in self._connection.execute(
                "SELECT id FROM docs WHERE room = ? LIMIT ?", (room, self._may_empty)
            )
        ]
        self._delete_docs(found)
        self._may_empty -= len(found)
        return bool(found)

    def _has_messages(self, room: int) -> bool:
        return self._connection.execute("SELECT 1 FROM docs WHERE room = ?", (room,)).fetchone() is not None

    def _delete_docs(self, ids: Iterable[int]) -> None:
        for id_ in ids:
            self._connection.execute("DELETE FROM words WHERE rowid = ?", (id_,))
            self._connection.execute("DELETE FROM docs WHERE id = ?", (id_,))

    def _number(self, table: str, id_: str) -> int:
        """Return the number of a room or a user, a new one if it has none."""
        known = self._numbers.get((table, id_))
        if known is not None:
            return known
        column = _COLUMNS[table]
        row = self._connection.execute(f"SELECT number FROM {table} WHERE {column} = ?", (id_,)).fetchone()  # noqa: S608
        if row is None:
            values = "?, '', 0, 0" if table == "rooms" else "?"
            names = f"{column}, epoch, seq, digest" if table == "rooms" else column
            self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", (id_,))  # noqa: S608
            row = (self._connection.last_insert_rowid(),)
        if len(self._numbers) >= _MAX_KNOWN:
            self._numbers.clear()
        number = self._numbers[table, id_] = int(row[0])
        return number


def _names_of(entry: Entry) -> str:
    return " ".join(words_of(names_of(files_in(entry.data))))


_EMPTYING: Final = ""
"""It stands in place of the epoch of a room whose messages of before are not all deleted yet."""
_SOME_WORK: Final = 2  # rows that are changed where FTS5 had something to merge, as its documentation says
_COLUMNS: Final = {"rooms": "room_id", "people": "user_id"}
_MAX_KNOWN: Final = 100_000
