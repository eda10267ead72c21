"""Declares the part of a store that erases an account, step by step."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.log import Entry
from api.models.page import Page


class ErasureStore(ABC):
    """The steps that erase an account. The job `Erasure` takes them in the right order."""

    @abstractmethod
    async def begin(self, user_id: str, *, one_remains: bool = False) -> None:
        """Mark an account as disabled and to be erased. Repeating this is harmless. Raises `NotFound`.

        With `one_remains` it raises `Conflict` for the last administrator, as `AccountStore.set_flags` does.
        """

    @abstractmethod
    async def pending(self) -> list[str]:
        """Return the ids of the accounts that are marked to be erased."""

    @abstractmethod
    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:
        """List all entries that have this user as their author, in a stable order. Raises `BadCursor`.

        The list has every entry that was stored before its first page was asked for.
        """

    @abstractmethod
    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:
        """Replace the username of entries, and remove the display name of `member` entries.

        Nothing else of them changes, and no open `changes` yields them again.
        """

    @abstractmethod
    async def finish(self, user_id: str) -> None:
        """Remove an account that has no sessions and no memberships left. Its name is then free again.

        What is kept of memberships that have ended goes as well, and so do the invites and the reports that it made,
        the blocks by it and against it, its consumers, and the reasons that it gave for bans. A use of an invite stays
        used, without the user's id.
        """
