"""The tables on a RethinkDB cluster, and their making by an admin."""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from api.errors import Unavailable
from api.models.log import Kind
from api.models.rooms import LOBBY_ID, Visibility
from api.store.cluster.acting import allow_query
from api.store.cluster.queries import is_head, is_row
from api.store.rethinkdb import QUERY_SECONDS, Address, Pool, r

SCHEMA_VERSION: Final = 3
READY_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 4
"""For one question, which is inside the time that any query has; the server takes whole seconds only."""

OLD_TABLE: Final = "messages"
MOVED_SLICE: Final = 1_000
"""Entries at a time, which take a fraction of the time that a query has."""

TABLES: Final = (
    "meta",
    "names",
    "users",
    "sessions",
    "rooms",
    "heads",
    "members",
    "batches",
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
        ("batches", "message"): lambda batch: r.branch(
            batch["rows"]["kind"].contains(Kind.MESSAGE.value), batch["id"], None
        ),
        **_multi_indexes(),
    }


def _multi_indexes() -> dict[tuple[str, str], Callable[[Any], Any]]:
    """Return the indexes that find a batch by each of its rows."""
    return {
        ("batches", "ids"): lambda batch: batch["rows"]["id"],
        ("batches", "target"): lambda batch: r.branch(
            batch["rows"]["kind"].distinct()
            == [Kind.MESSAGE.value],  # which is nearly always so, and found out soon
            [],
            batch["rows"]["data"]["target"].map(lambda target: [batch["id"].nth(0), target]),
        ),
        ("batches", "author"): lambda batch: batch["rows"].map(
            lambda row: [row["user_id"], row["room_id"], row["seq"]]
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

    Again is harmless, and brings an older schema up to date. Raises `Unavailable`, `Invalid`.
    """
    app = Address.parse(store_url)
    admin = Address.parse(admin_url, needs_database=False)
    pool = Pool(Address(admin.host, admin.port, admin.user, admin.password, app.database))
    try:
        await _make(pool, app.database, say, replicas, app.user)
        await _make_user(pool, app, say)
    finally:
        await pool.close()


async def _make(
    pool: Pool, database: str, say: Callable[[str], None], replicas: int, user: str | None
) -> None:
    await _make_tables(pool, database, say, replicas)
    await _migrate(pool, database)
    await _move_into_batches(pool, database, say, user)
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


async def _move_into_batches(pool: Pool, database: str, say: Callable[[str], None], user: str | None) -> None:
    """Move flushed entries from the table of the versions before 3, in which each was a row. Whole, or again.

    No node may write meanwhile. So that one that was not stopped does not, `user` loses the right to, until it is
    given again; of an admin, or without a user, it is taken on trust.
    """
    if OLD_TABLE not in await pool.run(r.db(database).table_list()):
        return
    if user not in {None, "admin"}:
        say("waiting for what is still being written")
        await pool.run(r.db(database).grant(user, {"write": False}))
        await asyncio.sleep(QUERY_SECONDS)
    old = r.db(database).table(OLD_TABLE)
    total, moved, last = await pool.run(old.info()["doc_count_estimates"].sum()), 0, r.minval
    while True:
        say(f"moving entries: {moved:,} of about {total:,}")
        rows = old.between(last, r.maxval, left_bound="open").order_by(index="id").limit(MOVED_SLICE)
        keys = await pool.run(rows["id"].coerce_to("array"))
        if not keys:
            break
        await pool.write(_moving(database, old.between(keys[0], keys[-1], right_bound="closed")))
        last, moved = keys[-1], moved + len(keys)
    await pool.run(r.db(database).table_drop(OLD_TABLE))


def _moving(database: str, rows: Any) -> Any:
    """Return the write that makes rows batches of one. Those that are not known to be flushed come from their heads.

    Of a head that is not as we write them nothing comes; then all are kept.
    """
    heads, batches = (r.db(database).table(name) for name in ("heads", "batches"))

    def moved(entries: Any, flushed: Any) -> Any:
        return batches.insert(
            entries.filter(lambda row: row["seq"] <= flushed[row["room_id"]].default(2**53)).map(
                lambda row: {"id": [row["room_id"], row["seq"]], "attempt": "", "rows": [row]}
            ),
            conflict=lambda _id, old, _new: old,
        )

    def flushed_of(rooms: Any) -> Any:
        found = heads.get_all(r.args(rooms)).filter(is_head)
        return found.map(lambda head: [head["id"], head["flushed"]]).coerce_to("object")

    entries = rows.filter(is_row).coerce_to("array")
    return entries.do(
        lambda entries: flushed_of(entries["room_id"].distinct()).do(lambda flushed: moved(entries, flushed))
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
    multi = _multi_indexes()
    for (table, name), function in _indexes().items():
        if name not in await pool.run(r.db(database).table(table).index_list()):
            say(f"making the index {name} of {table}")
            is_multi = (table, name) in multi
            await pool.run(r.db(database).table(table).index_create(name, function, multi=is_multi))
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
    await pool.write(allow_query(tables.table("meta")))
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
        await _make(pool, database, lambda _: None, len(shard["replicas"]), None)
