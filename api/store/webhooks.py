"""The form in which webhooks and their deliveries are stored. Pure; both stores use it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from api.models.webhooks import Beginning, Delivery, Outcome, PausedBy, Repeat, Trouble, Webhook
from api.store.base.deliveries import TIDY_EVERY

MAX_COUNTED: Final = 10_000


def webhook_row(webhook: Webhook) -> dict[str, Any]:
    """Return the row of a webhook."""
    return asdict(webhook)


def read_webhook(row: dict[str, Any]) -> Webhook:
    """Read the row of a webhook. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    kinds, paused, trouble, replay = row["kinds"], row["paused"], row["trouble"], row["replay"]
    return Webhook(
        **row
        | {
            "kinds": None if kinds is None else tuple(kinds),
            "start": Beginning(**row["start"]),
            "paused": None if paused is None else PausedBy(paused),
            "trouble": None if trouble is None else Trouble(**trouble),
            "replay": None if replay is None else Repeat(**replay),
        }
    )


def read_delivery(row: dict[str, Any]) -> Delivery:
    """Read the row of a delivery. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    return Delivery(**row | {"outcome": Outcome(row["outcome"])})


class AddedCounts:
    """Counts what is added to each list of deliveries, and says which of the lists are due to be cut."""

    def __init__(self) -> None:
        self._added: Counter[tuple[str, bool]] = Counter()

    def due(self, deliveries: Iterable[Delivery]) -> list[tuple[str, bool]]:
        """Count these, and return the lists that have grown by `TIDY_EVERY` since they were returned last."""
        self._added.update((one.webhook_id, one.is_dead) for one in deliveries)
        due = [key for key, count in self._added.items() if count >= TIDY_EVERY]
        if len(self._added) > MAX_COUNTED:
            due = list(self._added)
        for key in due:
            del self._added[key]
        return due
