"""Keeps who is connected to which node in the RethinkDB table `presence`.

All times are those of the server that is asked, in seconds since 1970. The writes need not be on a disk.
"""

# ruff: noqa: D102 - the promises stand in `PresenceStore`

import secrets
from collections.abc import Collection, Mapping
from typing import Any, Final

from api.models.presence import NodeUsers
from api.store.base.presence import LIFE_MS, PresenceStore
from api.store.rethinkdb import Pool, Prepared, r

_LIFE_SECONDS: Final = LIFE_MS / 1000


class ClusterPresence(PresenceStore):
    """The table `presence`, in which each store replaces its own row."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._node_id = secrets.token_urlsafe(16)
        self._user_ids: list[str] = []
        self._number = 0

    @property
    def node_id(self) -> str:
        return self._node_id

    async def put(self, user_ids: Collection[str]) -> None:
        self._user_ids = list(user_ids)
        self._number += 1
        row = {"id": self._node_id, "number": self._number, "user_ids": self._user_ids}
        await self._pool.write(_PUT({"row": row}))

    async def beat(self) -> None:
        if await self._pool.run(_BEAT({"id": self._node_id, "number": self._number})):
            return
        await self.put(self._user_ids)  # others have removed the row, or it was never stored

    async def others(self, known: Mapping[str, int]) -> list[NodeUsers]:
        rows = await self._pool.run(_OTHERS({"id": self._node_id, "known": dict(known)}))
        return [
            NodeUsers(
                row["id"],
                row["number"],
                max(0, int(row["age"] * 1000)),
                None if row["user_ids"] is None else frozenset(row["user_ids"]),
            )
            for row in rows
        ]


def _age(row: Any) -> Any:
    return r.now().to_epoch_time() - row["at"].default(0)


def _put(given: Any) -> Any:
    row = given["row"].merge({"at": r.now().to_epoch_time()})
    return r.table("presence").insert(row, conflict="replace", durability="soft")


def _beat(given: Any) -> Any:
    """Return the write of a beat. It answers how many rows were renewed: none, where the row is not as it should be."""
    table = r.table("presence")
    own = table.get_all(given["id"]).filter({"number": given["number"]})
    forget = table.filter(lambda row: _age(row) > _LIFE_SECONDS).delete(durability="soft")
    beat = own.update({"at": r.now().to_epoch_time()}, durability="soft")["replaced"]
    return forget.do(lambda _forgotten: beat)


def _others(given: Any) -> Any:
    living = r.table("presence").filter(lambda row: (row["id"] != given["id"]) & (_age(row) <= _LIFE_SECONDS))

    def shown(row: Any) -> Any:
        is_known = given["known"][row["id"]].default(0).eq(row["number"])
        return {
            "id": row["id"],
            "number": row["number"],
            "age": _age(row),
            "user_ids": r.branch(is_known, None, row["user_ids"]),
        }

    return living.map(shown).coerce_to("array")


_PUT: Final = Prepared(_put)
_BEAT: Final = Prepared(_beat)
_OTHERS: Final = Prepared(_others)
