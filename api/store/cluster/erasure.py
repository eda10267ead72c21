"""Erases an account from the RethinkDB tables, step by step."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson

from api.errors import NotFound
from api.models.log import Entry
from api.models.page import Page
from api.store import paging
from api.store.base.erasure import ErasureStore
from api.store.cluster import administrators
from api.store.cluster.batches import of_author, rename_query
from api.store.cluster.blocks import forget_blocks_queries
from api.store.cluster.consumers import ClusterConsumers
from api.store.cluster.flusher import Flusher
from api.store.cluster.invites import forget_user_queries
from api.store.cluster.queries import literal, renamed
from api.store.cluster.reports import forget_reports_query
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, r


class ClusterErasure(ErasureStore):
    """Finds and changes the rows of one user in all tables."""

    def __init__(self, pool: Pool, flusher: Flusher, reader: Reader) -> None:
        self._pool = pool
        self._flusher = flusher
        self._reader = reader

    async def begin(self, user_id: str, *, one_remains: bool = False) -> None:
        """Mark an account to be erased. Raises `NotFound`, `Conflict`."""
        if not is_key(user_id):
            raise NotFound
        if one_remains:
            async with administrators.one_remains(self._pool, user_id):
                await self._mark(user_id)
        else:
            await self._mark(user_id)

    async def _mark(self, user_id: str) -> None:
        mark = {"disabled": True, "erasing": True}
        if (await self._pool.write(r.table("users").get(user_id).update(mark)))["skipped"]:
            raise NotFound

    async def pending(self) -> list[str]:
        """Return the marked accounts."""
        found = r.table("users", read_mode="majority").between(r.minval, r.maxval, index="erasing")
        return await self._pool.read(found["id"])

    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:
        """List a user's entries by room and seq. Only flushed entries are found, so their rooms are flushed first."""
        if not is_key(user_id):
            return Page([], None)
        if cursor is None:
            # Also the rooms that the user has left, where the newest entry may be the one that says so.
            joined = r.table("members", read_mode="majority").get_all(user_id, index="person")
            for room_id in await self._pool.read(joined["room_id"]):
                await self._flusher.flush(room_id)
        seq, batch = paging.start("entries", cursor)
        place = [] if cursor is None else [*orjson.loads(batch), seq]
        rows, space = list[dict[str, Any]](), paging.PageSpace()

        def is_enough(found: dict[str, Any]) -> bool:
            rows.append(found)
            return not space.takes(found["row"])

        await self._pool.read_until(of_author(user_id, place, limit + 1), is_enough)
        shown = paging.page("entries", rows, limit, key=_key, item=lambda found: found["row"])
        return Page(self._reader.entries(shown.items), shown.next_cursor)

    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:
        """Replace the username of entries: in the tails first, because later flushes copy from there."""
        seqs_of: dict[tuple[str, str], list[int]] = {}
        for entry in entries:
            seqs_of.setdefault((entry.user_id, entry.room_id), []).append(entry.seq)
        for (user_id, room_id), seqs in seqs_of.items():
            await self._pool.write(_rename_in_tail(room_id, seqs, username))
            await self._pool.write(rename_query(user_id, room_id, seqs, username))

    async def finish(self, user_id: str) -> None:
        """Remove what an account has left, the account itself, and then the claim on its name.

        If a crash comes before the last, the claim counts as abandoned.
        """
        if not is_key(user_id):
            return
        ended = r.table("members").get_all(user_id, index="person").filter({"role": None})
        rooms = await self._pool.read(ended["room_id"])
        await self._pool.write(
            r.table("mentions").get_all(*([room_id, user_id] for room_id in rooms)).delete()
        )
        await self._pool.write(ended.delete())
        banned = r.table("members").get_all(user_id, index="banned_by")
        await self._pool.write(banned.update({"ban_reason": None}))
        forgetting = (
            forget_user_queries(user_id),
            forget_blocks_queries(user_id),
            [forget_reports_query(user_id)],
        )
        for forget in chain(*forgetting):
            await self._pool.write(forget)
        consumers = ClusterConsumers(self._pool)
        for consumer in await consumers.of_user(user_id):
            await consumers.delete(consumer)
        account = await self._pool.run(r.table("users", read_mode="majority").get(user_id))
        await self._pool.write(r.table("users").get(user_id).delete())
        if account is not None:
            claim = r.table("names").get_all(account["username_key"]).filter({"user_id": user_id})
            await self._pool.write(claim.delete())


def _key(found: dict[str, Any]) -> paging.Key:
    """Return the key of an entry in the list of its author's: its seq, and the key of its batch as JSON."""
    return found["row"]["seq"], orjson.dumps(found["batch"]).decode()


def _rename_in_tail(room_id: str, seqs: list[int], username: str) -> Any:
    head = r.table("heads").get(room_id)
    return head.update(lambda head: {"tail": renamed(head["tail"], literal(seqs), username)})
