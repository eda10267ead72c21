"""Keeps changed messages folded on RethinkDB: raises their rows when entries are flushed, and reads them with the tail.

A row is only raised, by its `as_of`: the node computes the new row, and the database compares that the old one is what
it was computed from. So a flush may be repeated, by several nodes at once, and be broken off anywhere.

All of this holds while the head says that its room is `folded` in its epoch. A room of an older version, or of a
database that was set back, is not. Then messages are read by the fold over the log, and a row that is raised takes all
changes of its message from the log. `fold_all` makes what is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from api.errors import Unavailable
from api.models.log import SHOWN_REACTORS, Entry
from api.store.cluster.changed import MAX_RECENT, NEWEST, Changed, Who, reaction_key
from api.store.cluster.changed_query import (
    TARGETS_SLICE,
    changed_in_rooms_query,
    changed_query,
    changes_query,
    folded_query,
    forget_reactions_query,
    raise_query,
    reactions_query,
    replies_query,
    rows_query,
    spill_query,
    targets_query,
    unfolded_query,
)
from api.store.cluster.rows import Reader
from api.store.fold import State, changed_by
from api.store.rethinkdb import Pool, r

MAX_TRIES: Final = 50
"""Rows are read and raised so often while other nodes raise the same ones."""
MAX_APPLIED: Final = 500
"""A row is raised by at most so many entries at once, so that it does not grow long."""
FOLDED_SLICE: Final = 20
"""The changes of so many messages are read from the log by one query."""
FORGOTTEN_SLICE: Final = 1_000
"""One query forgets so many reactions of a message that was deleted."""


class Folded(NamedTuple):
    """Changed messages of a room as they are after the entry `seq` of an epoch, by seq."""

    epoch: str
    seq: int
    messages: Mapping[int, Changed]
    stored: Mapping[tuple[int, Who], int]
    """What `reactions` told of users, by message."""

    def states(self) -> dict[int, State]:
        """Return the states of the messages."""
        return {seq: changed.shown() for seq, changed in self.messages.items()}

    def has_reacted(self, seq: int, who: Who) -> bool:
        """Say whether a user has reacted. Only for the one that was asked for."""
        changed = self.messages.get(seq)
        since = 0 if changed is None else changed.since(who)
        return bool(self.stored.get((seq, who), 0) if since is None else since)


class _Outdated(Exception):
    """Raised where `reactions` knows more than the rows that were read before. They are read again."""


class Folds:
    """Reads and raises the rows of changed messages."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    # -- reading

    async def of(self, room_id: str, seqs: Sequence[int], who: Who | None = None) -> Folded | None:
        """Return those of these messages, which are in order, that are changed; None if only the log can tell.

        With `who`, it can be asked whether that user has reacted.
        """
        for _ in range(MAX_TRIES):
            found = await self._pool.run(changed_query(room_id, seqs))
            with suppress(_Outdated):
                return None if found is None else await self._folded(room_id, seqs, found, who)
        raise Unavailable

    async def of_rooms(self, asked: Mapping[str, Sequence[int]]) -> dict[str, Folded]:
        """Return what `of` returns, by room, for the messages of many rooms, which are in order.

        Rooms are left out where that is None, and where one look was not enough.
        """
        if not asked:
            return {}
        answer = await self._pool.run(changed_in_rooms_query(asked))
        rows: dict[str, list[dict[str, Any]]] = {room_id: [] for room_id in asked}
        for row in answer["rows"]:
            rows[row["id"][0]].append(row)
        known: dict[str, Folded] = {}
        for head in answer["heads"]:
            room_id = head["id"]
            with suppress(_Outdated):
                found = head | {"rows": rows[room_id]}
                if (folded := await self._folded(room_id, asked[room_id], found, None)) is not None:
                    known[room_id] = folded
        return known

    async def _folded(
        self, room_id: str, seqs: Sequence[int], found: dict[str, Any], who: Who | None
    ) -> Folded | None:
        """Return what an answer of `changed_query` tells. Raises `_Outdated`."""
        messages = self._read(found["rows"])
        epoch = found["epoch"]
        if found.get("folded") != epoch or len(messages) < len(found["rows"]):
            return None
        if any(changed.epoch != epoch for changed in messages.values()):
            return None  # the epoch has just begun
        wanted, entries = {*seqs}, dict[int, list[Entry]]()
        for entry in self._reader.entries(found["tail"]):
            for seq in changed_by(entry):
                if seq in wanted:
                    entries.setdefault(seq, []).append(entry)
        for seq in entries:
            messages.setdefault(seq, Changed(room_id, seq, epoch))
        return Folded(epoch, found["seq"], messages, await self._apply(messages, entries, who))

    async def reactions(self, room_id: str, seq: int, emoji: str, after: int, limit: int) -> list[int] | None:
        """Return the seqs above `after` of the reactions with an emoji that stand, in order; None as `of` does."""
        found = await self.of(room_id, [seq])
        if found is None:
            return None
        changed = found.messages.get(seq)
        of = None if changed is None else changed.reactors.get(emoji)
        if changed is None or of is None:
            return []
        seqs = [one for _, one in of.first if one > after]
        if not of.is_whole and len(seqs) < limit:
            stored = await self._stored(changed, emoji, max(after, of.after), limit + len(changed.recent))
            seqs += [one for _, one in changed.others(emoji, stored) if one > after]
        return seqs[:limit]

    def _read(self, rows: Iterable[Any]) -> dict[int, Changed]:
        return {changed.seq: changed for changed in self._reader.read(rows, Changed.read)}

    async def _apply(
        self, messages: Mapping[int, Changed], entries: Mapping[int, list[Entry]], who: Who | None = None
    ) -> dict[tuple[int, Who], int]:
        """Apply entries to messages, and return what `reactions` told. Raises `_Outdated`."""
        as_of = {seq: changed.as_of for seq, changed in messages.items()}
        unknown = {
            reaction_key(changed, one): (seq, one)
            for seq, changed in messages.items()
            for one in changed.unknown(entries.get(seq, ()), who)
        }
        stored: dict[tuple[int, Who], int] = {}
        if unknown:
            answer = await self._pool.run(reactions_query(list(unknown), []))
            for row in answer["keys"]:
                seq, one = unknown[row["id"]]
                if row["as_of"] > as_of[seq]:
                    raise _Outdated
                stored[seq, one] = row["place"][-1]
        for seq, changes in entries.items():
            changed = messages[seq]
            changed.apply(changes, {one: since for (of, one), since in stored.items() if of == seq})
        for seq, changed in messages.items():
            for emoji in changed.short():
                limit = SHOWN_REACTORS + len(changed.recent)
                after = changed.reactors[emoji].after
                changed.refill(emoji, await self._stored(changed, emoji, after, limit, as_of[seq]))
            if changed.lacks_replies:
                limit = NEWEST + len(changed.gone)
                asked = replies_query(changed.room_id, seq, changed.as_of, limit)
                newest = self._reader.entries(await self._pool.run(asked))
                changed.refill_replies((reply.seq, reply.at or 0) for reply in newest)
        return stored

    async def _stored(
        self, changed: Changed, emoji: str, after: int, limit: int, as_of: int | None = None
    ) -> list[tuple[str, int]]:
        """Return users of `reactions` whose reaction with an emoji stands since a seq above `after`, and these seqs."""
        place = [changed.room_id, changed.seq, changed.epoch, emoji]
        answer = await self._pool.run(reactions_query([], [[place, after, limit]]))
        rows = answer["ranges"][0]
        if as_of is not None and any(row["as_of"] > as_of for row in rows):
            raise _Outdated
        return [(row["user_id"], row["place"][-1]) for row in rows]

    # -- raising

    async def note(self, room_id: str, epoch: str, changes: Mapping[int, list[Entry]], until: int) -> None:
        """Raise the rows of messages by flushed entries that change them, given by the message, in order of their seqs.

        All entries up to the seq `until` must be in `batches`, and those before the given ones must be in the rows, or
        the room must not be `folded`. Raises `Unavailable`, also if the epoch of the room is another.
        """
        left, is_whole, tries = dict(changes), False, 0
        while left:
            answer = await self._pool.run(rows_query(room_id, list(left)))
            if answer is None or answer["epoch"] != epoch or tries > MAX_TRIES:
                raise Unavailable
            rows = self._read(answer["rows"])
            if not is_whole and (answer.get("folded") != epoch or len(rows) < len(answer["rows"])):
                left, is_whole = await self._logged(room_id, list(left), until), True
            for seq in left:
                if seq not in rows or rows[seq].epoch != epoch:
                    rows[seq] = Changed(room_id, seq, epoch)
            left = {
                seq: new
                for seq, entries in left.items()
                if (new := [entry for entry in entries if entry.seq > rows[seq].as_of])
            }
            replaced = {row["id"][1]: [row.get("epoch"), row.get("as_of")] for row in answer["rows"]}
            if await self._raise({seq: rows[seq] for seq in left}, left, replaced):
                left = {seq: rest for seq, entries in left.items() if (rest := entries[MAX_APPLIED:])}
            else:
                tries += 1

    async def _raise(
        self, rows: dict[int, Changed], changes: dict[int, list[Entry]], replaced: dict[int, Any]
    ) -> bool:
        """Raise rows by at most `MAX_APPLIED` entries each. Returns False if one is no longer what it was."""
        if not rows:
            return True
        spilled = [one for row in rows.values() if len(row.recent) > MAX_RECENT for one in row.spill()]
        if spilled:
            await self._pool.write(spill_query(spilled))
        has_others = [row for row in rows.values() if any(of.is_spilled for of in row.reactors.values())]
        try:
            await self._apply(rows, {seq: entries[:MAX_APPLIED] for seq, entries in changes.items()})
        except _Outdated:
            return False
        raised = [row.row() | {"was": replaced.get(seq)} for seq, row in rows.items()]
        if (await self._pool.write(raise_query(raised)))["unchanged"]:
            return False
        for row in has_others:
            if row.state.deleted_by is not None:
                await self._forget_reactions(row)
        return True

    async def _forget_reactions(self, changed: Changed) -> None:
        query = forget_reactions_query(changed.room_id, changed.seq, FORGOTTEN_SLICE)
        while (await self._pool.write(query))["deleted"] >= FORGOTTEN_SLICE:
            pass

    async def _logged(self, room_id: str, seqs: list[int], until: int) -> dict[int, list[Entry]]:
        """Return all entries of the log up to `until` that change these messages, by message."""
        rows = await self._pool.run(changes_query(room_id, seqs, until))
        changes: dict[int, list[Entry]] = {seq: [] for seq in seqs}
        found = {entry.seq: entry for entry in self._reader.entries(rows)}
        for _, entry in sorted(found.items()):
            for seq in changed_by(entry):
                if seq in changes:
                    changes[seq].append(entry)
        return changes

    # -- rooms that are not folded

    async def fold_all(self) -> None:
        """Make the rows of all rooms that are not `folded`. May be repeated, also by several nodes at once."""
        last: Any = r.minval
        while last is not None:
            answer = await self._pool.run(unfolded_query(last))
            heads = answer["heads"]
            if plain := {head["id"]: head["epoch"] for head in heads if not head["has_changes"]}:
                await self._pool.write(folded_query(plain))
            for head in heads:
                if head["has_changes"]:
                    await self._fold(head["id"], head["epoch"], head["flushed"])
            last = answer["last"]

    async def _fold(self, room_id: str, epoch: str, flushed: int) -> None:
        for after in range(0, flushed, TARGETS_SLICE):
            found = await self._pool.read(targets_query(room_id, after))
            seqs = sorted(seq for seq in found if type(seq) is int)
            for n in range(0, len(seqs), FOLDED_SLICE):
                await self.note(room_id, epoch, {seq: [] for seq in seqs[n : n + FOLDED_SLICE]}, flushed)
        await self._pool.write(folded_query({room_id: epoch}))
