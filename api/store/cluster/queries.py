"""Makes the ReQL queries for heads, memberships, lists and renewals of epochs. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final, NamedTuple

import orjson

from api.models.log import PREVIEW_CHARACTERS, Kind
from api.models.rooms import Notify, RoomPlace, Writable
from api.store import paging
from api.store.base.sessions import SET_BACK
from api.store.cluster.rows import KEPT_BY_MEMBERS, KEPT_BY_PEOPLE, RECEIPT, is_key, membership_after
from api.store.rethinkdb import Prepared, r

TRIM_LAG: Final = 32
"""At most this many flushed entries stay in the tail, so that a node whose mark is a little old can still append."""

RENEWAL: Final = "renewal"
"""The row of `meta` that exists while epochs are renewed."""
RENEWAL_SLICE: Final = 200
"""This many heads are renewed by one query, which takes a fraction of the time that a query may take."""


SAYING: Final = r.expr([Kind.EDIT.value, Kind.PREVIEW.value])
"""The kinds of entries that say something of their targets, which goes with these."""

CLAMPED_SLICE: Final = 1_000
"""This many rows of a table are clamped by one query of a renewal."""


class Mark(NamedTuple):
    """The seq up to which a node knows a room's log to be flushed, and the epoch of that seq.

    `attempt` is the append of the entry there, or "" if the mark is one that the head had. Without it, a head that was
    set back and has grown again would be taken for flushed.
    """

    epoch: str
    seq: int
    attempt: str = ""


NO_MARK: Final = Mark("", 0)


def heads_table() -> Any:
    """Return the table of heads, read from a majority of replicas."""
    return r.table("heads", read_mode="majority")


def is_head(head: Any) -> Any:
    """Say whether a head has the fields that we write. One that another program wrote may be anything, or null."""
    numbers = dict.fromkeys(("seq", "number", "message_seq", "flushed", "trimmed"), "NUMBER")
    types = {"id": "STRING", "epoch": "STRING", "tail": "ARRAY", **numbers}
    return r.and_(*(head[name].default(None).type_of() == type_ for name, type_ in types.items()))


def tail_after(head: Any, seq: Any) -> Any:
    """Return the entries of a head's tail after a seq. Items that are no objects are left out."""
    return head["tail"].filter(lambda row: (row.type_of() == "OBJECT") & (row["seq"] > seq))


def is_row(row: Any) -> Any:
    """Say whether an item of a tail has the fields that identify an entry. Other items must be left unchanged."""
    types = {"id": "STRING", "room_id": "STRING", "seq": "NUMBER", "kind": "STRING"}
    return (row.type_of() == "OBJECT") & r.and_(
        *(row[name].default(None).type_of() == type_ for name, type_ in types.items())
    )


def erased(rows: Any, seqs: Any) -> Any:
    """Return rows with nothing of what the messages with these seqs, their edits and previews say and are shown as.

    Their ids stay, which are made of author and ref, so that a retry still finds them.
    """
    blank = {"erased": True, "ref": None, "data": {"body": ""}}

    def says_of(row: Any, kind: Kind) -> Any:
        return (row["kind"] == kind.value) & seqs.contains(row["data"]["target"].default(0))

    return rows.map(
        lambda row: r.branch(
            is_row(row).not_(),
            row,
            seqs.contains(row["seq"]) | says_of(row, Kind.EDIT),
            row.merge(blank).without(
                {"data": dict.fromkeys(("mentions", "mentions_all", "shown_as", "files"), True)}
            ),
            says_of(row, Kind.PREVIEW),
            row.merge({"erased": True, "ref": None}).without({"data": {"previews": True}}),
            row,
        )
    )


def shortened(rows: Any) -> Any:
    """Return the rows of messages with no more of their bodies than a preview shows. Other rows come unchanged."""

    def short(row: Any) -> Any:
        start = row["data"]["body"].match(f"(?s)^.{{0,{PREVIEW_CHARACTERS}}}")["str"]
        return row.merge({"data": {"body": start}})

    return rows.map(lambda row: short(row).default(row))


def renamed(rows: Any, seqs: Any, username: str) -> Any:
    """Return rows with another username on those with these seqs, and without the display names of `member` entries."""

    def rename(row: Any) -> Any:
        named = row.merge({"username": username})
        return r.branch(
            row["kind"] == Kind.MEMBER.value, named.without({"data": {"display_name": True}}), named
        )

    return rows.map(
        lambda row: r.branch(is_row(row) & seqs.contains(row["seq"].default(0)), rename(row), row)
    )


def heads_query(room_ids: list[str]) -> Any:
    """Return the query for where the logs of these rooms end, and whether they are `deleted`.

    It gives only the id of a head that we did not write.
    """
    return _HEADS(room_ids)


def _heads(room_ids: Any) -> Any:
    heads = heads_table().get_all(r.args(room_ids))
    return heads.map(
        lambda head: r.branch(is_head(head), head.pluck("id", "epoch", "seq", "deleted"), head.pluck("id"))
    ).coerce_to("array")


def grown_query(after: dict[str, int]) -> Any:
    """Return the query for the heads of these rooms, each with the entries of its tail after a seq.

    Heads that we did not write are left out.
    """
    return _GROWN(after)


def _grown_since(after: Any) -> Any:
    def new(head: Any) -> Any:
        return after[head["id"]].do(
            lambda seq: head.pluck("id", "epoch", "seq", "trimmed", "flushed").merge(
                {"tail": tail_after(head, seq)}
            )
        )

    return heads_table().get_all(r.args(after.keys())).filter(is_head).map(new).coerce_to("array")


def rows_query(table: str, keys: Sequence[str]) -> Any:
    """Return the query for the rows of users or sessions with these primary keys."""
    return _ROWS[table]([key for key in dict.fromkeys(keys) if is_key(key)])


def _rows(keys: Any, *, table: str) -> Any:
    return r.table(table, read_mode="majority").get_all(r.args(keys))


def listing_query(table: str, index: str, prefix: list[str], start: paging.Key, limit: int) -> Any:
    """Return the query for the rows with this prefix in an index, after `start`: up to `limit` and one more."""
    lower = [*prefix, *start] if start != paging.BEFORE_ALL else [*prefix, r.minval, r.minval]
    found = r.table(table, read_mode="majority").between(
        lower, [*prefix, r.maxval, r.maxval], index=index, left_bound="open"
    )
    return found.order_by(index=index).limit(limit + 1)


def renewal_under_way_query() -> Any:
    """Return the query for the name of the renewal of epochs that is under way, or null."""
    return r.table("meta", read_mode="majority").get(RENEWAL)["name"].default(None)


def begin_renewal_query(name: str) -> Any:
    """Return the write that records that a renewal of epochs is under way, unless one is already."""
    return r.table("meta").insert({"id": RENEWAL, "name": name}, conflict=lambda _id, old, _new: old)


def renewal_query(name: str, last: Any) -> Any:
    """Return the write that begins the epochs of this renewal in one slice of rooms, those after the room `last`."""

    def renew(room_ids: Any) -> Any:
        renewed = (
            r.table("heads")
            .get_all(r.args(room_ids))
            .update(
                lambda head: {"epoch": r.uuid(r.expr(name) + head["id"]), "began": head["seq"]},
                durability="hard",
            )
        )
        return {"last": room_ids.nth(-1).default(None), "errors": renewed["errors"]}

    rooms = heads_table().between(last, r.maxval, left_bound="open").order_by(index="id").filter(is_head)
    return rooms.limit(RENEWAL_SLICE)["id"].coerce_to("array").do(renew)


def forget_tokens_query(last: Any) -> Any:
    """Return the write that forgets the newest refresh tokens of one slice of sessions, those after `last`.

    Sessions may have been refreshed after the state was saved to which the database was set back.
    """

    def forget(session_ids: Any) -> Any:
        forgotten = r.table("sessions").get_all(r.args(session_ids)).update({"refresh_hash": SET_BACK})
        return {"last": session_ids.nth(-1).default(None), "errors": forgotten["errors"]}

    sessions = r.table("sessions", read_mode="majority").between(last, r.maxval, left_bound="open")
    return sessions.order_by(index="id").limit(RENEWAL_SLICE)["id"].coerce_to("array").do(forget)


def end_renewal_query(name: str) -> Any:
    """Return the write that records that this renewal is done."""
    return r.table("meta").get_all(RENEWAL).filter({"name": name}).delete()


def literal(value: Any) -> Any:
    """Return a term that the server parses from one string of JSON, at a tenth of the cost of the driver's terms."""
    return r.json(orjson.dumps(value).decode())


def memberships_query(places: list[list[str]]) -> Any:
    """Return the query for the rows of these places in `members` as `stored`, and for the `heads` of their rooms.

    Each head has `id`, `seq`, `deleted`, what its `room` lets members write, and of its `tail` the member entries of
    these users. The heads are read first, as entries that their tails no longer carry are in `members`.
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

    shown = {"room": dict.fromkeys(Writable._fields, True)}
    heads = (
        heads_table()
        .get_all(r.args(given["rooms"]))
        .filter(is_head)
        .map(
            lambda head: head.pluck("id", "seq", "deleted", shown).merge(
                {"tail": head["tail"].filter(is_theirs)}
            )
        )
        .coerce_to("array")
    )
    members = r.table("members", read_mode="majority").get_all(r.args(given["places"]))
    return heads.do(lambda heads: {"heads": heads, "stored": members.coerce_to("array")})


def mark_query(room_id: str, user_id: str, seq: int, epoch: str | None, *, back: bool) -> Any:
    """Return the write that moves a member's `read_seq` to a seq or to the head's, whichever is less.

    The answer is null for a room without a head. Else it has the head's `epoch`, whether the row of the member
    `is_there`, its `read_seq` now, whether that `has_moved`, and whether it `raises_receipt`. With another epoch than
    the head's nothing is written.
    """
    return _MARK({"room": room_id, "user": user_id, "seq": seq, "epoch": epoch, "back": back})


def _mark(given: Any) -> Any:
    def write(head: Any) -> Any:
        seq = r.expr([given["seq"], head["seq"]]).min()

        def moved(row: Any) -> Any:
            is_this_epoch = (given["epoch"] == None) | (given["epoch"] == head["epoch"])  # noqa: E711  a term of ReQL
            is_move = (seq > row["read_seq"]) | (given["back"] & (seq < row["read_seq"]))
            went_back = r.branch(seq < row["read_seq"], {RECEIPT: _receipt(row)}, {})
            return r.branch(is_this_epoch & is_move, r.expr({"read_seq": seq}).merge(went_back), {})

        member = r.table("members").get([given["room"], given["user"]])
        return member.update(moved, return_changes="always").do(
            lambda written: {
                "epoch": head["epoch"],
                "errors": written["errors"],
                "is_there": written["skipped"] == 0,
                "read_seq": written["changes"].nth(0)["new_val"]["read_seq"].default(0),
                "has_moved": written["replaced"] == 1,
                "raises_receipt": written["changes"]
                .nth(0)
                .do(lambda change: change["new_val"]["read_seq"] > _receipt(change["old_val"]))
                .default(False),
            }
        )

    return heads_table().get(given["room"]).do(lambda head: r.branch(is_head(head), write(head), None))


def _receipt(row: Any) -> Any:
    """Return the term of the greatest seq up to which the member of this row has ever read."""
    return r.expr([row["read_seq"], row[RECEIPT].default(0)]).max()


def notify_query(room_id: str, user_id: str, notify: Notify) -> Any:
    """Return the write that stores how a member wants to be notified. It skips a row that is not there."""
    form = {"level": notify.level.value, "muted_until": notify.muted_until}
    return r.table("members").get([room_id, user_id]).update({"notify": form}, durability="hard")


def place_query(room_id: str, user_id: str, place: RoomPlace) -> Any:
    """Return the write that stores where a member keeps a room. It skips a row that is not there."""
    form = {"place": asdict(place)}
    return r.table("members").get([room_id, user_id]).update(form, durability="hard")


def clamp_query(table: str, names: Sequence[str], last: Any, *, room_id: str = "room_id") -> Any:
    """Return the write that lowers these seqs to the heads of their rooms, in one slice of a table.

    The column `room_id` of the table says which room that is.
    The slice begins after the key `last`. A copy of the database may have rows there that are newer than the heads.
    What was read or handled of entries that are gone must not count for the entries that get the same seqs, and these
    entries may change a membership.
    """

    def clamp(rows: Any) -> Any:
        above = rows.eq_join(room_id, heads_table()).filter(
            lambda pair: r.or_(*(pair["left"][name] > pair["right"]["seq"] for name in names)), default=False
        )
        clamped = above.coerce_to("array").do(
            lambda pairs: r.branch(
                pairs.is_empty(),
                {"errors": 0},
                pairs.for_each(
                    lambda pair: (
                        r.table(table)
                        .get(pair["left"]["id"])
                        .update(
                            {
                                name: r.expr([pair["left"][name], pair["right"]["seq"]]).min()
                                for name in names
                            },
                            durability="hard",
                        )
                    )
                ),
            )
        )
        return {"last": rows.nth(-1)["id"].default(None), "errors": clamped["errors"]}

    found = r.table(table, read_mode="majority").between(last, r.maxval, left_bound="open")
    return found.order_by(index="id").limit(CLAMPED_SLICE).coerce_to("array").do(clamp)


def project(row: dict[str, Any]) -> Any:
    """Return the write that copies a member entry to `members`, unless a later one is there already.

    Raises as `membership_after` does.
    """
    return r.table("members").insert(
        membership_after(row),
        durability="hard",
        conflict=lambda _id, old, new: r.branch(
            old["seq"] >= new["seq"],
            old,
            old["role"].eq(None) | new["role"].eq(None),
            new.merge(old.pluck(*KEPT_BY_PEOPLE)),
            new.merge(old.pluck(*KEPT_BY_MEMBERS, RECEIPT, *KEPT_BY_PEOPLE)),
        ),
    )


def project_room(row: dict[str, Any]) -> Any:
    """Return the write that copies a room entry to `rooms`, unless a later one is there already.

    Of a room that was deleted it leaves nothing but that, until all of the room is taken away.
    """
    data = row["data"]
    fields = {name: data[name] for name in ("name", "topic", "visibility", *Writable._fields)}
    fields["avatar"] = data.get("avatar", "")
    if data.get("deleted"):
        fields |= {"name": "", "topic": "", "visibility": "private", "avatar": "", "deleted_at": row["at"]}
    fields["seq"] = row["seq"]
    rooms = r.table("rooms").get(row["room_id"])
    return rooms.update(
        lambda room: r.branch(room["seq"].default(0) < row["seq"], fields, {}), durability="hard"
    )


_MARK: Final = Prepared(_mark)
_ROWS: Final = {name: Prepared(partial(_rows, table=name)) for name in ("users", "sessions")}
_HEADS: Final = Prepared(_heads)
_MEMBERSHIPS: Final = Prepared(_memberships)
_GROWN: Final = Prepared(_grown_since)
