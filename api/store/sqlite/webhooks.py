"""Stores and reads webhooks in the SQLite table `webhooks`.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: D102 - the promises stand in `WebhookStore`

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import apsw
import orjson

from api.models.followers import Lease
from api.models.webhooks import Webhook
from api.store.base.webhooks import WebhookStore
from api.store.sqlite.leases import require_newest
from api.store.sqlite.worker import Worker
from api.store.webhooks import read_webhook, webhook_row


class SqliteWebhooks(WebhookStore):
    """The table `webhooks`. A trigger deletes the deliveries and the position of one that ends."""

    def __init__(self, reader: Worker, writer: Worker) -> None:
        self._read = reader.do
        self._write = writer.do

    async def create(self, webhook: Webhook) -> None:
        await self._write(lambda cursor: _create(cursor, webhook))

    async def get(self, webhook_id: str) -> Webhook | None:
        return await self._read(lambda cursor: _get(cursor, webhook_id))

    async def of_room(self, room_id: str) -> list[Webhook]:
        return await self._read(lambda cursor: _of_room(cursor, room_id))

    async def page(self, *, after: str, limit: int) -> list[Webhook]:
        return await self._read(lambda cursor: _page(cursor, after, limit))

    async def replace(self, webhook: Webhook, lease: Lease | None = None) -> Webhook | None:
        return await self._write(lambda cursor: _replace(cursor, webhook, lease))

    async def end(self, room_id: str, webhook_id: str) -> bool:
        return await self._write(lambda cursor: _end(cursor, room_id, webhook_id))


def _create(cursor: apsw.Cursor, webhook: Webhook) -> None:
    cursor.execute(
        "INSERT INTO webhooks (id, room_id, created_at, webhook) VALUES (?, ?, ?, ?)",
        (webhook.id, webhook.room_id, webhook.created_at, _json(webhook)),
    )


def _get(cursor: apsw.Cursor, webhook_id: str) -> Webhook | None:
    found = _read(cursor.execute("SELECT webhook FROM webhooks WHERE id = ?", (webhook_id,)))
    return found[0] if found else None


def _of_room(cursor: apsw.Cursor, room_id: str) -> list[Webhook]:
    return _read(
        cursor.execute("SELECT webhook FROM webhooks WHERE room_id = ? ORDER BY created_at, id", (room_id,))
    )


def _page(cursor: apsw.Cursor, after: str, limit: int) -> list[Webhook]:
    return _read(
        cursor.execute("SELECT webhook FROM webhooks WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
    )


def _replace(cursor: apsw.Cursor, webhook: Webhook, lease: Lease | None) -> Webhook | None:
    if lease is not None:
        require_newest(cursor, lease)
    standing = _get(cursor, webhook.id)
    if standing is None or standing.version != webhook.version:
        return standing
    then = replace(webhook, version=webhook.version + 1)
    cursor.execute("UPDATE webhooks SET webhook = ? WHERE id = ?", (_json(then), then.id))
    return then


def _end(cursor: apsw.Cursor, room_id: str, webhook_id: str) -> bool:
    cursor.execute("DELETE FROM webhooks WHERE id = ? AND room_id = ?", (webhook_id, room_id))
    return bool(cursor.connection.changes())


def _read(rows: Iterable[Any]) -> list[Webhook]:
    return [read_webhook(orjson.loads(webhook)) for (webhook,) in rows]


def _json(webhook: Webhook) -> str:
    return orjson.dumps(webhook_row(webhook)).decode()
