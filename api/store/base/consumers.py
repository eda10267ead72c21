"""Declares the part of a store that keeps consumers. How far they have come is kept by `PositionStore`."""

from abc import ABC, abstractmethod

from api.models.consumers import Consumer


class ConsumerStore(ABC):
    """The consumers of users, by their names."""

    @abstractmethod
    async def put(self, consumer: Consumer) -> Consumer:
        """Store a consumer, and return it as it is then.

        Where the user has one of this name already, that one stays and gets the `room_ids` of this one.
        """

    @abstractmethod
    async def get(self, user_id: str, name: str) -> Consumer | None:
        """Return a consumer, or None."""

    @abstractmethod
    async def of_user(self, user_id: str) -> list[Consumer]:
        """List a user's consumers, by name."""

    @abstractmethod
    async def note_ack(self, consumer: Consumer, at: int) -> None:
        """Store when a consumer last acknowledged anything. Does nothing where it has ended."""

    @abstractmethod
    async def delete(self, consumer: Consumer) -> None:
        """End a consumer, and forget its positions. Repeating it changes nothing."""
