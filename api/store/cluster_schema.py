"""The tables on a RethinkDB cluster, and their making by an admin."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from api.errors import Unavailable
from api.models import LOBBY_ID, Visibility
from api.store.rethinkdb import Address, Pool, r

SCHEMA_VERSION: Final = 2
READY_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 4
"""For one question, which is inside the time that any query has; the server takes whole seconds only."""

TABLES: Final = (
    "meta",
    "names",
    "users",
    "sessions",
    "rooms",
    "heads",
    "members",
    "messages",
    "beats",
    "audit",
    "attempts",
)


def _indexes() -> dict[tuple[str, str], Callable[[Any], Any]]:
    """Return every index: (table, name) -> what a row is found by; null keeps a row out."""
    return {
        ("rooms", "public"): lambda row: r.branch(
            row["visibility"] == "public", [row["created_at"], row["id"]], None
        ),
        ("users", "age"): lambda row: [row["created_at"], row["id"]],
        # The first version kept names of ASCII letters in the case in which they were typed.
        ("users", "name"): lambda row: r.branch(row["disabled"], None, row["username"].downcase()),
        ("users", "erasing"): lambda row: r.branch(row["erasing"], row["id"], None),
        ("sessions", "user"): lambda row: row["user_id"],
        ("members", "user"): lambda row: r.branch(
            row["role"].eq(None),
            None,
            [row["user_id"], row["joined_at"], row["room_id"]],
        ),
        ("members", "room"): lambda row: r.branch(
            row["role"].eq(None),
            None,
            [row["room_id"], row["joined_at"], row["user_id"]],
        ),
        ("messages", "place"): lambda row: [row["room_id"], row["seq"]],
        ("messages", "target"): lambda row: [row["room_id"], row["data"]["target"]],
        ("messages", "author"): lambda row: [row["user_id"], row["room_id"], row["seq"]],
        ("messages", "message"): lambda row: r.branch(
            row["kind"] == "message", [row["room_id"], row["seq"]], None
        ),
    }


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
        "flushed": 0,  # entries up to here are durable in `messages`
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

    Again is harmless, and brings an older schema up to date. Raises `Unavailable`, `Invalid`.
    """
    app = Address.parse(store_url)
    admin = Address.parse(admin_url, needs_database=False)
    pool = Pool(Address(admin.host, admin.port, admin.user, admin.password, app.database))
    try:
        await _make(pool, app.database, say, replicas)
        await _make_user(pool, app, say)
    finally:
        await pool.close()


async def _make(pool: Pool, database: str, say: Callable[[str], None], replicas: int) -> None:
    await _make_tables(pool, database, say, replicas)
    await _migrate(pool, database)
    await _make_indexes(pool, database, say)
    await _fill(pool, database)


async def _migrate(pool: Pool, database: str) -> None:
    """Bring rows of older schemas up to date; again is harmless."""
    users, sessions = (r.db(database).table(name) for name in ("users", "sessions"))
    flags = {"disabled": False, "admin": False, "erasing": False}
    await pool.write(users.filter(lambda row: row.has_fields("erasing").not_()).update(flags))
    members = r.db(database).table("members")
    await pool.write(
        members.filter(lambda row: row.has_fields("username")).replace(lambda row: row.without("username"))
    )
    await pool.write(sessions.filter({"ended": True}).delete())
    await pool.write(
        sessions.filter(lambda row: row.has_fields("used").not_()).replace(
            lambda row: row.without("ended", "previous_hash", "rotated_at").merge(
                {
                    "used": r.branch(
                        row.has_fields("previous_hash"), [[row["previous_hash"], row["rotated_at"]]], []
                    )
                }
            )
        )
    )


async def _make_tables(pool: Pool, database: str, say: Callable[[str], None], replicas: int) -> None:
    if database not in await pool.run(r.db_list()):
        say(f"making the database {database}")
        await pool.run(r.db_create(database))
    existing = await pool.run(r.db(database).table_list())
    for table in TABLES:
        if table not in existing:
            say(f"making the table {table}")
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
        else:
            return


async def _make_indexes(pool: Pool, database: str, say: Callable[[str], None]) -> None:
    for (table, name), function in _indexes().items():
        if name not in await pool.run(r.db(database).table(table).index_list()):
            say(f"making the index {name} of {table}")
            await pool.run(r.db(database).table(table).index_create(name, function))
    try:
        async with asyncio.timeout(READY_SECONDS):
            # The server offers no way to wait without asking again.
            while not await _has_ready_indexes(pool, database):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Unavailable("the indexes are still being built: run `tailwire init` again later") from None


async def _has_ready_indexes(pool: Pool, database: str) -> bool:
    tables = {table for table, _ in _indexes()}
    states = [await pool.run(r.db(database).table(table).index_status()) for table in tables]
    return all(one["ready"] for state in states for one in state)


async def _fill(pool: Pool, database: str) -> None:
    tables = r.db(database)
    await pool.run(tables.table("heads").insert(empty_head(LOBBY_ID), conflict=lambda _id, old, _new: old))
    lobby = {
        "id": LOBBY_ID,
        "name": "Lobby",
        "topic": "",
        "visibility": Visibility.PUBLIC.value,
        "created_at": r.now().to_epoch_time().mul(1000).floor(),
    }
    await pool.run(tables.table("rooms").insert(lobby, conflict=lambda _id, old, _new: old))
    version = {"id": "schema_version", "value": str(SCHEMA_VERSION)}
    await pool.write(tables.table("meta").insert(version, conflict="replace"))


async def _make_user(pool: Pool, app: Address, say: Callable[[str], None]) -> None:
    if app.user == "admin":
        return
    say(f"letting the user {app.user} read and write {app.database}, and nothing else")
    users = r.db("rethinkdb").table("users")
    await pool.write(users.insert({"id": app.user, "password": app.password}, conflict="update"))
    await pool.run(r.db(app.database).grant(app.user, {"read": True, "write": True, "config": False}))


async def verify(pool: Pool) -> None:
    """Bring an older schema up to date, where our user may. Raises `Unavailable` for one that we cannot use."""
    row = await pool.run(r.table("meta").get("schema_version"))
    if row is None:
        raise Unavailable("the RethinkDB database is not prepared: run `tailwire init`")
    version, database = int(row["value"]), pool.address.database
    if version > SCHEMA_VERSION:
        raise Unavailable("the RethinkDB database was made by a newer Tailwire")
    if version < SCHEMA_VERSION:
        shard = (await pool.run(r.table("users").config()))["shards"][0]
        await _make(pool, database, lambda _: None, len(shard["replicas"]))
