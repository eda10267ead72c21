"""Makes search indexes without a server, and what to put into them."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from api.models.log import Entry, Head, Kind, News
from api.search.file import IndexFile
from api.search.index import Candidate, SearchIndex, Wanted
from api.search.query import parse
from api.search.rows import Rows, Taken

STORE_ID = "store"
EPOCH = "e1"
AT = 1_790_000_000_000


def entry(
    room_id: str, seq: int, kind: Kind, *, user_id: str = "ada", at: int | None = None, **data: Any
) -> Entry:
    at = AT + 1_000 * seq if at is None else at
    return Entry(room_id, seq, kind, user_id, user_id, at, None, data)


def message(room_id: str, seq: int, body: str, **more: Any) -> Entry:
    return entry(room_id, seq, Kind.MESSAGE, body=body, reply_to=None, **more)


def news(room_id: str, entries: Sequence[Entry], *, epoch: str = EPOCH, is_deleted: bool = False) -> News:
    seq = entries[-1].seq if entries else 0
    return News(Head(room_id, epoch, seq), is_deleted, entries)


@contextmanager
def writing(path: Path) -> Iterator["Index"]:
    """Make an empty index whose state is that it is done."""
    file = IndexFile(path, STORE_ID)
    with closing(file.make()) as connection:
        rows = Rows(connection)
        rows.note(done=1, lag=0)
        yield Index(file, rows)


class Index:
    """An index, and how far it has come."""

    def __init__(self, file: IndexFile, rows: Rows) -> None:
        self.file = file
        self.rows = rows
        self.taken: dict[str, Taken] = {}

    def take_in(self, one: News) -> Taken | None:
        taken = self.rows.take_in(one, self.taken.pop(one.head.room_id, None))
        if taken is not None:
            self.taken[one.head.room_id] = taken
        return taken

    async def find(
        self, query: str, rooms: Sequence[str], *, limit: int = 100, **more: Any
    ) -> list[Candidate]:
        """Return what a query without names finds in these rooms."""
        parsed = parse(query)
        wanted = Wanted(parsed.terms, rooms, traits=parsed.traits, not_traits=parsed.excluded_traits, **more)
        index = SearchIndex(self.file, max_seconds=10)
        try:
            return (await index.find(wanted, below=None, limit=limit)).items
        finally:
            await index.close()
