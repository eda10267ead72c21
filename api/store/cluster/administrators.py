"""Sees to it that an administrator remains, although RethinkDB has no transaction over several rows.

What could take the last one away happens in turns: a row of `meta` says whose turn it is.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from api.errors import Conflict, Unavailable
from api.store.base.accounts import LAST_ADMINISTRATOR
from api.store.rethinkdb import QUERY_SECONDS, Pool, r

TURN: Final = "administrators"
"""The id of the row of `meta`."""
TURN_SECONDS: Final = 3 * QUERY_SECONDS
"""A turn that was not given back is over after this time, by the database's clock. Whoever has it stops before."""
_PAUSE_SECONDS: Final = 0.05


@asynccontextmanager
async def one_remains(pool: Pool, user_id: str) -> AsyncIterator[None]:
    """Run a block after which a user is no usable administrator, alone of all nodes.

    Raises `Conflict` when the user is the last one, and `Unavailable`.
    """
    async with _turn(pool):
        usable = r.table("users", read_mode="majority").between(r.minval, r.maxval, index="admin")
        ids = await pool.read(usable.filter({"disabled": False, "erasing": False})["id"])
        if ids == [user_id]:
            raise Conflict(LAST_ADMINISTRATOR)
        yield


@asynccontextmanager
async def _turn(pool: Pool) -> AsyncIterator[None]:
    holder = secrets.token_hex(16)
    try:
        async with asyncio.timeout(TURN_SECONDS):
            until = await _take(pool, holder)
        try:
            async with asyncio.timeout_at(until):
                yield
        finally:
            mine = r.table("meta").get_all(TURN).filter({"holder": holder})
            await pool.write(mine.delete())
    except TimeoutError:
        raise Unavailable("Another administrator is being changed", retry_after_seconds=1) from None


async def _take(pool: Pool, holder: str) -> float:
    """Wait for the turn. Return until when it lasts, by the clock of the event loop, with one query to spare."""

    def next_holder(_id: Any, old: Any, new: Any) -> Any:
        return r.branch(old["until"] < r.now().to_epoch_time(), new, old)

    row = {"id": TURN, "holder": holder, "until": r.now().to_epoch_time() + TURN_SECONDS}
    take = r.table("meta").insert(row, conflict=next_holder, return_changes="always")
    while True:
        asked_at = asyncio.get_running_loop().time()
        written = await pool.write(take)
        if written["changes"][0]["new_val"]["holder"] == holder:
            return asked_at + TURN_SECONDS - QUERY_SECONDS
        await asyncio.sleep(_PAUSE_SECONDS)
