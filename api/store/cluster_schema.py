"""The tables, the indexes and the user, made once by an admin; and whether they are there.

    heads     one document a room: what it is, where its log ends, and the newest entries (cluster_head)
    messages  every entry of every room's log, by the hash of its author and ref
    members   who is in which room: what the logs say, in a form that can be listed
    rooms     which rooms there are, for listing the public ones
    accounts  by the hash of the unique name
    sessions  a session that has ended is gone
    kept      values that are kept for ever
    beats     one document a node, by which it sees that its feed is alive
    meta      the version of all this
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from api.errors import Unavailable
from api.models import LOBBY_ID, Visibility
from api.store.rethinkdb import Address, Cluster, r, written

VERSION: Final = 1
"""Of what is made here. A database with another one is refused."""

ADMIN_SECONDS: Final = 60.0  # making a table takes a second, more on a busy cluster

Row = Any
TABLES: Final[dict[str, dict[str, Callable[[Row], Any]]]] = {
    # An index skips the rows on which its function fails or gives null.
    "heads": {},
    "messages": {
        "place": lambda row: [row["room_id"], row["seq"]],
        "message": lambda row: r.branch(row["kind"] == "message", [row["room_id"], row["seq"]], None),
        "target": lambda row: [row["room_id"], row["data"]["target"]],
    },
    "members": {
        "room": lambda row: r.branch(
            row["role"] == None, None, [row["room_id"], row["joined_at"], row["user_id"]]  # noqa: E711 - a term
        ),
        "user": lambda row: r.branch(
            row["role"] == None, None, [row["user_id"], row["joined_at"], row["room_id"]]  # noqa: E711 - a term
        ),
    },
    "rooms": {
        "public": lambda row: r.branch(row["visibility"] == "public", [row["created_at"], row["id"]], None)
    },
    "accounts": {"user": lambda row: row["user_id"]},
    "sessions": {"user": lambda row: row["user_id"]},
    "kept": {},
    "beats": {},
    "meta": {},
}


def new_epoch() -> str:
    """Name a new life of a room's numbering: 128 random bits."""
    return secrets.token_urlsafe(16)


async def require_ours(cluster: Cluster) -> None:
    """Raise `Unavailable` unless the database is prepared for this version."""
    row = await cluster.run(r.table("meta").get("schema"))
    version = row["version"] if isinstance(row, dict) and isinstance(row.get("version"), int) else 0
    if version < VERSION:
        raise Unavailable("the RethinkDB database is not prepared for this version: run `tailwire init`")
    if version > VERSION:
        raise Unavailable(f"it was made by a newer Tailwire (its schema is {version}, ours is {VERSION})")


async def init(admin_url: str, store_url: str, say: Callable[[str], None], replicas: int = 1) -> None:
    """Prepare the database that `store_url` names, and the user in it, as the admin of `admin_url`.

    Makes what is missing and leaves alone what is there, so it may be run again at any time; the user gets the
    password in `store_url`. `replicas` is how many servers keep each table, of which a majority must live; it is
    raised where it is lower. Progress goes to `say`, a line at a time. Raises `Invalid`, `Unavailable`.
    """
    store = Address.parse(store_url)
    cluster = await Cluster.open(Address.parse(admin_url, database=store.database))
    try:
        await _make_database(cluster, say)
        for table in TABLES:
            await _make_table(cluster, table, replicas, say)
        await _make_user(cluster, store, say)
        await make_content(cluster)
        say(f"ready: version {VERSION}")
    finally:
        await cluster.close()


async def make_content(cluster: Cluster) -> None:
    """Make the lobby and note the version, unless they are there."""
    created_at = (r.now().to_epoch_time() * 1000).round()
    room = {"id": LOBBY_ID, "visibility": Visibility.PUBLIC.value, "created_at": created_at}
    head = {**empty_head(new_epoch()), **room, "name": "Lobby", "topic": ""}
    for table, row in (("rooms", room), ("heads", head)):
        written(await cluster.run(r.table(table).insert(row, conflict=keep_old), seconds=ADMIN_SECONDS))
    version = {"id": "schema", "version": VERSION}
    written(await cluster.run(r.table("meta").insert(version, conflict="update"), seconds=ADMIN_SECONDS))


def empty_head(epoch: str) -> dict[str, Any]:
    """Return what is in the head of a log without entries."""
    return {
        "epoch": epoch,
        "seq": 0,
        "number": 0,
        "message_seq": 0,
        "flushed": 0,
        "trimmed": 0,
        "retries": 0,
        "tail": [],
    }


def keep_old(_id: Row, old: Row, _new: Row) -> Any:
    """Resolve the conflict of an insert in favour of what is there."""
    return old


async def _make_database(cluster: Cluster, say: Callable[[str], None]) -> None:
    name = cluster.address.database
    if name not in await cluster.run(r.db_list()):
        await cluster.run(r.db_create(name), seconds=ADMIN_SECONDS)
        say(f"made the database {name}")


async def _make_table(cluster: Cluster, table: str, replicas: int, say: Callable[[str], None]) -> None:
    term = r.table(table)
    if table not in await cluster.run(r.table_list()):
        await cluster.run(r.table_create(table, replicas=replicas), seconds=ADMIN_SECONDS)
        say(f"made the table {table}")
    elif await cluster.run(term.config()["shards"].nth(0)["replicas"].count()) < replicas:
        await cluster.run(term.reconfigure(shards=1, replicas=replicas), seconds=ADMIN_SECONDS)
        say(f"raised the table {table} to {replicas} replicas")
    await cluster.run(term.wait(timeout=ADMIN_SECONDS - 5), seconds=ADMIN_SECONDS)
    there = await cluster.run(term.index_list())
    for index, function in TABLES[table].items():
        if index not in there:
            await cluster.run(term.index_create(index, function), seconds=ADMIN_SECONDS)
            say(f"made the index {index} of {table}")
    await cluster.run(term.index_wait(), seconds=ADMIN_SECONDS)


async def _make_user(cluster: Cluster, store: Address, say: Callable[[str], None]) -> None:
    if store.user == "admin":
        return  # who runs everything as the admin needs no other user, and keeps the password
    user = {"id": store.user, "password": store.password}
    written(await cluster.run(r.db("rethinkdb").table("users").insert(user, conflict="update")))
    rights = {"read": True, "write": True, "config": False}
    await cluster.run(r.db(store.database).grant(store.user, rights))
    say(f"gave the user {store.user} the right to read and write it")
