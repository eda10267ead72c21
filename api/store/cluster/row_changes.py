"""Changes the rows of older databases, as the steps of the RethinkDB schema need it. All of it may be repeated."""

from typing import Any, Final

from api.store.cluster.folds import Folds
from api.store.cluster.migration import Migration, drop_index, stop_writing
from api.store.cluster.names import searched
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


async def give_users_flags(migration: Migration) -> None:
    """Give users who have no flags those of an ordinary account."""
    flags = {"disabled": False, "admin": False, "erasing": False}
    without = migration.table("users").filter(lambda row: row.has_fields("erasing").not_())
    await migration.pool.write(without.update(flags))


async def delete_ended_sessions(migration: Migration) -> None:
    """Delete the sessions that have ended, which were kept before version 2."""
    await migration.pool.write(migration.table("sessions").filter({"ended": True}).delete())


async def remember_used_tokens(migration: Migration) -> None:
    """Let sessions remember several used refresh tokens instead of the last one."""

    def remembering(row: Any) -> Any:
        last = [[row["previous_hash"], row["rotated_at"]]]
        used = r.branch(row.has_fields("previous_hash"), last, [])
        return row.without("ended", "previous_hash", "rotated_at").merge({"used": used})

    without = migration.table("sessions").filter(lambda row: row.has_fields("used").not_())
    await migration.pool.write(without.replace(remembering))


# -- version 3


async def take_usernames_from_members(migration: Migration) -> None:
    """Take the usernames out of `members`, where the first databases of version 2 still had them."""
    having = migration.table("members").filter(lambda row: row.has_fields("username"))
    await migration.pool.write(having.replace(lambda row: row.without("username")))


async def move_into_batches(migration: Migration) -> None:
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


async def remember_one_token(migration: Migration) -> None:
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


# -- version 7


async def blank_refs_of_erased(migration: Migration) -> None:
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


# -- version 9


async def note_places(migration: Migration) -> None:
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


# -- version 15


async def fold_messages(migration: Migration) -> None:
    """Make the rows of changed messages. May be repeated. What is only in tails is folded when it is flushed."""
    migration.say("folding the messages that were changed")
    await Folds(migration.pool, Reader()).fold_all()


# -- version 24


async def note_searched_names(migration: Migration) -> None:
    """Give users the form of their names in which these are searched. May be repeated."""
    users, last = migration.table("users"), r.minval
    while True:
        found = users.between(last, r.maxval, left_bound="open").order_by(index="id").limit(MOVED_SLICE)
        rows = await migration.pool.run(found.pluck("id", "username", "display_name").coerce_to("array"))
        if not rows:
            return
        forms = {row["id"]: {"searched": searched(row["username"], row["display_name"])} for row in rows}
        await migration.pool.write(users.get_all(r.args(list(forms))).update(_from(forms)))
        last = rows[-1]["id"]


def _from(changes: dict[str, Any]) -> Any:
    """Return the change of a row that stands under its id."""
    return lambda row: r.expr(changes)[row["id"]]
