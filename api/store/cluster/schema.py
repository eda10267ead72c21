"""The schema on a RethinkDB cluster: its making by an admin, step after step, and which one a store may open."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from api.errors import Unavailable
from api.models.rooms import LOBBY_ID, Visibility
from api.store.cluster.acting import allow_query
from api.store.cluster.steps import STEPS, Index, Making
from api.store.rethinkdb import Address, Pool, r

SCHEMA_VERSION: Final = len(STEPS)
"""A database with a higher version is refused: it belongs to a newer Tailwire."""
READY_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 4
"""One question whether the tables are ready waits this long, less than a query has. The server takes whole seconds."""
_PAUSE_SECONDS: Final = 0.05

TABLES: Final = tuple(table for step in STEPS for table in step.tables)


def new_epoch() -> str:
    """Return a name for a new life of a room's numbering."""
    return secrets.token_urlsafe(16)


def empty_head(room_id: str) -> dict[str, Any]:
    """Return the head document of a log without entries."""
    return {
        "id": room_id,
        "epoch": new_epoch(),
        "seq": 0,
        "number": 0,  # how many of the entries are messages
        "message_seq": 0,  # the newest message
        "flushed": 0,  # entries up to here are durable in `batches`
        "retries": 0,
        "trimmed": 0,  # entries up to here are no longer in the tail
        "tail": [],
        "moves": {
            "dropped": 0,
            "rows": [],
        },  # the newest changes of membership, and which was the last forgotten
        "moved": 0,  # the newest of them
        "attempt": "",  # the newest append
    }


async def init(admin_url: str, store_url: str, say: Callable[[str], None], replicas: int = 1) -> None:
    """Make, as an admin, what a store needs: database, tables, indexes, lobby, and the app user with its rights.

    This brings an older schema up to date. It may be broken off and run again, and again is harmless. Raises
    `Unavailable`, `Invalid`.
    """
    app = Address.parse(store_url)
    admin = Address.parse(admin_url, needs_database=False)
    pool = Pool(Address(admin.host, admin.port, admin.user, admin.password, app.database))
    try:
        await _make(Making(pool, app.database, say, app.user), replicas)
        await _make_user(pool, app, say)
    finally:
        await pool.close()


async def verify(pool: Pool) -> None:
    """Bring an older schema up to date, where our user may. Raises `Unavailable` for one that we cannot use."""
    row = await pool.run(r.table("meta").get("schema_version"))
    if row is None:
        raise Unavailable("the RethinkDB database is not prepared: run `tailwire init`")
    version = int(row["value"])
    _require_known(version)
    if version < SCHEMA_VERSION:
        shard = (await pool.run(r.table("users").config()))["shards"][0]
        await _make(Making(pool, pool.address.database, lambda _: None, None), len(shard["replicas"]))


def _require_known(version: int) -> None:
    if version > SCHEMA_VERSION:
        raise Unavailable("the RethinkDB database was made by a newer Tailwire")


async def _make(making: Making, replicas: int) -> None:
    """Make what is missing, and do those steps that the database has not yet taken.

    Tables and indexes are looked for at every step, also at one that was taken: so again repairs.
    """
    await _make_tables(making, replicas)
    row = await making.pool.run(making.table("meta").get("schema_version"))
    version = 0 if row is None else int(row["value"])
    _require_known(version)
    await _make_lobby(making)
    await making.pool.write(allow_query(making.table("meta")))
    for step in STEPS:
        if version < step.version:
            for change in step.changes:
                await change(making)
        await _make_indexes(making, step.indexes)
        if version < step.version:
            taken = {"id": "schema_version", "value": str(step.version)}
            await making.pool.write(making.table("meta").insert(taken, conflict="replace"))


async def _make_tables(making: Making, replicas: int) -> None:
    pool, database = making.pool, making.database
    if database not in await pool.run(r.db_list()):
        making.say(f"making the database {database}")
        await pool.run(r.db_create(database))
    existing = await pool.run(r.db(database).table_list())
    for table in TABLES:
        if table not in existing:
            making.say(f"making the table {table}")
            await pool.run(r.db(database).table_create(table, replicas=replicas))
    await _wait_for_tables(pool, database)


async def _wait_for_tables(pool: Pool, database: str) -> None:
    """Wait until every table can be written. Raises `Unavailable`."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            await pool.run(r.db(database).wait(wait_for="all_replicas_ready", timeout=WAIT_SECONDS))
        except Unavailable:
            if time.monotonic() > until:
                raise Unavailable("the tables are not ready: look at the cluster's servers") from None
            await asyncio.sleep(_PAUSE_SECONDS)  # it may have been refused at once
        else:
            return


async def _make_indexes(making: Making, indexes: tuple[Index, ...]) -> None:
    tables = {index.table for index in indexes}
    made = await making.pool.run(r.expr({table: making.table(table).index_list() for table in tables}))
    for index in indexes:
        if index.name not in made[index.table]:
            making.say(f"making the index {index.name} of {index.table}")
            table = making.table(index.table)
            await making.pool.run(table.index_create(index.name, index.of, multi=index.multi))
    try:
        async with asyncio.timeout(READY_SECONDS):
            # The server offers no way to wait without asking again.
            while not await _are_ready(making, tables):  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise Unavailable("the indexes are still being built: run `tailwire init` again later") from None


async def _are_ready(making: Making, tables: set[str]) -> bool:
    states = await making.pool.run(r.expr([making.table(table).index_status() for table in tables]))
    return all(one["ready"] for state in states for one in state)


async def _make_lobby(making: Making) -> None:
    head = empty_head(LOBBY_ID)
    await making.pool.write(making.table("heads").insert(head, conflict=lambda _id, old, _new: old))
    lobby = {
        "id": LOBBY_ID,
        "name": "Lobby",
        "topic": "",
        "visibility": Visibility.PUBLIC.value,
        "created_at": r.now().to_epoch_time().mul(1000).floor(),
    }
    await making.pool.write(making.table("rooms").insert(lobby, conflict=lambda _id, old, _new: old))


async def _make_user(pool: Pool, app: Address, say: Callable[[str], None]) -> None:
    if app.user == "admin":
        return
    say(f"letting the user {app.user} read and write {app.database}, and nothing else")
    users = r.db("rethinkdb").table("users")
    await pool.write(users.insert({"id": app.user, "password": app.password}, conflict="update"))
    await pool.run(r.db(app.database).grant(app.user, {"read": True, "write": True, "config": False}))
