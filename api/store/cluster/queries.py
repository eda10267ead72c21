"""The queries of the rooms' logs on a RethinkDB cluster: pure, from values to ReQL."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson

from api.models.log import Kind
from api.store import paging
from api.store.cluster.rows import KEPT_BY_MEMBERS, is_key, membership_after
from api.store.rethinkdb import Prepared, r

TRIM_LAG: Final = 32
"""Entries kept in the tail beyond the flushed ones, so that a node whose knowledge is a little old still knows."""

RENEWAL: Final = "renewal"
"""The row of `meta` that is there while epochs are renewed."""
RENEWAL_SLICE: Final = 200
"""Heads at a time, which take a fraction of the time that a query has."""


class Mark(NamedTuple):
    """Up to which seq, in which epoch, a node knows a room's log to be flushed."""

    epoch: str
    seq: int


NO_MARK: Final = Mark("", 0)


def known_of(head: Any, mark: Any) -> Any:
    """Return up to where a head's log is known to be flushed; what is known of another epoch does not count."""
    return r.branch(head["epoch"] == mark["epoch"], mark["seq"], 0)


def heads_table() -> Any:
    """Return the heads, read as a majority of replicas has them."""
    return r.table("heads", read_mode="majority")


def is_head(head: Any) -> Any:
    """Say whether a head is as we write them; one written behind our back may be anything, or nothing."""
    numbers = dict.fromkeys(("seq", "number", "message_seq", "flushed", "trimmed"), "NUMBER")
    types = {"id": "STRING", "epoch": "STRING", "tail": "ARRAY", **numbers}
    return r.and_(*(head[name].default(None).type_of() == type_ for name, type_ in types.items()))


def tail_after(head: Any, seq: Any) -> Any:
    """Return what a head's tail holds after a seq. What is no entry at all is left out."""
    return head["tail"].filter(lambda row: (row.type_of() == "OBJECT") & (row["seq"] > seq))


def is_row(row: Any) -> Any:
    """Say whether an item of a tail has the fields by which entries are told apart; others are left where they are."""
    types = {"id": "STRING", "room_id": "STRING", "seq": "NUMBER", "kind": "STRING"}
    return (row.type_of() == "OBJECT") & r.and_(
        *(row[name].default(None).type_of() == type_ for name, type_ in types.items())
    )


def erased(rows: Any, seqs: Any) -> Any:
    """Return rows without the bodies of these targets and of their edits."""
    blank = {"erased": True, "data": {"body": ""}}
    return rows.map(
        lambda row: r.branch(
            is_row(row).not_(),
            row,
            seqs.contains(row["seq"])
            | ((row["kind"] == Kind.EDIT.value) & seqs.contains(row["data"]["target"].default(0))),
            row.merge(blank),
            row,
        )
    )


def renamed(rows: Any, seqs: Any, username: str) -> Any:
    """Return rows with another name on those with these seqs."""
    return rows.map(
        lambda row: r.branch(
            is_row(row) & seqs.contains(row["seq"].default(0)), row.merge({"username": username}), row
        )
    )


def heads_query(room_ids: list[str]) -> Any:
    """Return the query for where the logs of these rooms end. A head that is not as we write them has an id only."""
    return _HEADS(room_ids)


def _heads(room_ids: Any) -> Any:
    heads = heads_table().get_all(r.args(room_ids))
    return heads.map(
        lambda head: r.branch(is_head(head), head.pluck("id", "epoch", "seq"), head.pluck("id"))
    ).coerce_to("array")


def grown_query(after: dict[str, int]) -> Any:
    """Return the query for the heads of these rooms, each with what its tail holds after a seq.

    A head that is not as we write them is left out.
    """
    return _GROWN(after)


def _grown_since(after: Any) -> Any:
    def new(head: Any) -> Any:
        return after[head["id"]].do(
            lambda seq: head.pluck("id", "epoch", "seq", "trimmed").merge({"tail": tail_after(head, seq)})
        )

    return heads_table().get_all(r.args(after.keys())).filter(is_head).map(new).coerce_to("array")


def rows_query(table: str, keys: Sequence[str]) -> Any:
    """Return the query for the rows of users or sessions with these primary keys."""
    return _ROWS[table]([key for key in dict.fromkeys(keys) if is_key(key)])


def _rows(keys: Any, *, table: str) -> Any:
    return r.table(table, read_mode="majority").get_all(r.args(keys))


def listing_query(table: str, index: str, prefix: list[str], start: paging.Key, limit: int) -> Any:
    """Return the query for the rows after `start` in an index that begins with `prefix`, one more than `limit`."""
    lower = [*prefix, *start] if start != paging.BEFORE_ALL else [*prefix, r.minval, r.minval]
    found = r.table(table, read_mode="majority").between(
        lower, [*prefix, r.maxval, r.maxval], index=index, left_bound="open"
    )
    return found.order_by(index=index).limit(limit + 1)


def renewal_under_way_query() -> Any:
    """Return the query for the name of the renewal of epochs that is under way, if one is."""
    return r.table("meta", read_mode="majority").get(RENEWAL)["name"].default(None)


def begin_renewal_query(name: str) -> Any:
    """Return the write that says that a renewal of epochs is under way, unless one is."""
    return r.table("meta").insert({"id": RENEWAL, "name": name}, conflict=lambda _id, old, _new: old)


def renewal_query(name: str, last: Any) -> Any:
    """Return the write that lets the rooms of one slice, after the room `last`, begin their epochs of this renewal."""

    def renew(room_ids: Any) -> Any:
        renewed = (
            r.table("heads")
            .get_all(r.args(room_ids))
            .update(lambda head: {"epoch": r.uuid(r.expr(name) + head["id"])}, durability="hard")
        )
        return {"last": room_ids.nth(-1).default(None), "errors": renewed["errors"]}

    rooms = heads_table().between(last, r.maxval, left_bound="open").order_by(index="id").filter(is_head)
    return rooms.limit(RENEWAL_SLICE)["id"].coerce_to("array").do(renew)


def end_renewal_query(name: str) -> Any:
    """Return the write that says that this renewal is done."""
    return r.table("meta").get_all(RENEWAL).filter({"name": name}).delete()


def literal(value: Any) -> Any:
    """Return a term that the server parses from one string, at a tenth of what the driver's terms cost."""
    return r.json(orjson.dumps(value).decode())


def memberships_query(places: list[list[str]]) -> Any:
    """Return the query for the rows of `members` of these places, and for the member entries of these users in tails.

    The heads come first: what their tails no longer carry is in `members`.
    """
    rooms, users = (sorted({place[part] for place in places}) for part in (0, 1))
    return _MEMBERSHIPS({"places": places, "rooms": rooms, "users": users})


def _memberships(given: Any) -> Any:
    def is_theirs(row: Any) -> Any:
        return (
            (row.type_of() == "OBJECT")
            & (row["kind"].default(None) == Kind.MEMBER.value)
            & given["users"].contains(row["user_id"].default(None))
        )

    heads = heads_table().get_all(r.args(given["rooms"])).filter(is_head)
    tails = heads.concat_map(lambda head: head["tail"].filter(is_theirs)).coerce_to("array")
    members = r.table("members", read_mode="majority").get_all(r.args(given["places"]))
    return tails.do(lambda tails: {"tails": tails, "stored": members.coerce_to("array")})


def project(row: dict[str, Any]) -> Any:
    """Return the write that carries a member entry over to `members`, unless a later one was before.

    Raises as `membership_after` does.
    """
    return r.table("members").insert(
        membership_after(row),
        durability="hard",
        conflict=lambda _id, old, new: r.branch(
            old["seq"] >= new["seq"],
            old,
            old["role"].eq(None) | new["role"].eq(None),
            new,
            new.merge(old.pluck(*KEPT_BY_MEMBERS)),
        ),
    )


_ROWS: Final = {name: Prepared(partial(_rows, table=name)) for name in ("users", "sessions")}
_HEADS: Final = Prepared(_heads)
_MEMBERSHIPS: Final = Prepared(_memberships)
_GROWN: Final = Prepared(_grown_since)
