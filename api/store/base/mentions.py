"""Declares the part of a store that finds the messages that mention a user."""

from abc import ABC, abstractmethod

from api.models.log import Message
from api.models.page import Page


class MentionStore(ABC):
    """The messages that mention users. Which they are is decided when a message or an edit is stored."""

    @abstractmethod
    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Message]:
        """List the messages of others that mention a user, newest first, in the rooms where the user is a member now.

        They mention the user by id, or everybody in the room since the user has joined it. They come as they are now:
        deleted ones, and those that mention the user no more, are not there. What was written by whom the user has
        blocked is not there as long as the block stands; no more does it count in `Unread.mention_count`. A page may
        have fewer than `limit` items, or none, and yet not be the last. Raises `BadCursor`.
        """
