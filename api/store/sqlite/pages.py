"""Reads pages of messages from the SQLite table `entries`, as they are now.

The methods take a cursor, and run inside a transaction.
"""

# ruff: noqa: S608 - queries are joined from constants of this file

from collections.abc import Iterable, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import apsw
import orjson

from api.models.kinds import NOTICES
from api.models.log import Entry, Head, History, Message, Timeline
from api.store import paging
from api.store.base.log import MessagePlace
from api.store.fold import folded
from api.store.sqlite import changed
from api.store.sqlite.room_log import UP_TO_HEAD, RoomLog, bounded
from api.store.sqlite.rows import COLUMNS, ReadRow, each_row, read_for_page, rows_of

_MESSAGES: Final = (
    f"SELECT {COLUMNS} FROM entries INDEXED BY messages"
    " WHERE room_id = ?1 AND kind = 'message' AND seq > ?2 AND seq < ?3"
)
_NOTICES: Final = (
    f"SELECT {COLUMNS} FROM entries INDEXED BY notices"
    f" WHERE room_id = ?1 AND kind IN ({', '.join(map(repr, NOTICES))}) AND seq > ?2 AND seq < ?3"
)
_REPLIES: Final = (
    f"SELECT {COLUMNS} FROM entries INDEXED BY threads"
    " WHERE room_id = ?1 AND thread = ?5 AND seq > ?2 AND seq < ?3"
)


class MessagePages:
    """The pages of the rooms' logs, newest first or oldest first."""

    def __init__(self, log: RoomLog) -> None:
        self._log = log

    def history(
        self, cursor: apsw.Cursor, room_id: str, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """Return a page of folded messages. Raises `NotFound`."""
        head = self._log.head(cursor, room_id)
        shown, has_more = self._shown(cursor, _MESSAGES, head, before=before, after=after, limit=limit)
        return History(_messages(shown), head.epoch, has_more)

    def timeline(
        self, cursor: apsw.Cursor, room_id: str, *, before: int | None, after: int | None, limit: int
    ) -> Timeline:
        """Return a page of folded messages and notices. Raises `NotFound`."""
        head = self._log.head(cursor, room_id)
        # Both parts come from an index in order of seq, and SQLite merges them as they are read.
        both = f"{_MESSAGES} UNION ALL {_NOTICES}"
        shown, has_more = self._shown(cursor, both, head, before=before, after=after, limit=limit)
        return Timeline(shown, head.epoch, has_more)

    def thread(self, cursor: apsw.Cursor, room_id: str, root: int, *, after: int, limit: int) -> History:
        """Return a page of the replies below a root. Raises `NotFound`."""
        head = self._log.head(cursor, room_id)
        shown, has_more = self._shown(
            cursor, _REPLIES, head, before=None, after=after, limit=limit, more=(bounded(root),)
        )
        return History(_messages(shown), head.epoch, has_more)

    def messages(self, cursor: apsw.Cursor, places: Sequence[MessagePlace]) -> dict[MessagePlace, Message]:
        """Return folded messages by their places, by two queries for all of them."""
        if not places:
            return {}
        wanted = orjson.dumps([(room_id, bounded(seq)) for room_id, seq in places]).decode()
        rows = rows_of(
            cursor,
            f"SELECT {COLUMNS} FROM entries"
            " WHERE (room_id, seq) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))"
            f" AND kind = 'message' AND {UP_TO_HEAD}",
            (wanted,),
        )
        read = [one for row in rows if (one := self._for_page(row)) is not None]
        states = changed.states_at(cursor, wanted)
        found = dict[MessagePlace, Message]()
        for one in read:
            place = one.entry.room_id, one.entry.seq
            state = states.get(place)
            if state is not None:
                found[place] = folded(one.entry, state)
            elif one.message is not None:
                found[place] = one.message
        return found

    def _shown(
        self,
        cursor: apsw.Cursor,
        select: str,
        head: Head,
        *,
        before: int | None,
        after: int | None,
        limit: int,
        more: tuple[int, ...] = (),
    ) -> tuple[list[Message | Entry], bool]:
        """Return the messages of a page as they are now and its notices, in order, and whether there are more."""
        above = 0 if after is None else bounded(after)
        below = head.seq + 1 if before is None else min(bounded(before), head.seq + 1)
        order = "DESC" if after is None else "ASC"
        rows = each_row(
            cursor, f"{select} ORDER BY seq {order} LIMIT ?4", (head.room_id, above, below, limit + 1, *more)
        )
        found = filter(None, map(self._for_page, islice(rows, limit)))
        read, is_cut = paging.cut(found, size=attrgetter("size"))
        has_more = is_cut or next(rows, None) is not None
        if after is None:
            read.reverse()
        return _as_now(cursor, head.room_id, read), has_more

    def _for_page(self, row: Any) -> ReadRow | None:
        read = read_for_page(row)
        if read is None:
            self._log.report(*row[1:3])
        return read


def _as_now(cursor: apsw.Cursor, room_id: str, read: Sequence[ReadRow]) -> list[Message | Entry]:
    """Return the messages of a room as they are now, and its other entries as they are. They are in order."""
    seqs = [one.entry.seq for one in read if one.message is not None]
    states = changed.states(cursor, room_id, seqs) if seqs else {}
    if not states:
        return [one.message or one.entry for one in read]
    return [
        one.message or one.entry if (state := states.get(one.entry.seq)) is None else folded(one.entry, state)
        for one in read
    ]


def _messages(shown: Iterable[Message | Entry]) -> list[Message]:
    return [one for one in shown if isinstance(one, Message)]
