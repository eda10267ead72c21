"""Stores and reads consumers in the RethinkDB table `consumers`. The key of a row is the pair of user and name."""

# ruff: noqa: D102 - the promises stand in `ConsumerStore`

from typing import Any, Final

from api.models.consumers import Consumer
from api.models.followers import Start
from api.store.base.consumers import ConsumerStore
from api.store.cluster.positions import forget_follower_query
from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, Prepared, r


class ClusterConsumers(ConsumerStore):
    """The table `consumers`, in the order of user and name."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, consumer: Consumer) -> Consumer:
        row = {
            "id": [consumer.user_id, consumer.name],
            "consumer_id": consumer.id,
            "room_ids": None if consumer.room_ids is None else [*consumer.room_ids],
            "start": consumer.start,
            "created_at": consumer.created_at,
            "lobby_epoch": consumer.lobby_epoch,
            "acked_at": consumer.acked_at,
        }
        return _consumer(await self._pool.run(_PUT(row)))

    async def get(self, user_id: str, name: str) -> Consumer | None:
        if not is_key(user_id):
            return None
        row = await self._pool.run(_GET([user_id, name]))
        return None if row is None else _consumer(row)

    async def of_user(self, user_id: str) -> list[Consumer]:
        mine = r.table("consumers", read_mode="majority").between([user_id, r.minval], [user_id, r.maxval])
        return [_consumer(row) for row in await self._pool.read(mine.order_by(index="id"))]

    async def note_ack(self, consumer: Consumer, at: int) -> None:
        await self._pool.write(_row(consumer).update({"acked_at": at}, durability="soft"))

    async def delete(self, consumer: Consumer) -> None:
        await self._pool.write(forget_follower_query(consumer.follower))
        await self._pool.write(_row(consumer).delete())


def _row(consumer: Consumer) -> Any:
    """Return the row of a consumer, unless another has taken its name since."""
    named = r.table("consumers").get_all([consumer.user_id, consumer.name])
    return named.filter({"consumer_id": consumer.id})


def _consumer(row: dict[str, Any]) -> Consumer:
    user_id, name = row["id"]
    rooms = None if row["room_ids"] is None else tuple(row["room_ids"])
    return Consumer(
        row["consumer_id"],
        user_id,
        name,
        rooms,
        Start(row["start"]),
        row["created_at"],
        row.get("lobby_epoch"),
        row["acked_at"],
    )


def _put(row: Any) -> Any:
    """Return the write of a consumer. It answers the row that stands then."""
    written = r.table("consumers").insert(
        row,
        conflict=lambda _id, old, new: old.merge({"room_ids": new["room_ids"]}),
        durability="hard",
        return_changes="always",
    )
    return written.do(
        lambda written: r.branch(
            written["errors"] == 0,
            written["changes"].nth(0)["new_val"],
            r.error("the consumer is not stored"),
        )
    )


def _get(key: Any) -> Any:
    return r.table("consumers", read_mode="majority").get(key)


_PUT: Final = Prepared(_put)
_GET: Final = Prepared(_get)
