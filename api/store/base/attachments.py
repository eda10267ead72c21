"""Declares the part of a store that keeps what is known of files. Their bytes are elsewhere."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.attachments import Attachment, FileQuota, FoundFile, Usage
from api.models.page import Page


class AttachmentStore(ABC):
    """The rows of files. Each change is atomic, and conditional on what the row is.

    A row stays until the bytes of its file are removed, so that there is never a byte without a row that tells of it.
    """

    @abstractmethod
    async def create(self, attachment: Attachment, quota: FileQuota) -> None:
        """Store a new row, and count its size. Raises `QuotaReached` where it would be more than the quota."""

    @abstractmethod
    async def get_many(self, file_ids: Sequence[str]) -> dict[str, Attachment]:
        """Return the rows of these files by id, also of those that are gone. Unknown ids are left out."""

    @abstractmethod
    async def touch(self, file_id: str, *, at: int) -> bool:
        """Note that something came of a file that is being uploaded. Returns False where it is not, or no more."""

    @abstractmethod
    async def renew(self, file_id: str, *, at: int) -> None:
        """Note that a file which is whole, and which no message has, is still needed."""

    @abstractmethod
    async def describe(self, file_id: str, alt: str, *, at: int) -> Attachment | None:
        """Give a file that is neither sent nor claimed another `alt`. Returns it, or None where there is none."""

    @abstractmethod
    async def finish(self, file_id: str, looked: FoundFile, *, at: int) -> Attachment | None:
        """Make an upload whole, with what was found out. Returns the row as it is then, or None where it is gone.

        One that is whole stays as it is.
        """

    @abstractmethod
    async def claim(
        self, file_ids: Sequence[str], *, user_id: str, room_id: str, ref: str, at: int
    ) -> dict[str, Attachment]:
        """Claim files for the message of this user under this ref, and return the rows that are claimed for it.

        A file that is whole, this user's, in this room, and not claimed for another ref, is claimed. One that was sent
        under this ref is returned as it is.
        """

    @abstractmethod
    async def release(self, file_ids: Sequence[str], *, user_id: str, ref: str) -> None:
        """Take back the claims of a message that was not stored. What was sent stays sent."""

    @abstractmethod
    async def send(self, file_ids: Sequence[str], *, room_id: str, user_id: str, seq: int) -> None:
        """Note that a message of this user at `seq` has these files of theirs. Those that are gone stay so."""

    @abstractmethod
    async def give_up(self, attachment: Attachment) -> bool:
        """Let a file be gone, if its state, ref and `touched_at` are still those given. Returns whether it is now."""

    @abstractmethod
    async def give_up_message(self, room_id: str, seq: int) -> int:
        """Let all files of a message be gone. Returns how many there were."""

    @abstractmethod
    async def give_up_room(self, room_id: str) -> bool:
        """Let some of the files of a room be gone. Returns whether there were any; the caller asks again then."""

    @abstractmethod
    async def give_up_user(self, user_id: str) -> bool:
        """Let some of the files of a user be gone that no message has. Returns whether there were any."""

    @abstractmethod
    async def unsent(self, *, before: int, empty_before: int, limit: int) -> list[Attachment]:
        """List files that no message has and that were touched before this time, the oldest first.

        Also those uploads that were begun before `empty_before`, and of which nothing has come since.
        """

    @abstractmethod
    async def gone(self, *, after: str = "", limit: int) -> list[str]:
        """Return the ids of files whose bytes are to be removed, those above the id `after` in their order."""

    @abstractmethod
    async def remove(self, file_id: str) -> bool:
        """Delete the row of a file that is gone, and count it no more. Returns whether there was one."""

    @abstractmethod
    async def of_message(self, room_id: str, seq: int) -> list[Attachment]:
        """Return the files that were sent with a message."""

    @abstractmethod
    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Attachment]:
        """List the files that were sent in a room, those of the newest message first. Raises `BadCursor`.

        The pictures in previews of links are left out.
        """

    @abstractmethod
    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Attachment]:
        """List the files of a user that are not gone, oldest first. Raises `BadCursor`.

        The pictures in previews of links are left out.
        """

    @abstractmethod
    async def page(self, *, after: str, limit: int) -> list[Attachment]:
        """Return the rows of the first `limit` files whose ids come after this one."""

    @abstractmethod
    async def usage(self, user_id: str | None) -> Usage:
        """Return how much is kept of a user, or with None of all."""

    @abstractmethod
    async def recount(self) -> bool:
        """Count anew what is kept where a crash may have left a wrong sum. Returns whether any was wrong."""
