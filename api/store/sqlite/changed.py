"""Keeps changed messages folded beside the log, in the SQLite tables `changed` and `reactions`.

A row is changed in the transaction that appends an entry about its message. So a page of messages costs the same
however many entries have changed them. The fold over the log, `api/store/fold.py`, gives the same.

The functions take a cursor, and run inside a transaction.
"""

# ruff: noqa: S608 - queries are joined from constants of this file

from collections.abc import Sequence
from typing import Any, Final

import apsw
import orjson

from api.models.kinds import KINDS
from api.models.log import SHOWN_REACTORS, Entry, Kind, Reaction
from api.models.previews import preview_data, previews_in
from api.store.fold import NO_PREVIEWS, UNCHANGED, LinkPreviews, Mentions, Replies, State, changed_by
from api.store.sqlite.rows import COLUMNS, read_row, rows_of

MOST_APART: Final = 10
"""Messages are looked up one by one if there are on average more seqs than this from one to the next."""
_STATE: Final = (
    "body, edited_at, deleted_by, pinned_by, reactions, reply_count, last_reply_seq, last_reply_at, mentions,"
    " previews"
)


def states(cursor: apsw.Cursor, room_id: str, seqs: Sequence[int]) -> dict[int, State]:
    """Return the states of those of these messages that are changed, by seq. They are in order."""
    values: list[int | str] = [seqs[0], seqs[-1]]
    wanted = "seq BETWEEN ? AND ?"  # this is quicker, unless there is much between them
    if seqs[-1] - seqs[0] > MOST_APART * len(seqs):
        values, wanted = [orjson.dumps(seqs).decode()], "seq IN (SELECT value FROM json_each(?))"
    select = f"SELECT seq, {_STATE} FROM changed WHERE room_id = ? AND {wanted}"
    rows = cursor.execute(select, (room_id, *values))
    return {row[0]: _state(row[1:]) for row in rows}


def states_at(cursor: apsw.Cursor, places: str) -> dict[tuple[str, int], State]:
    """Return the states of those of some messages of any rooms that are changed, by their places.

    `places` is JSON: a list of pairs, each the id of a room and a seq.
    """
    rows = cursor.execute(
        f"SELECT room_id, seq, {_STATE} FROM changed"
        " WHERE (room_id, seq) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
        (places,),
    )
    return {(row[0], row[1]): _state(row[2:]) for row in rows}


def state_of(cursor: apsw.Cursor, room_id: str, seq: int) -> State:
    """Return the state of a message."""
    return states(cursor, room_id, [seq]).get(seq, UNCHANGED)


def has_reacted(cursor: apsw.Cursor, room_id: str, seq: int, emoji: str, user_id: str) -> bool:
    """Say whether a user has reacted to a message with an emoji."""
    row = cursor.execute(
        "SELECT 1 FROM reactions WHERE room_id = ? AND target = ? AND emoji = ? AND user_id = ?",
        (room_id, seq, emoji, user_id),
    ).fetchone()
    return row is not None


def pinned(cursor: apsw.Cursor, room_id: str) -> list[int]:
    """Return the seqs of a room's pinned messages, that which was pinned last first."""
    rows: list[Any] = cursor.execute(
        "SELECT seq FROM changed WHERE room_id = ? AND pinned_by IS NOT NULL ORDER BY pinned_by DESC",
        (room_id,),
    ).fetchall()
    return [seq for (seq,) in rows]


def note(cursor: apsw.Cursor, entry: Entry) -> None:
    """Apply a new entry to the messages that it changes. What comes after a deletion is ignored, but for replies."""
    if entry.kind in KINDS:
        for seq in changed_by(entry):
            state = state_of(cursor, entry.room_id, seq)
            _keep(cursor, entry, seq, _after(cursor, entry, seq, state))


def _after(cursor: apsw.Cursor, entry: Entry, seq: int, state: State) -> State:
    """Return the state of the message at `seq` after an entry that changes it."""
    if entry.data.get("target") != seq:
        return state._replace(replies=_replies_after(cursor, entry, seq, state.replies))
    if state.deleted_by is not None:
        return state
    if entry.kind == Kind.REACTION:
        return state._replace(reactions=_reacted(cursor, entry, seq, state.reactions))
    if entry.kind == Kind.DELETE:
        cursor.execute("DELETE FROM reactions WHERE room_id = ? AND target = ?", (entry.room_id, seq))
    return state.after(entry, seq)


def _keep(cursor: apsw.Cursor, entry: Entry, seq: int, state: State) -> None:
    """Store the state of a message after an entry."""
    reactions = orjson.dumps([[one.emoji, one.count, one.user_ids] for one in state.reactions]).decode()
    mentions = None if state.mentions is None else orjson.dumps([*state.mentions]).decode()
    cursor.execute(
        f"INSERT OR REPLACE INTO changed (room_id, seq, as_of, {_STATE})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(entry.room_id, seq, entry.seq),
            *state[:4],
            *(reactions, *state.replies, mentions, _previews_column(state.previews)),
        ),
    )


def _replies_after(cursor: apsw.Cursor, entry: Entry, root: int, replies: Replies) -> Replies:
    """Return the replies below a root after one more of them, or after the deletion of one."""
    if entry.kind == Kind.MESSAGE:
        return Replies(replies.number + 1, entry.seq, entry.at)
    number, *last = replies
    if replies.last_seq is not None and entry.data["target"] == replies.last_seq:
        last = _reply_before(cursor, entry.room_id, root, replies.last_seq)
    return Replies(number - 1, *last)


def _reply_before(cursor: apsw.Cursor, room_id: str, root: int, seq: int) -> list[int | None]:
    """Return the seq and the time of the newest reply below a root before `seq` that is not deleted."""
    row: Any = cursor.execute(
        "SELECT seq, at FROM entries INDEXED BY threads WHERE room_id = ?1 AND thread = ?2 AND seq < ?3"
        " AND NOT EXISTS (SELECT 1 FROM changed"
        " WHERE changed.room_id = ?1 AND changed.seq = entries.seq AND deleted_by IS NOT NULL)"
        " ORDER BY seq DESC LIMIT 1",
        (room_id, root, seq),
    ).fetchone()
    return [None, None] if row is None else [*row]


def note_all(cursor: apsw.Cursor) -> None:
    """Apply all entries that are there. The tables must be empty."""
    rows = rows_of(
        cursor,
        f"SELECT {COLUMNS} FROM entries WHERE target IS NOT NULL AND (room_id, target) IN"
        " (SELECT room_id, seq FROM entries WHERE kind = 'message') ORDER BY room_id, seq",
        (),
    )
    for row in rows:
        entry = read_row(row)
        if entry is not None:
            note(cursor, entry)


def _reacted(
    cursor: apsw.Cursor, entry: Entry, target: int, reactions: tuple[Reaction, ...]
) -> tuple[Reaction, ...]:
    """Store a reaction, or take it back, and return the reactions of the message then."""
    emoji, place = str(entry.data["emoji"]), (entry.room_id, target, entry.data["emoji"], entry.user_id)
    now = next((one for one in reactions if one.emoji == emoji), Reaction(emoji, 0, ()))
    if entry.data["added"]:
        cursor.execute(
            "INSERT INTO reactions (room_id, target, emoji, user_id, seq) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (*place, entry.seq),
        )
        count = now.count + cursor.connection.changes()
        ids = (*now.user_ids, entry.user_id) if count > now.count else now.user_ids
    else:
        cursor.execute(
            "DELETE FROM reactions WHERE room_id = ? AND target = ? AND emoji = ? AND user_id = ?", place
        )
        count = now.count - cursor.connection.changes()
        ids = _first_reactors(cursor, entry.room_id, target, emoji)
    changed = Reaction(emoji, count, ids[:SHOWN_REACTORS])
    if not now.count:
        return (*reactions, changed) if count else reactions
    return tuple(changed if one.emoji == emoji else one for one in reactions if count or one.emoji != emoji)


def _first_reactors(cursor: apsw.Cursor, room_id: str, target: int, emoji: str) -> tuple[str, ...]:
    rows: list[Any] = cursor.execute(
        "SELECT user_id FROM reactions WHERE room_id = ? AND target = ? AND emoji = ? ORDER BY seq LIMIT ?",
        (room_id, target, emoji, SHOWN_REACTORS),
    ).fetchall()
    return tuple(user_id for (user_id,) in rows)


def _state(row: Any) -> State:
    body, edited_at, deleted_by, pinned_by, reactions, *replies, mentions, previews = row
    listed = (Reaction(emoji, count, tuple(user_ids)) for emoji, count, user_ids in orjson.loads(reactions))
    return State(
        body,
        edited_at,
        deleted_by,
        pinned_by,
        tuple(listed),
        Replies(*replies),
        mentions and _mentions(mentions),
        NO_PREVIEWS if previews is None else _previews(previews),
    )


def _mentions(text: str) -> Mentions:
    user_ids, everybody = orjson.loads(text)
    return Mentions(tuple(user_ids), everybody)


def _previews_column(previews: LinkPreviews) -> str | None:
    if previews == NO_PREVIEWS:
        return None
    return orjson.dumps([preview_data(previews.items), previews.removed]).decode()


def _previews(text: str) -> LinkPreviews:
    items, removed = orjson.loads(text)
    return LinkPreviews(previews_in({"previews": items}), removed)
