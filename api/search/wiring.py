"""Makes the search of a node."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from api.errors import Unavailable
from api.search.file import IndexFile
from api.search.index import SearchIndex
from api.search.indexer import Indexer
from api.store.base.store import Store

STORE_ID: Final = "search index"
"""The name under which the store keeps its id, by which an index of another store is recognised."""

log = structlog.get_logger("api.search")


@dataclass(frozen=True, slots=True)
class NodeSearch:
    """The search of a node: who writes its index, and who reads it."""

    file: IndexFile
    indexer: Indexer
    index: SearchIndex

    @property
    def is_writing(self) -> bool:
        """Whether this process writes the index of its machine."""
        return self.indexer.is_writing

    @property
    def done(self) -> float:
        """How much of the index is made, from 0 to 1; 0 where another process writes it."""
        return self.indexer.done if self.indexer.is_writing else 0

    @property
    def lag(self) -> int:
        """How many entries the index lacks; 0 where another process writes it."""
        return self.indexer.lag

    @property
    def taken_count(self) -> int:
        """How many entries this process has taken in."""
        return self.indexer.taken_count

    @property
    def made_count(self) -> int:
        """How often this process has made the index."""
        return self.indexer.made_count

    @property
    def outcomes(self) -> Mapping[str, int]:
        """The searches here, by outcome."""
        return self.index.outcomes

    def size_bytes(self) -> int:
        """Return how much room the index takes on this machine's disk."""
        return self.file.size_bytes()

    async def close(self) -> None:
        """Close the index. The task of the indexer has ended before."""
        await self.indexer.close()
        await self.index.close()


def require_place(path: Path) -> None:
    """Raise `Unavailable` if the index cannot be written at `path`."""
    try:
        IndexFile(path, "").prepare()
    except OSError as error:
        raise Unavailable(
            f"the search index {path} cannot be written: {error.strerror}. Set TAILWIRE_SEARCH_PATH to another place,"
            " or TAILWIRE_SEARCH to off"
        ) from None


async def wire_search(
    store: Store, path: Path, on_search: Callable[[float], None], *, is_on: bool
) -> NodeSearch | None:
    """Return the search of a node whose index is at `path`. Raises `Unavailable`.

    With `is_on` False there is none, and an index of before is deleted, as nothing would be forgotten in it. It stays
    where another process writes it.
    """
    if not is_on:
        await asyncio.to_thread(_delete, IndexFile(path, ""))
        return None
    file = IndexFile(path, await store.keep(STORE_ID, uuid.uuid4().hex))
    try:
        file.prepare()
    except OSError as error:
        _report(path, error)
    return NodeSearch(file, Indexer(store, file), SearchIndex(file, on_search=on_search))


def _delete(file: IndexFile) -> None:
    try:
        if file.is_ours() and file.lock():
            file.delete()
            log.info("search_index_deleted", path=str(file.path))
    except OSError as error:
        _report(file.path, error)
    finally:
        file.unlock()


def _report(path: Path, error: OSError) -> None:
    """Log that the index cannot be written. Everything else goes on."""
    log.error("search_index_failed", path=str(path), reason=str(error))
