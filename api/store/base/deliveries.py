"""Declares the part of a store that keeps what became of the deliveries of webhooks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from api.models.page import Page
from api.models.webhooks import Delivery

KEPT: Final = 100
"""Of the attempts of a webhook the newest of this number are kept, and as many of its dead letters times ten."""
KEPT_DEAD: Final = 10 * KEPT
TIDY_EVERY: Final = 50
"""The oldest are deleted after so many were added, so that there may be that many more for a while."""


class DeliveryStore(ABC):
    """Attempts to deliver, and dead letters, by webhook. The older ones are deleted, and all of a webhook that ends."""

    @abstractmethod
    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Store attempts and dead letters. Those of webhooks that have ended are left out.

        A dead letter takes the place of an earlier one with its id.
        """

    @abstractmethod
    async def of_webhook(
        self, webhook_id: str, *, dead: bool, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        """List the attempts of a webhook, or its dead letters, newest first. Raises `BadCursor`."""
