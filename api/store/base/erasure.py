"""What a store promises of taking an account out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.log import Entry
from api.models.page import Page


class ErasureStore(ABC):
    """The steps by which an account is taken out. The job `Erasure` says in which order."""

    @abstractmethod
    async def begin(self, user_id: str) -> None:
        """Mark an account as disabled and to be erased; again is harmless. Raises `NotFound`."""

    @abstractmethod
    async def pending(self) -> list[str]:
        """Return the ids of the accounts that are so marked."""

    @abstractmethod
    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:
        """List all entries of which a user is the author, in a stable order. Raises `BadCursor`.

        Each one that was stored before the first page was asked for is in it.
        """

    @abstractmethod
    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:
        """Put another name on entries. Nothing else of them changes, and no open `changes` tells of it."""

    @abstractmethod
    async def finish(self, user_id: str) -> None:
        """Remove an account, which has neither sessions nor memberships left. Its name is free again."""
