"""Stores and lists deliveries of webhooks in the RethinkDB table `deliveries`."""

# ruff: noqa: D102 - the promises stand in `DeliveryStore`

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from api.models.page import Page
from api.models.webhooks import Delivery
from api.store import paging
from api.store.base.deliveries import KEPT, KEPT_DEAD, DeliveryStore
from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, Prepared, r
from api.store.webhooks import AddedCounts, read_delivery

SLICE: Final = 100
"""One query stores so many attempts. Its cost grows with the square of them, as it looks for the webhook of each."""


class ClusterDeliveries(DeliveryStore):
    """The table `deliveries`. A key is [webhook, whether it is a dead letter, time, id].

    That of a dead letter has no time, so that it takes the place of an earlier one. An index of all four lists them.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts = AddedCounts()

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        rows = [_row(one) for one in deliveries]
        for start in range(0, len(rows), SLICE):
            await self._pool.write(_ADD(rows[start : start + SLICE]))
        for webhook_id, is_dead in self._counts.due(deliveries):
            kept = KEPT_DEAD if is_dead else KEPT
            await self._pool.write(_TIDY({"webhook_id": webhook_id, "dead": is_dead, "kept": kept}))

    async def of_webhook(
        self, webhook_id: str, *, dead: bool, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        list_name = f"deliveries {webhook_id} {dead}"
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        if not is_key(webhook_id):
            return Page([], None)
        found = r.table("deliveries", read_mode="majority").between(
            [webhook_id, dead, r.minval, r.minval], [webhook_id, dead, *before], index="age"
        )
        rows = await self._pool.read(found.order_by(index=r.desc("age")).limit(limit + 1))
        return paging.page(
            list_name,
            rows,
            limit,
            key=lambda row: (row["delivery"]["at"], row["delivery"]["id"]),
            item=lambda row: read_delivery(row["delivery"]),
        )


def _row(one: Delivery) -> dict[str, Any]:
    key: list[Any] = [one.webhook_id, one.is_dead, *(() if one.is_dead else (one.at,)), one.id]
    return {"id": key, "age": [one.webhook_id, one.is_dead, one.at, one.id], "delivery": asdict(one)}


def _add(rows: Any) -> Any:
    """Return the write of deliveries whose webhooks are there."""
    of = rows["delivery"]["webhook_id"].distinct()
    there = r.table("webhooks").get_all(r.args(of))["id"].coerce_to("array")

    def written(there: Any) -> Any:
        kept = rows.filter(lambda row: there.contains(row["delivery"]["webhook_id"]))
        # What became of an attempt is not worth a flush; a dead letter is.
        dead = kept.filter(lambda row: row["delivery"]["is_dead"])
        tried = kept.filter(lambda row: row["delivery"]["is_dead"].not_())
        table = r.table("deliveries")
        hard = table.insert(dead, conflict="replace", durability="hard")
        soft = table.insert(tried, conflict="replace", durability="soft")
        return hard.do(lambda first: r.branch(first["errors"] == 0, soft, first))

    return there.do(written)


def _tidy(given: Any) -> Any:
    """Return the write that deletes all but the newest deliveries of a list."""
    mine = r.table("deliveries").between(
        [given["webhook_id"], given["dead"], r.minval, r.minval],
        [given["webhook_id"], given["dead"], r.maxval, r.maxval],
        index="age",
    )
    oldest = mine.order_by(index=r.desc("age")).skip(given["kept"])["id"].coerce_to("array")
    return oldest.do(lambda ids: r.table("deliveries").get_all(r.args(ids)).delete(durability="soft"))


_ADD: Final = Prepared(_add)
_TIDY: Final = Prepared(_tidy)
