"""Stores and lists deliveries of webhooks in the SQLite table `deliveries`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `DeliveryStore`

from collections.abc import Sequence
from dataclasses import asdict

import apsw
import orjson

from api.models.page import Page
from api.models.webhooks import Delivery
from api.store import paging
from api.store.base.deliveries import KEPT, KEPT_DEAD, DeliveryStore
from api.store.sqlite.worker import Worker
from api.store.webhooks import AddedCounts, read_delivery


class SqliteDeliveries(DeliveryStore):
    """The table `deliveries`, in the order of webhook, whether it is a dead letter, and time."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do
        self._counts = AddedCounts()

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        due = self._counts.due(deliveries)
        await self._write(lambda cursor: _add(cursor, deliveries, due))

    async def of_webhook(
        self, webhook_id: str, *, dead: bool, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        return await self._read(lambda reading: _of_webhook(reading, webhook_id, dead, cursor, limit))


def _add(cursor: apsw.Cursor, deliveries: Sequence[Delivery], due: Sequence[tuple[str, bool]]) -> None:
    for one in deliveries:
        if one.is_dead:
            cursor.execute(
                "DELETE FROM deliveries WHERE webhook_id = ? AND is_dead AND id = ?", (one.webhook_id, one.id)
            )
        cursor.execute(
            "INSERT OR REPLACE INTO deliveries (webhook_id, is_dead, at, id, delivery)"
            " SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = ?1)",
            (one.webhook_id, one.is_dead, one.at, one.id, orjson.dumps(asdict(one)).decode()),
        )
    for webhook_id, is_dead in due:
        cursor.execute(
            "DELETE FROM deliveries WHERE webhook_id = ?1 AND is_dead = ?2 AND (at, id) <="
            " (SELECT at, id FROM deliveries WHERE webhook_id = ?1 AND is_dead = ?2"
            " ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?3)",
            (webhook_id, is_dead, KEPT_DEAD if is_dead else KEPT),
        )


def _of_webhook(
    cursor: apsw.Cursor, webhook_id: str, dead: bool, before: str | None, limit: int
) -> Page[Delivery]:
    list_name = f"deliveries {webhook_id} {dead}"
    rows = cursor.execute(
        "SELECT at, id, delivery FROM deliveries WHERE webhook_id = ? AND is_dead = ? AND (at, id) < (?, ?)"
        " ORDER BY at DESC, id DESC LIMIT ?",
        (
            webhook_id,
            dead,
            *(paging.AFTER_ALL if before is None else paging.start(list_name, before)),
            limit + 1,
        ),
    ).fetchall()
    return paging.page(
        list_name,
        rows,
        limit,
        key=lambda row: (row[0], row[1]),
        item=lambda row: read_delivery(orjson.loads(row[2])),
    )
