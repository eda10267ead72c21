"""A change of the RethinkDB schema that is under way, and the steps of which it consists."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from api.store.rethinkdb import QUERY_SECONDS, Pool, r


@dataclass(frozen=True, slots=True)
class Migration:
    """A schema that is being made or upgraded.

    `pool` reaches the cluster, `database` is the name of the database, `say` is called with one line for each thing
    that is made, and `user` is the server's own user, if that is known.
    """

    pool: Pool
    database: str
    say: Callable[[str], None]
    user: str | None

    def table(self, name: str) -> Any:
        """Return a table of the database."""
        return r.db(self.database).table(name)


class Index(NamedTuple):
    """An index of a table. `of` returns the key of a row in the index, or null for a row that is not in it."""

    table: str
    name: str
    of: Callable[[Any], Any]
    multi: bool = False


RowChange: TypeAlias = Callable[[Migration], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """Makes one version from the one before: first new tables, then changes of rows in order, then new indexes.

    `drops` are the indexes, each with its table, that are dropped at last because nothing needs them any more.
    """

    version: int
    tables: tuple[str, ...]
    changes: tuple[RowChange, ...]
    indexes: tuple[Index, ...]
    drops: tuple[tuple[str, str], ...] = ()


async def drop_index(migration: Migration, table: str, name: str) -> None:
    """Drop an index of a table, if it is there."""
    if name in await migration.pool.run(migration.table(table).index_list()):
        migration.say(f"dropping the index {name} of {table}")
        await migration.pool.run(migration.table(table).index_drop(name))


async def stop_writing(migration: Migration) -> None:
    """Take the right to write from the server's user, in case a node was not stopped, and wait for its last writes.

    `init` grants the right again at its end. If that user is an admin, or is not known, the administrator must make
    sure that no node writes. In a database that was just put back from a copy there is no such user yet.
    """
    users = r.db("rethinkdb").table("users")
    if migration.user in {None, "admin"} or not await migration.pool.run(
        users.get_all(migration.user).count()
    ):
        return
    migration.say("waiting for what is still being written")
    await migration.pool.run(r.db(migration.database).grant(migration.user, {"write": False}))
    await asyncio.sleep(QUERY_SECONDS)
