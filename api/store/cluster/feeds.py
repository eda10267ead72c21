"""Makes the changefeeds that a tail follows on RethinkDB, and reads what their rows mean. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from api.errors import Unavailable
from api.models.changes import Grown, Quiet, SessionEnded
from api.store.base.changes import Wants
from api.store.cluster.rows import is_key
from api.store.rethinkdb import r

ABANDONED_SECONDS: Final = 300.0
"""Signals that are older than this are of a node that ended without removing them."""
STOPPED_SECONDS: Final = 15.0
"""A beat that is older than this is of a node that has died. A node that lives beats every four seconds."""


class ShownHead(NamedTuple):
    """The fields of a head that the feed shows.

    `moved` is the seq of the newest change of a membership, and `attempt` is the newest append. They are None where
    they are not known. `number` counts the messages of the log, and `mentioned` has the seq and the mentioned users of
    its newest messages; the feed shows both only if it was asked to.
    """

    room_id: str
    epoch: str
    seq: int
    flushed: int
    moved: int | None
    attempt: str | None
    number: int = 0
    mentioned: tuple[tuple[int, frozenset[str]], ...] = ()


class Written(NamedTuple):
    """A head as it is now. Its entries after the seq `after` are new; there are none if the head has not grown.

    `messages` of them are messages, which is known where the feed shows the `number` of heads.
    """

    head: ShownHead
    after: int
    messages: int = 0

    def must_be_heard(self, wants: Wants) -> bool:
        """Say whether anybody here must be told of the new entries: they are wanted, or may change a membership."""
        room_id, moved = self.head.room_id, self.head.moved
        return self.head.seq > self.after and (moved is None or moved > self.after or wants(room_id))


class Replaced(NamedTuple):
    """A head that is gone, or was replaced by another one. `head` is the old one.

    It was `set_back` where the new one is shorter, or none is there. Only a copy that is put in its place does that.
    """

    head: ShownHead
    set_back: bool


class Heard(NamedTuple):
    """Signals that another node has sent, in the form in which they were sent."""

    node: str
    signals: object


News: TypeAlias = Written | Replaced | SessionEnded | Heard | Quiet | Unavailable


def heads_feed(heads: Any, *, grown: bool = False) -> Any:
    """Return the feed of these heads, without the entries that they carry. With `grown` it shows what `Grown` tells.

    The node evaluates what the feed shows, and not the database, which would have to do so for the feed of every node.
    A missing field is left out, because an error would end the feed for all rooms.
    """
    shown = ("id", "epoch", "seq", "flushed", "moved", "attempt", *(("number", "mentioned") if grown else ()))

    def row(change: Any) -> Any:
        old, new = (change[side].pluck(*shown).default(None) for side in ("old_val", "new_val"))
        id_ = change["new_val"].default(change["old_val"])["id"]
        return r.branch(_is_state(change), change, {"id": id_, "old": old, "new": new})

    return heads.changes(include_states=True, squash=False).map(row)


def sessions_feed() -> Any:
    """Return the feed of sessions that have just ended."""
    return (
        r.table("sessions")
        .changes(include_states=True, squash=False)
        .filter(lambda change: _is_state(change) | change["new_val"].eq(None))
        .map(lambda change: r.branch(_is_state(change), change, change["old_val"].pluck("id", "user_id")))
    )


def _is_state(change: Any) -> Any:
    return change.has_fields("state") | change.has_fields("error")


def beats_feed(node: str) -> Any:
    """Return the feed of a node's own beats, which are writes to its row of the table `beats`."""
    return r.table("beats").get(node).changes(include_states=True, squash=False)


def signals_feed() -> Any:
    """Return the feed of the signals that nodes send."""
    return r.table("signals").changes(include_states=True, squash=False)


def beat_query(node: str) -> Any:
    """Return the write of a node's beat. It answers the nodes whose beats have stopped.

    Such a node may have left entries unflushed. Its beat stays until somebody has flushed them.
    """
    beats = r.table("beats")
    beat = {"id": node, "at": r.now().to_epoch_time()}
    until = r.now().to_epoch_time() - STOPPED_SECONDS
    stopped = beats.filter(lambda row: row["at"].default(0) < until)
    written = beats.insert(beat, conflict="replace", durability="soft")
    return written.do(lambda _written: stopped["id"].coerce_to("array"))


def forget_query(nodes: list[str]) -> Any:
    """Return the write that removes the beats of nodes that have died, unless they beat again."""
    is_old = r.row["at"].default(0) < r.now().to_epoch_time() - STOPPED_SECONDS
    return r.table("beats").get_all(*nodes).filter(is_old).delete(durability="soft")


def abandoned_query() -> Any:
    """Return the write that removes the signals of nodes that have ended without doing so themselves."""
    is_old = r.row["at"].default(0) < r.now().to_epoch_time() - ABANDONED_SECONDS
    return r.table("signals").filter(is_old).delete(durability="soft")


def remove_beat_query(node: str) -> Any:
    """Return the write that removes a node's own beat."""
    return r.table("beats").get(node).delete(durability="soft")


def _head_news(row: dict[str, Any]) -> News | None:
    """Return what a change of a head means. Raises `KeyError`, `TypeError` for a row that we did not write."""
    try:
        was = _head(row["old"])
    except (KeyError, TypeError):
        was = None
    if row["new"] is None:
        return None if was is None else Replaced(was, set_back=True)
    head = _head(row["new"])
    if was is not None and (head.epoch != was.epoch or head.seq < was.seq):
        return Replaced(was, set_back=head.epoch == was.epoch)
    if was is not None:
        return Written(head, was.seq, max(head.number - was.number, 0))
    return Written(head, 0, head.number) if row["old"] is None else Written(head, head.seq)


def growth(written: Iterable[Written]) -> list[Grown]:
    """Return how rooms have grown by these writes of their heads, which are in order."""
    found: dict[str, Grown] = {}
    for head, after, messages in written:
        if head.seq > after:
            before = found.get(head.room_id) or Grown(head.room_id, head.epoch, 0, 0, frozenset())
            mentioned = before.mentioned.union(*(users for seq, users in head.mentioned if seq > after))
            count = before.messages + messages
            found[head.room_id] = Grown(head.room_id, head.epoch, head.seq, count, mentioned)
    return list(found.values())


def _head(row: dict[str, Any]) -> ShownHead:
    """Read the fields of a head that the feed shows. Raises `KeyError`, `TypeError`."""
    room_id, epoch, seq, flushed = (row[name] for name in ("id", "epoch", "seq", "flushed"))
    moved, attempt, number = row.get("moved"), row.get("attempt"), row.get("number")
    if not (isinstance(room_id, str) and isinstance(epoch, str) and type(seq) is type(flushed) is int):
        raise TypeError
    if not is_key(room_id) or "$" in room_id or seq < 0 or not 0 <= flushed <= seq:
        raise TypeError
    return ShownHead(
        room_id,
        epoch,
        seq,
        flushed,
        moved if type(moved) is int else None,
        attempt if isinstance(attempt, str) else None,
        number if type(number) is int else 0,
        tuple(_mentions(row.get("mentioned"))),
    )


def _mentions(noted: Any) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield what makes sense of whom a head notes as mentioned."""
    for one in noted if isinstance(noted, list) else ():
        match one:
            case [int(seq), [*user_ids]]:
                yield seq, frozenset(user_id for user_id in user_ids if isinstance(user_id, str))


def _session_news(row: dict[str, Any]) -> News:
    return SessionEnded(str(row["id"]), str(row["user_id"]))


def _signal_news(row: dict[str, Any]) -> News | None:
    """Return what another node has sent. Its row is also removed in the end, which says nothing."""
    sent = row["new_val"]
    return None if sent is None else Heard(str(sent["id"]), sent["signals"])


def _beat_news(_row: dict[str, Any]) -> News:
    return Quiet()


NEWS: Final[dict[str, Callable[[dict[str, Any]], News | None]]] = {
    "heads": _head_news,
    "sessions": _session_news,
    "beats": _beat_news,
    "signals": _signal_news,
}
"""The function that reads the rows of a feed, by the name of the feed."""
