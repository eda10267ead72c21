"""The steps that make each version of the schema on a RethinkDB cluster from the one before.

RethinkDB has no transaction over several tables. So everything in a step may be done again: a step that was broken off
is done again whole, and its number is stored only when all of it is done. A released step never changes: what is to be
different goes into a further one. A new database takes all steps, so that there is one way to every version.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from api.models.log import Kind
from api.store.cluster.queries import is_head, is_row
from api.store.rethinkdb import QUERY_SECONDS, Pool, r

OLD_TABLE: Final = "messages"
"""Held the flushed entries of the versions before 3, one in each row."""
MOVED_SLICE: Final = 1_000
"""Move this many entries at a time, which takes a fraction of the time that a query has."""


@dataclass(frozen=True, slots=True)
class Making:
    """A schema that is being made: the database, how it is reached, the server's own user, and whom to tell."""

    pool: Pool
    database: str
    say: Callable[[str], None]
    user: str | None

    def table(self, name: str) -> Any:
        """Return a table of the database."""
        return r.db(self.database).table(name)


class Index(NamedTuple):
    """An index of a table: `of` returns what a row is found by, and null for a row that is not in the index."""

    table: str
    name: str
    of: Callable[[Any], Any]
    multi: bool = False


Change: TypeAlias = Callable[[Making], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Step:
    """Makes one version of the one before: new tables, then changes of rows in their order, then new indexes."""

    version: int
    tables: tuple[str, ...]
    changes: tuple[Change, ...]
    indexes: tuple[Index, ...]


# -- version 2


async def _give_users_flags(making: Making) -> None:
    flags = {"disabled": False, "admin": False, "erasing": False}
    without = making.table("users").filter(lambda row: row.has_fields("erasing").not_())
    await making.pool.write(without.update(flags))


async def _delete_ended_sessions(making: Making) -> None:
    await making.pool.write(making.table("sessions").filter({"ended": True}).delete())


async def _remember_used_tokens(making: Making) -> None:
    """Let sessions remember several used refresh tokens instead of the last one."""

    def remembering(row: Any) -> Any:
        last = [[row["previous_hash"], row["rotated_at"]]]
        used = r.branch(row.has_fields("previous_hash"), last, [])
        return row.without("ended", "previous_hash", "rotated_at").merge({"used": used})

    without = making.table("sessions").filter(lambda row: row.has_fields("used").not_())
    await making.pool.write(without.replace(remembering))


# -- version 3


async def _take_usernames_from_members(making: Making) -> None:
    """Take the usernames out of `members`, where the first databases of version 2 still had them."""
    having = making.table("members").filter(lambda row: row.has_fields("username"))
    await making.pool.write(having.replace(lambda row: row.without("username")))


async def _move_into_batches(making: Making) -> None:
    """Move flushed entries from the table of the versions before 3, in which each was a row. Whole, or again.

    No node may write meanwhile. So that one that was not stopped does not, its user loses the right to, until it is
    given again; of an admin, or without a user, it is taken on trust.
    """
    pool, database = making.pool, making.database
    if OLD_TABLE not in await pool.run(r.db(database).table_list()):
        return
    if making.user not in {None, "admin"}:
        making.say("waiting for what is still being written")
        await pool.run(r.db(database).grant(making.user, {"write": False}))
        await asyncio.sleep(QUERY_SECONDS)
    old = making.table(OLD_TABLE)
    total, moved, last = await pool.run(old.info()["doc_count_estimates"].sum()), 0, r.minval
    while True:
        making.say(f"moving entries: {moved:,} of about {total:,}")
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


def _targets(batch: Any) -> Any:
    """Return the places of the messages that a batch changes."""
    return r.branch(
        batch["rows"]["kind"].distinct()
        == [Kind.MESSAGE.value],  # which is nearly always so, and found out soon
        [],
        batch["rows"]["data"]["target"].map(lambda target: [batch["id"].nth(0), target]),
    )


STEPS: Final = (
    Step(
        version=1,
        tables=("meta", "names", "users", "sessions", "rooms", "heads", "members", "beats"),
        changes=(),
        indexes=(
            Index(
                "rooms",
                "public",
                lambda row: r.branch(row["visibility"] == "public", [row["created_at"], row["id"]], None),
            ),
            Index(
                "members",
                "user",
                lambda row: r.branch(
                    row["role"].eq(None), None, [row["user_id"], row["joined_at"], row["room_id"]]
                ),
            ),
            Index(
                "members",
                "room",
                lambda row: r.branch(
                    row["role"].eq(None), None, [row["room_id"], row["joined_at"], row["user_id"]]
                ),
            ),
        ),
    ),
    Step(
        version=2,
        tables=("audit", "attempts"),
        changes=(_give_users_flags, _delete_ended_sessions, _remember_used_tokens),
        indexes=(
            Index("users", "age", lambda row: [row["created_at"], row["id"]]),
            # The first version kept names of ASCII letters in the case in which they were typed.
            Index("users", "name", lambda row: r.branch(row["disabled"], None, row["username"].downcase())),
            Index("users", "erasing", lambda row: r.branch(row["erasing"], row["id"], None)),
            Index("sessions", "user", lambda row: row["user_id"]),
        ),
    ),
    Step(
        version=3,
        tables=("batches",),
        changes=(_take_usernames_from_members, _move_into_batches),
        indexes=(
            Index(
                "batches",
                "message",
                lambda batch: r.branch(batch["rows"]["kind"].contains(Kind.MESSAGE.value), batch["id"], None),
            ),
            Index("batches", "ids", lambda batch: batch["rows"]["id"], multi=True),
            Index("batches", "target", _targets, multi=True),
            Index(
                "batches",
                "author",
                lambda batch: batch["rows"].map(lambda row: [row["user_id"], row["room_id"], row["seq"]]),
                multi=True,
            ),
        ),
    ),
)
