"""Finds the messages that a query asks for, by the file of the search index.

What it finds are candidates. The index may be a second behind the store, so who shows them to anybody looks at each in
the store first.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

import apsw
import orjson

from api.errors import Indexing, Overloaded
from api.search.file import Damaged, IndexFile
from api.search.query import Term, Trait
from api.search.rows import ANY, EVERYBODY, author_tag, first_id, mention_tag, room_tag

MAX_SECONDS: Final = 0.2
"""A search that takes longer is ended, with what it has found by then."""
MOST_TAGS: Final = 200
"""The rooms of a user with no more rooms are looked up in the index, and those of other users joined: what costs less
for a few quiet rooms costs more for hundreds."""
_STEPS: Final = 500  # of SQLite's virtual machine between two looks at the clock


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for, with the ids of rooms and users in place of their names.

    A message is in one of the rooms, and of one of `authors` if there are some. It mentions the user `mentions`, or
    with `not_mentions` does not. Times are milliseconds: from `since`, and before `until`.
    """

    terms: Sequence[Term]
    room_ids: Sequence[str]
    authors: Sequence[str] = ()
    not_authors: Sequence[str] = ()
    traits: Iterable[Trait] = ()
    not_traits: Iterable[Trait] = ()
    mentions: str | None = None
    not_mentions: str | None = None
    since: int | None = None
    until: int | None = None


class Candidate(NamedTuple):
    """A message that the index has found. `id` is its place in the order of all: newer ones have greater ids."""

    id: int
    room_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates, the newest first. `is_cut` says that the time was up before there were enough of them."""

    items: list[Candidate]
    is_cut: bool


class SearchIndex:
    """Searches in the index. The caller must `close` it. Each search is done on a thread, one after the other."""

    def __init__(
        self,
        file: IndexFile,
        *,
        on_search: Callable[[float], None] = lambda _seconds: None,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._file = file
        self._on_search = on_search
        self._max_seconds = max_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tailwire-search")
        self._connection: apsw.Connection | None = None
        self._inode: int | None = None
        self._end_at = 0.0
        self.outcomes: Counter[str] = Counter()
        """How many searches were `done`, were `cut` because the time was up, or met an index that was `indexing`."""

    async def find(self, wanted: Wanted, *, below: int | None, limit: int) -> Candidates:
        """Return the `limit` newest candidates with ids less than `below`.

        Raises `Indexing` while the index is made, and `Overloaded` if the time is up before anything is found.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            found = await loop.run_in_executor(self._thread, self._find, wanted, below, limit)
        except Indexing:
            self.outcomes["indexing"] += 1
            raise
        self._on_search(loop.time() - began)
        self.outcomes["cut" if found.is_cut else "done"] += 1
        if found.is_cut and not found.items:
            raise Overloaded("The search took too long: add a word, a room, a person or a date")
        return found

    async def close(self) -> None:
        """End the search that is under way, and close the file."""
        if (connection := self._connection) is not None:
            with suppress(apsw.ConnectionClosedError):
                connection.interrupt()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    # -- on the thread

    def _find(self, wanted: Wanted, below: int | None, limit: int) -> Candidates:
        items: list[Candidate] = []
        try:
            connection = self._connected()
            self._end_at = time.monotonic() + self._max_seconds
            try:
                connection.execute("BEGIN")  # one snapshot, for the numbers as for the words
                _require_done(connection)
                for one in _search(connection, wanted, below, limit):
                    items.append(one)  # noqa: PERF402  what was found stays when the time is up
            except apsw.InterruptError:
                return Candidates(items, is_cut=True)
            finally:
                self._end_at = float("inf")
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return Candidates(items, is_cut=False)
        except Damaged:
            raise Indexing(0) from None
        except (apsw.CorruptError, apsw.NotADBError, apsw.IOError):
            if self._file.inode() == self._inode:
                self._file.report_damage()
            self._disconnect()
            raise Indexing(0) from None
        except apsw.BusyError:
            raise Overloaded from None
        except (apsw.CantOpenError, apsw.ReadOnlyError):  # such as a file that may be read no more
            self._disconnect()
            raise Indexing(0) from None

    def _connected(self) -> apsw.Connection:
        """Return the connection to the file that is there now. Raises `Damaged`."""
        inode = self._file.inode()
        if self._connection is None or inode != self._inode:
            self._disconnect()
            self._connection, self._inode = self._file.read(), inode
            self._connection.set_progress_handler(self._is_late, _STEPS)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(apsw.Error):
                self._connection.close(force=True)
            self._connection = None

    def _is_late(self) -> bool:
        return time.monotonic() > self._end_at


def _require_done(connection: apsw.Connection) -> None:
    ((done,),) = connection.execute("SELECT done FROM state")
    if done < 1:
        raise Indexing(done)


def _search(
    connection: apsw.Connection, wanted: Wanted, below: int | None, limit: int
) -> Iterator[Candidate]:
    rooms = _numbers(connection, "SELECT number FROM rooms WHERE room_id", wanted.room_ids)
    match = _match(connection, wanted, rooms)
    if match is None:
        return
    low = 0 if wanted.since is None else first_id(wanted.since)
    high = min(
        2**63 - 1 if below is None else below,
        2**63 - 1 if wanted.until is None else first_id(wanted.until),
    )
    are_joined = len(rooms) > MOST_TAGS
    in_rooms = " AND docs.room IN (SELECT value FROM json_each(?5))" if are_joined else ""
    given = (match, low, high, limit, *([orjson.dumps(rooms).decode()] if are_joined else ()))
    for row in connection.execute(
        "SELECT docs.id, rooms.room_id, docs.seq FROM words CROSS JOIN docs ON docs.id = words.rowid"  # noqa: S608
        f" CROSS JOIN rooms ON rooms.number = docs.room{in_rooms}"
        " WHERE words MATCH ?1 AND words.rowid >= ?2 AND words.rowid < ?3"
        " ORDER BY words.rowid DESC LIMIT ?4",
        given,
    ):
        yield Candidate(*row)


def _match(connection: apsw.Connection, wanted: Wanted, rooms: Sequence[int]) -> str | None:
    """Return what stands behind MATCH; None where nothing can be found. It has words of `text` and tags only."""
    if not rooms:
        return None
    of_people = "SELECT number FROM people WHERE user_id"
    alls = [f"tags : {trait}" for trait in sorted(wanted.traits)]
    nones = [f"tags : {trait}" for trait in sorted(wanted.not_traits)]
    if len(rooms) <= MOST_TAGS:
        alls.append(_any_of(map(room_tag, rooms)))
    if wanted.authors:
        authors = _numbers(connection, of_people, wanted.authors)
        if not authors:
            return None
        alls.append(_any_of(map(author_tag, authors)))
    nones += [f"tags : {author_tag(one)}" for one in _numbers(connection, of_people, wanted.not_authors)]
    if wanted.mentions is not None:
        mentioned = _numbers(connection, of_people, [wanted.mentions])
        alls.append(_any_of([EVERYBODY, *map(mention_tag, mentioned)]))
    if wanted.not_mentions is not None:
        mentioned = _numbers(connection, of_people, [wanted.not_mentions])
        nones.append(_any_of([EVERYBODY, *map(mention_tag, mentioned)]))
    for term in wanted.terms:
        (nones if term.is_excluded else alls).append(_phrase(term))
    match = " AND ".join(alls) or f"tags : {ANY}"
    return f"({match}) NOT ({' OR '.join(nones)})" if nones else match


def _phrase(term: Term) -> str:
    """Return a term in the syntax of FTS5. Its words have no quotes."""
    return f'{{body names}} : "{" ".join(term.words.words)}"{" *" if term.words.is_prefix else ""}'


def _any_of(tags: Iterable[str]) -> str:
    return f"tags : ({' OR '.join(tags)})"


def _numbers(connection: apsw.Connection, select: str, ids: Iterable[str]) -> list[int]:
    listed = list(ids)
    if not listed:
        return []
    values = (orjson.dumps(listed).decode(),)
    rows = connection.execute(f"{select} IN (SELECT value FROM json_each(?))", values)  # noqa: S608  from this file
    return [number for (number,) in rows]
