"""Lists the steps that make each version of the RethinkDB schema from the one before.

RethinkDB has no transaction over several tables. So everything in a step can be repeated: a step that was interrupted
is repeated as a whole, and its number is stored only when all of it is done. A released step never changes; a further
change is a new step. A new database takes all steps, so that there is one way to every version. Only an index that a
later step drops is made by no step any more.
"""

from typing import Any, Final

from api.models.log import Kind
from api.store.cluster.folds import Folds
from api.store.cluster.migration import Index, Migration, Step, drop_index, stop_writing
from api.store.cluster.queries import is_head, is_row
from api.store.cluster.rows import Reader
from api.store.rethinkdb import r

OLD_TABLE: Final = "messages"
"""The table that held flushed entries before version 3, one in each row."""
MOVED_SLICE: Final = 1_000
"""One query moves this many entries, which takes a fraction of the time that a query may take."""
REFS_SLICE: Final = 100
"""One query notes the entries of this many batches, of at most a hundred entries each."""


# -- version 2


async def _give_users_flags(migration: Migration) -> None:
    flags = {"disabled": False, "admin": False, "erasing": False}
    without = migration.table("users").filter(lambda row: row.has_fields("erasing").not_())
    await migration.pool.write(without.update(flags))


async def _delete_ended_sessions(migration: Migration) -> None:
    await migration.pool.write(migration.table("sessions").filter({"ended": True}).delete())


async def _remember_used_tokens(migration: Migration) -> None:
    """Let sessions remember several used refresh tokens instead of the last one."""

    def remembering(row: Any) -> Any:
        last = [[row["previous_hash"], row["rotated_at"]]]
        used = r.branch(row.has_fields("previous_hash"), last, [])
        return row.without("ended", "previous_hash", "rotated_at").merge({"used": used})

    without = migration.table("sessions").filter(lambda row: row.has_fields("used").not_())
    await migration.pool.write(without.replace(remembering))


# -- version 3


async def _take_usernames_from_members(migration: Migration) -> None:
    """Take the usernames out of `members`, where the first databases of version 2 still had them."""
    having = migration.table("members").filter(lambda row: row.has_fields("username"))
    await migration.pool.write(having.replace(lambda row: row.without("username")))


async def _move_into_batches(migration: Migration) -> None:
    """Move flushed entries from the table of the versions before 3, in which each was a row. May be repeated.

    No node may write meanwhile.
    """
    pool, database = migration.pool, migration.database
    if OLD_TABLE not in await pool.run(r.db(database).table_list()):
        return
    await stop_writing(migration)
    old = migration.table(OLD_TABLE)
    total, moved, last = await pool.run(old.info()["doc_count_estimates"].sum()), 0, r.minval
    while True:
        migration.say(f"moving entries: {moved:,} of about {total:,}")
        rows = old.between(last, r.maxval, left_bound="open").order_by(index="id").limit(MOVED_SLICE)
        keys = await pool.run(rows["id"].coerce_to("array"))
        if not keys:
            break
        await pool.write(_moving(database, old.between(keys[0], keys[-1], right_bound="closed")))
        last, moved = keys[-1], moved + len(keys)
    await pool.run(r.db(database).table_drop(OLD_TABLE))


def _moving(database: str, rows: Any) -> Any:
    """Return the write that makes a batch of each row. Rows not known to be flushed are left to their heads' tails.

    Nothing is flushed from a head that we did not write, so all rows of its room are taken.
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


# -- version 6


async def _remember_one_token(migration: Migration) -> None:
    """Let sessions remember the refresh token before the newest, instead of those of the last seconds.

    Whether the newest pair has been used is not known of these sessions. It counts as not used only where the token
    before could still be needed.
    """

    def remembering(row: Any) -> Any:
        used = row["used"]
        previous = r.branch(used.is_empty(), None, used[0][0])
        return row.without("used").merge({"previous_hash": previous, "pair_used": used.is_empty()})

    having = migration.table("sessions").filter(lambda row: row.has_fields("used"))
    await migration.pool.write(having.replace(remembering))


def _targets(batch: Any) -> Any:
    """Return the places of the messages that a batch changes."""
    return r.branch(
        batch["rows"]["kind"].distinct()
        == [Kind.MESSAGE.value],  # this is nearly always so, and is quick to find out
        [],
        batch["rows"]["data"]["target"].map(lambda target: [batch["id"].nth(0), target]),
    )


# -- version 7


async def _blank_refs_of_erased(migration: Migration) -> None:
    """Take away the refs of the entries that were erased before their refs went with their bodies. May be repeated."""
    for name, field in (("heads", "tail"), ("batches", "rows")):
        table, last = migration.table(name), r.minval
        while True:
            found = table.between(last, r.maxval, left_bound="open").order_by(index="id").limit(MOVED_SLICE)
            keys = await migration.pool.run(found["id"].coerce_to("array"))
            if not keys:
                break
            some = table.between(keys[0], keys[-1], right_bound="closed")
            await migration.pool.write(_blanking(some, field))
            last = keys[-1]


def _blanking(documents: Any, field: str) -> Any:
    def has_ref(row: Any) -> Any:
        return is_row(row) & row["erased"].default(False) & row["ref"].default(None).ne(None)

    def has_any(document: Any) -> Any:
        rows = document[field].default(None)
        return (rows.type_of() == "ARRAY") & rows.contains(has_ref)

    def blank(document: Any) -> Any:
        rows = document[field]
        return {field: rows.map(lambda row: r.branch(has_ref(row), row.merge({"ref": None}), row))}

    return documents.filter(has_any).update(blank)


# -- version 8


def _notices(batch: Any) -> Any:
    """Return the key of a batch if the history shows any of its entries that are no messages."""
    kinds = batch["rows"]["kind"]
    return r.branch(
        kinds.distinct() == [Kind.MESSAGE.value],  # this is nearly always so, and is quick to find out
        None,
        kinds.set_intersection([Kind.MEMBER.value, Kind.ROOM.value]).is_empty(),
        None,
        batch["id"],
    )


# -- version 9


async def _note_places(migration: Migration) -> None:
    """Fill the table of refs. May be repeated.

    The index that every append of the version before needs goes first. So nodes that were not stopped append nothing
    that is missed here. An entry that is only in a tail gets its ref from the node of this version that flushes it.
    """
    await drop_index(migration, "batches", "ids")
    if not await migration.pool.run(migration.table("batches").is_empty()):
        await stop_writing(migration)
        await fill_refs(migration)


async def fill_refs(migration: Migration) -> None:
    """Write the place of every entry in `batches` to the table of refs, beside what is there. May be repeated."""
    pool, batches, refs = migration.pool, migration.table("batches"), migration.table("refs")
    total, filled, last = await pool.run(batches.info()["doc_count_estimates"].sum()), 0, r.minval
    while True:
        migration.say(f"noting where entries are: {filled:,} of about {total:,} batches")
        found = batches.between(last, r.maxval, left_bound="open").order_by(index="id").limit(REFS_SLICE)
        keys = await pool.run(found["id"].coerce_to("array"))
        if not keys:
            break
        places = _places(batches.between(keys[0], keys[-1], right_bound="closed"))
        await pool.write(refs.insert(places, conflict=_with_both_places, durability="soft"))
        last, filled = keys[-1], filled + len(keys)
    await pool.run(refs.sync())


def _places(batches: Any) -> Any:
    """Return a document of `refs` for each row of these batches that we wrote."""

    def has_key(row: Any) -> Any:
        return is_row(row) & row["id"].match("^[!-~]{1,127}$").ne(None)  # others cannot be keys of a table

    rows = batches.filter(lambda batch: batch["rows"].default(None).type_of() == "ARRAY")["rows"]
    return (
        rows.concat_map(lambda rows: rows)
        .filter(has_key)
        .map(lambda row: {"id": row["id"], "places": [[row["room_id"], row["seq"]]]})
    )


def _with_both_places(_id: Any, old: Any, new: Any) -> Any:
    return old.merge({"places": old["places"].set_union(new["places"])})


def _people(batch: Any) -> Any:
    """Return a key for each user who has an entry in a batch. The keys of a user are in the order of room and seq."""
    users = batch["rows"]["user_id"].distinct()
    return users.map(lambda user_id: [user_id, batch["id"].nth(0), batch["id"].nth(1)])


# -- version 11


def _threads(batch: Any) -> Any:
    """Return a key for each thread that a batch has a reply in, or the deletion of one. They are ordered by seq."""
    roots = batch["rows"]["data"]["thread"].distinct()
    return roots.map(lambda root: [batch["id"].nth(0), root, batch["id"].nth(1)])


# -- version 13


def _mentioned(row: Any) -> Any:
    """Return a key for each user whom a message mentions. The keys of a user are in the order of room and seq."""
    return row["users"].map(lambda user_id: [user_id, row["id"].nth(0), row["id"].nth(1)])


def _mentioned_at(row: Any) -> Any:
    """Return a key for each user whom a message mentions. The keys of a user are in the order of time."""
    return row["users"].map(lambda user_id: [user_id, row["at"], row["id"].nth(1), row["id"].nth(0)])


# -- version 15


async def _fold_messages(migration: Migration) -> None:
    """Make the rows of changed messages. May be repeated. What is only in tails is folded when it is flushed."""
    migration.say("folding the messages that were changed")
    await Folds(migration.pool, Reader()).fold_all()


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
            Index("batches", "target", _targets, multi=True),
        ),
    ),
    Step(
        version=4,
        tables=(),
        changes=(),
        # Also the memberships that have ended, which are in no other index.
        indexes=(Index("members", "person", lambda row: row["user_id"]),),
    ),
    Step(
        version=5,
        tables=("invites",),
        changes=(),
        indexes=(
            Index("invites", "room", lambda row: [row["listed_in"], row["created_at"], row["id"]]),
            Index("invites", "maker", lambda row: row["made_by"]),
            Index("invites", "expiry", lambda row: row["expires_at"]),
            Index("invites", "user", lambda row: row["uses"]["user_id"], multi=True),
            Index("users", "admin", lambda row: r.branch(row["admin"], row["id"], None)),
        ),
    ),
    Step(version=6, tables=(), changes=(_remember_one_token,), indexes=()),
    Step(version=7, tables=(), changes=(_blank_refs_of_erased,), indexes=()),
    Step(
        version=8,
        tables=("signals",),
        changes=(),
        indexes=(Index("batches", "notice", _notices),),
    ),
    Step(
        version=9,
        tables=("refs",),
        changes=(_note_places,),
        indexes=(Index("batches", "who", _people, multi=True),),
        drops=(("batches", "author"),),
    ),
    Step(
        version=10,
        tables=("pins",),
        changes=(),
        indexes=(
            Index("pins", "room", lambda row: r.branch(row["pinned"], [row["room_id"], row["since"]], None)),
        ),
    ),
    Step(
        version=11,
        tables=(),
        changes=(),
        indexes=(Index("batches", "thread", _threads, multi=True),),
    ),
    Step(version=12, tables=("leases", "positions"), changes=(), indexes=()),
    Step(
        version=13,
        tables=("mentions",),
        changes=(),
        indexes=(
            Index("mentions", "user", _mentioned, multi=True),
            Index("mentions", "age", _mentioned_at, multi=True),
        ),
    ),
    Step(
        version=14,
        tables=("changed", "reactions"),
        changes=(),
        indexes=(Index("reactions", "place", lambda row: row["place"]),),
    ),
    Step(version=15, tables=(), changes=(_fold_messages,), indexes=()),
)
