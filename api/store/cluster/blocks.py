"""Stores and reads blocks in the RethinkDB table `blocks`, one row for each pair of users."""

from collections.abc import Sequence
from typing import Any, Final

from api.models.accounts import User
from api.models.page import Page
from api.store import paging
from api.store.base.blocks import BlockStore
from api.store.cluster.accounts import ClusterAccounts
from api.store.cluster.members import MAX_PAIR_BYTES
from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, Prepared, r


class ClusterBlocks(BlockStore):
    """The table `blocks`. The key of a row is the pair of the user and of whom they have blocked."""

    def __init__(self, pool: Pool, accounts: ClusterAccounts) -> None:
        self._pool = pool
        self._accounts = accounts

    async def add(self, user_id: str, blocked_id: str, *, at: int) -> None:
        """Store a block, unless there is one."""
        row = {"id": [user_id, blocked_id], "user_id": user_id, "blocked_id": blocked_id, "at": at}
        await self._pool.write(r.table("blocks").insert(row, conflict=lambda _id, old, _new: old))

    async def remove(self, user_id: str, blocked_id: str) -> None:
        """Delete a block."""
        if _is_pair(user_id, blocked_id):
            await self._pool.write(r.table("blocks").get_all([user_id, blocked_id]).delete())

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List whom a user has blocked, the newest block first."""
        list_name = f"blocks {user_id}"
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        found = r.table("blocks", read_mode="majority").between(
            [user_id, r.minval, r.minval], [user_id, *before], index="user"
        )
        rows = await self._pool.read(found.order_by(index=r.desc("user")).limit(limit + 1))
        users = await self._accounts.get_many([row["blocked_id"] for row in rows])
        return paging.page(
            list_name,
            rows,
            limit,
            key=lambda row: (row["at"], row["blocked_id"]),
            item=lambda row: users[row["blocked_id"]].user if row["blocked_id"] in users else None,
        )

    async def count_of_user(self, user_id: str) -> int:
        """Return how many users a user has blocked."""
        found = r.table("blocks", read_mode="majority").between(
            [user_id, r.minval, r.minval], [user_id, r.maxval, r.maxval], index="user"
        )
        return int(await self._pool.run(found.count()))

    async def any_among(self, user_ids: Sequence[str]) -> bool:
        """Say whether one of these users has blocked another."""
        pairs = [[one, other] for one in user_ids for other in user_ids if one != other]
        return bool(pairs) and bool(await self._pool.run(_ANY([one for one in pairs if _is_pair(*one)])))

    async def blockers_of(self, user_ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Return who has blocked each of these users."""
        found: dict[str, set[str]] = {}
        for blocked_id, user_id in await self._pool.run(_BLOCKERS([*user_ids])):
            found.setdefault(blocked_id, set()).add(user_id)
        return {blocked_id: frozenset(blockers) for blocked_id, blockers in found.items()}


def forget_blocks_queries(user_id: str) -> list[Any]:
    """Return the writes that delete the blocks that a user made, and those against them."""
    blocks = r.table("blocks")
    return [
        blocks.between([user_id, r.minval, r.minval], [user_id, r.maxval, r.maxval], index="user").delete(),
        blocks.get_all(user_id, index="blocked").delete(),
    ]


def blocked_by(user_id: Any) -> Any:
    """Return the query for the ids of those whom a user has blocked."""
    found = r.table("blocks", read_mode="majority").between(
        [user_id, r.minval, r.minval], [user_id, r.maxval, r.maxval], index="user"
    )
    return found["blocked_id"].coerce_to("array")


def _is_pair(user_id: str, blocked_id: str) -> bool:
    """Say whether two ids can be those of a block."""
    is_short = len((user_id + blocked_id).encode(errors="surrogatepass")) <= MAX_PAIR_BYTES
    return is_key(user_id) and is_key(blocked_id) and is_short


def _any(pairs: Any) -> Any:
    return r.table("blocks", read_mode="majority").get_all(r.args(pairs)).is_empty().not_()


def _blockers(blocked: Any) -> Any:
    found = r.table("blocks", read_mode="majority").get_all(r.args(blocked), index="blocked")
    return found.map(lambda row: [row["blocked_id"], row["user_id"]]).coerce_to("array")


_ANY: Final = Prepared(_any)
_BLOCKERS: Final = Prepared(_blockers)
