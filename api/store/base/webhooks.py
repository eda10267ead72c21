"""Declares the part of a store that keeps webhooks."""

from abc import ABC, abstractmethod

from api.models.followers import Lease
from api.models.webhooks import Webhook


class WebhookStore(ABC):
    """The webhooks of all rooms. Each belongs to one room, and goes with it."""

    @abstractmethod
    async def create(self, webhook: Webhook) -> None:
        """Store a new webhook."""

    @abstractmethod
    async def get(self, webhook_id: str) -> Webhook | None:
        """Return a webhook, or None."""

    @abstractmethod
    async def of_room(self, room_id: str) -> list[Webhook]:
        """Return the webhooks of a room, oldest first."""

    @abstractmethod
    async def page(self, *, after: str, limit: int) -> list[Webhook]:
        """Return up to `limit` webhooks of all rooms: those with the next ids after `after`."""

    @abstractmethod
    async def replace(self, webhook: Webhook, lease: Lease | None = None) -> Webhook | None:
        """Store what has changed of a webhook, unless somebody else has changed it since it had this `version`.

        Returns the webhook as it is then, with the next version if this stored it; None if it has ended. Under a
        `lease` that has a newer holder this stores nothing and raises `LeaseLost`.
        """

    @abstractmethod
    async def end(self, room_id: str, webhook_id: str) -> bool:
        """Delete a webhook of this room, with its position and deliveries. Returns False when there is none."""
