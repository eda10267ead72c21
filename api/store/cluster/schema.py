"""Makes and upgrades the RethinkDB schema as an admin, and checks the schema that a store opens."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from api.errors import Unavailable
from api.models.rooms import LOBBY_ID, Visibility
from api.store.cluster.acting import allow_query
from api.store.cluster.copies import mend_copy
from api.store.cluster.migration import Index, Migration, drop_index
from api.store.cluster.queries import begin_renewal_query
from api.store.cluster.steps import STEPS
from api.store.epoch import new_epoch
from api.store.rethinkdb import Address, Pool, r

SCHEMA_VERSION: Final = len(STEPS)
"""A database with a higher version is refused: it belongs to a newer Tailwire."""
READY_SECONDS: Final = 60.0
"""Tables, and after them indexes, may take this long to become ready."""
WAIT_SECONDS: Final = 4
"""One query waits this long for the tables to be ready, less than a query may take. The server takes whole seconds."""
_PAUSE_SECONDS: Final = 0.05

TABLES: Final = tuple(table for step in STEPS for table in step.tables)


def empty_head(room_id: str) -> dict[str, Any]:
    """Return the head document of a log without entries."""
    epoch = new_epoch()
    return {
        "id": room_id,
        "epoch": epoch,
        "folded": epoch,  # the epoch in which all changed messages have rows in `changed`
        "began": 0,  # the seq at which the epoch began
        "seq": 0,
        "number": 0,  # how many of the entries are messages
        "message_seq": 0,  # the seq of the newest message
        "flushed": 0,  # entries up to here are durable in `batches`
        "retries": 0,
        "trimmed": 0,  # entries up to here are no longer in the tail
        "tail": [],
        # The newest changes of membership and of the room, and the seq of the last one that was dropped.
        "moves": {"dropped": 0, "rows": []},
        "moved": 0,  # the seq of the newest of these changes
        "members": {"count": 0, "moved": 0},  # how many there are, after the change at this seq
        "attempt": "",  # the newest append
        "mentioned": [],  # the seqs of the newest messages that mention anybody, each with their user ids
    }


async def init(
    admin_url: str, store_url: str, say: Callable[[str], None], replicas: int = 1, *, restored: bool = False
) -> None:
    """Make, as an admin, what a store needs: database, tables, indexes, lobby, and the app user with its rights.

    This also upgrades an older schema. `restored`: the database was put back from a copy, maybe one that was made table
    by table. So what does not fit is mended, and the first node to start begins a new epoch in every room. It may be
    interrupted and run again, and repeating it is harmless. Raises `Unavailable`, `Invalid`.
    """
    app = Address.parse(store_url)
    admin = Address.parse(admin_url, needs_database=False)
    pool = Pool(Address(admin.host, admin.port, admin.user, admin.password, app.database))
    migration = Migration(pool, app.database, say, app.user)
    try:
        await _make(migration, replicas)
        if restored:
            await mend_copy(migration)
        await _make_user(pool, app, say)
        if restored:
            say("every room will begin a new epoch when the first node starts")
            await pool.write(begin_renewal_query(secrets.token_urlsafe(16)))
    finally:
        await pool.close()


async def verify(pool: Pool, *, may_upgrade: bool) -> None:
    """Upgrade an older schema, if that was asked for and our user has the rights.

    Raises `Unavailable` for a schema that we cannot use.
    """
    row = await pool.run(r.table("meta").get("schema_version"))
    if row is None:
        raise Unavailable("the RethinkDB database is not prepared: run `tailwire init`")
    version = int(row["value"])
    _require_known(version)
    if version < SCHEMA_VERSION and not may_upgrade:
        raise Unavailable("the RethinkDB database was made by an older Tailwire: run `tailwire init`")
    if version < SCHEMA_VERSION:
        shard = (await pool.run(r.table("users").config()))["shards"][0]
        await _make(Migration(pool, pool.address.database, lambda _: None, None), len(shard["replicas"]))


def _require_known(version: int) -> None:
    if version > SCHEMA_VERSION:
        raise Unavailable("the RethinkDB database was made by a newer Tailwire")


async def _make(migration: Migration, replicas: int) -> None:
    """Make the tables and indexes that are missing, and take the steps that the database has not yet taken.

    The tables and indexes of all steps are checked, also of those taken before. So running it again repairs them.
    """
    await _make_tables(migration, replicas)
    row = await migration.pool.run(migration.table("meta").get("schema_version"))
    version = 0 if row is None else int(row["value"])
    _require_known(version)
    await _make_lobby(migration)
    await migration.pool.write(allow_query(migration.table("meta")))
    for step in STEPS:
        if version < step.version:
            for change in step.changes:
                await change(migration)
        await _make_indexes(migration, step.indexes)
        if version < step.version:
            for table, index in step.drops:
                await drop_index(migration, table, index)
            taken = {"id": "schema_version", "value": str(step.version)}
            await migration.pool.write(migration.table("meta").insert(taken, conflict="replace"))


async def _make_tables(migration: Migration, replicas: int) -> None:
    pool, database = migration.pool, migration.database
    if database not in await pool.run(r.db_list()):
        migration.say(f"making the database {database}")
        await pool.run(r.db_create(database))
    # A server that has only just started may answer for a moment that the new database does not exist.
    existing = await _run_when_ready(pool, r.db(database).table_list())
    for table in TABLES:
        if table not in existing:
            migration.say(f"making the table {table}")
            await pool.run(r.db(database).table_create(table, replicas=replicas))
    await _wait_for_tables(pool, database)


async def _wait_for_tables(pool: Pool, database: str) -> None:
    """Wait until every table can be written. Raises `Unavailable`."""
    try:
        await _run_when_ready(pool, r.db(database).wait(wait_for="all_replicas_ready", timeout=WAIT_SECONDS))
    except Unavailable:
        raise Unavailable("the tables are not ready: look at the cluster's servers") from None


async def _run_when_ready(pool: Pool, query: Any) -> Any:
    """Run a query, and run it again while the servers cannot answer it. Raises `Unavailable` after `READY_SECONDS`."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            return await pool.run(query)
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)  # the servers may have refused at once


async def _make_indexes(migration: Migration, indexes: tuple[Index, ...]) -> None:
    tables = {index.table for index in indexes}
    made = await migration.pool.run(r.expr({table: migration.table(table).index_list() for table in tables}))
    for index in indexes:
        if index.name not in made[index.table]:
            migration.say(f"making the index {index.name} of {index.table}")
            table = migration.table(index.table)
            await migration.pool.run(table.index_create(index.name, index.of, multi=index.multi))
    try:
        async with asyncio.timeout(READY_SECONDS):
            # The server offers no way to wait without asking again.
            while not await _are_ready(migration, tables):  # noqa: ASYNC110
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise Unavailable("the indexes are still being built: run `tailwire init` again later") from None


async def _are_ready(migration: Migration, tables: set[str]) -> bool:
    states = await migration.pool.run(r.expr([migration.table(table).index_status() for table in tables]))
    return all(one["ready"] for state in states for one in state)


async def _make_lobby(migration: Migration) -> None:
    head = empty_head(LOBBY_ID)
    await migration.pool.write(migration.table("heads").insert(head, conflict=lambda _id, old, _new: old))
    lobby = {
        "id": LOBBY_ID,
        "name": "Lobby",
        "topic": "",
        "visibility": Visibility.PUBLIC.value,
        "created_at": r.now().to_epoch_time().mul(1000).floor(),
    }
    await migration.pool.write(migration.table("rooms").insert(lobby, conflict=lambda _id, old, _new: old))


async def _make_user(pool: Pool, app: Address, say: Callable[[str], None]) -> None:
    if app.user == "admin":
        return
    say(f"letting the user {app.user} read and write {app.database}, and nothing else")
    users = r.db("rethinkdb").table("users")
    await pool.write(users.insert({"id": app.user, "password": app.password}, conflict="update"))
    await pool.run(r.db(app.database).grant(app.user, {"read": True, "write": True, "config": False}))
