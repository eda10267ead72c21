"""Stores and reads webhooks in the RethinkDB table `webhooks`. Each change is one atomic change of one row."""

# ruff: noqa: D102 - the promises stand in `WebhookStore`

from typing import Any, Final

from api.errors import LeaseLost
from api.models.followers import Lease
from api.models.webhooks import Webhook
from api.store.base.webhooks import WebhookStore
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, Prepared, r
from api.store.webhooks import read_webhook, webhook_row


class ClusterWebhooks(WebhookStore):
    """The table `webhooks`, and its index by room."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def create(self, webhook: Webhook) -> None:
        await self._pool.write(r.table("webhooks").insert(webhook_row(webhook)))

    async def get(self, webhook_id: str) -> Webhook | None:
        if not is_key(webhook_id):
            return None
        row = await self._pool.run(_GET(webhook_id))
        return None if row is None else read_webhook(row)

    async def of_room(self, room_id: str) -> list[Webhook]:
        if not is_key(room_id):
            return []
        return self._reader.read(await self._pool.run(_OF_ROOM(room_id)), read_webhook)

    async def page(self, *, after: str, limit: int) -> list[Webhook]:
        rows = await self._pool.run(_PAGE({"after": after, "limit": limit}))
        return self._reader.read(rows, read_webhook)

    async def replace(self, webhook: Webhook, lease: Lease | None = None) -> Webhook | None:
        given = {
            "row": webhook_row(webhook),
            "lease": "" if lease is None else lease.name,
            "number": 0 if lease is None else lease.number,
        }
        row = await self._pool.run(_REPLACE(given))
        if row == "lost":
            raise LeaseLost
        return None if row is None else read_webhook(row)

    async def end(self, room_id: str, webhook_id: str) -> bool:
        if not is_key(webhook_id):
            return False
        mine = r.table("webhooks").get_all(webhook_id).filter({"room_id": room_id})
        ended = bool((await self._pool.write(mine.delete()))["deleted"])
        if ended:
            await self._pool.write(_FORGET(webhook_id))
        return ended


def forget_webhook(webhook_id: Any) -> Any:
    """Return the write that deletes the deliveries and the position of a webhook."""
    deliveries = r.table("deliveries").between([webhook_id, r.minval], [webhook_id, r.maxval]).delete()
    follower = r.expr("webhook:") + webhook_id
    positions = r.table("positions").between([follower, r.minval], [follower, r.maxval]).delete()
    return deliveries.do(
        lambda first: r.branch(first["errors"] == 0, positions, r.error("not all was deleted"))
    )


def _get(webhook_id: Any) -> Any:
    return r.table("webhooks", read_mode="majority").get(webhook_id)


def _of_room(room_id: Any) -> Any:
    found = r.table("webhooks", read_mode="majority").between(
        [room_id, r.minval, r.minval], [room_id, r.maxval, r.maxval], index="room"
    )
    return found.order_by(index="room").coerce_to("array")


def _page(given: Any) -> Any:
    later = r.table("webhooks", read_mode="majority").between(given["after"], r.maxval, left_bound="open")
    return later.order_by(index="id").limit(given["limit"]).coerce_to("array")


def _replace(given: Any) -> Any:
    """Return the write of a webhook. It answers its row as it is then, or "lost" if the lease has a newer holder."""
    row = given["row"]

    def standing(old: Any) -> Any:
        is_same = (old["version"] == row["version"]).default(False)
        return r.branch(is_same, row.merge({"version": row["version"] + 1}), old)

    written = r.table("webhooks").get(row["id"]).replace(standing, durability="hard", return_changes="always")
    # An answer with an error has no row, as where the majority of the servers is away.
    stored = written.do(
        lambda written: r.branch(
            written["errors"] == 0,
            written["changes"].nth(0)["new_val"].default(None),
            r.error("the webhook is not stored"),
        )
    )
    newest = r.table("leases", read_mode="majority").get(given["lease"])["number"].default(0)
    return r.branch(newest > given["number"], "lost", stored)


_GET: Final = Prepared(_get)
_OF_ROOM: Final = Prepared(_of_room)
_PAGE: Final = Prepared(_page)
_REPLACE: Final = Prepared(_replace)
_FORGET: Final = Prepared(forget_webhook)
