"""Decides what becomes of entries that change or answer a message, by what the message is by now."""

import asyncio
from typing import Any, Final, NamedTuple

from api.errors import Deleted, EpochChanged, Invalid, NotFound, TailwireError
from api.models.log import MAX_EMOJI, MAX_PINS, Appended, Draft, Entry, Kind
from api.store.cluster.answered import AnsweredMessages
from api.store.cluster.append_query import MAX_SAFE_SEQ
from api.store.cluster.batches import rows_at
from api.store.cluster.changed import Who
from api.store.cluster.pages import Looked, Pages
from api.store.cluster.pins import Pins
from api.store.cluster.queries import heads_table
from api.store.cluster.rows import Reader, is_key, row_of
from api.store.cluster.waiting import Guard
from api.store.loader import Loader
from api.store.rethinkdb import Pool, Prepared, r
from api.store.ruling import Ruling, Target, completed, is_new_emoji, is_new_pin, require_few_mentions, ruling

ONLY_IF_STORED: Final = Guard(epoch="", as_of=0, kind="", target=None, spare=0)
"""Under this guard an append only finds what is stored already, as no epoch has this name."""


class Accepted(NamedTuple):
    """A draft that is to be appended, with what its target adds to it, and the guards under which it may be."""

    draft: Draft
    guards: tuple[Guard, ...]


class Targets:
    """Looks at the targets of drafts before these are appended."""

    def __init__(
        self, pool: Pool, reader: Reader, pages: Pages, pins: Pins, answered: AnsweredMessages
    ) -> None:
        self._reader = reader
        self._answered = answered
        self._pool = pool
        self._pages = pages
        self._looks: Loader[tuple[str, int], Looked] = Loader(self._look_at)
        self._pins = pins

    async def close(self) -> None:
        """Cancel the looks that are under way. Callers that wait get `Unavailable`."""
        await self._looks.close()

    async def decide(
        self, room_id: str, draft: Draft, seq: int | None, epoch: str | None
    ) -> Appended | Accepted:
        """Return the entry that stands in the place of a draft that changes or answers the message at `seq`, if any.

        If there is none, the draft is to be appended. An append also finds an entry that was stored under its ref.
        Raises what `ruling` raises, `EpochChanged` if `epoch` is given and is not the room's, and `NotFound` if the
        target is no message.
        """
        if seq is None:
            return await self._message(room_id, draft, epoch)
        if draft.kind is Kind.MESSAGE:
            return await self._answer(room_id, draft, seq, epoch)
        return await self._change(room_id, draft, seq, epoch)

    async def _message(self, room_id: str, draft: Draft, epoch: str | None) -> Accepted:
        guards = await self._only_in(room_id, epoch)
        try:
            require_few_mentions(draft)
        except Invalid as error:
            return await self._if_stored(room_id, draft, error)
        return Accepted(draft, guards)

    async def _answer(self, room_id: str, draft: Draft, seq: int, epoch: str | None) -> Accepted:
        try:
            answered = await self._answered.get(room_id, seq)
            if epoch is not None and epoch != answered.guard.epoch:
                raise EpochChanged
            whole = completed(draft, answered.entry)
            require_few_mentions(whole)
        except (Deleted, Invalid, NotFound) as error:
            await self._only_in(room_id, epoch)
            return await self._if_stored(room_id, draft, error)
        return Accepted(whole, (answered.guard,))

    async def _change(self, room_id: str, draft: Draft, seq: int, epoch: str | None) -> Appended | Accepted:
        who = Who(str(draft.data["emoji"]), draft.user_id) if draft.kind is Kind.REACTION else None
        if who is None:
            target = await self._looks.load((room_id, seq))
        else:
            target = (await self._pages.look_at(room_id, [seq], who)).get(seq)
        if target is None:
            raise NotFound
        if epoch is not None and epoch != target.epoch:
            raise EpochChanged
        message = target.message
        pin_count = len(await self._pins.of_room(room_id)) if draft.kind is Kind.PIN else 0
        try:
            if message is None:
                raise NotFound
            standing = await self._standing(draft, message, target, pin_count)
            whole = completed(draft, message)
            require_few_mentions(whole)
        except TailwireError as error:
            return await self._if_stored(room_id, draft, error)
        if standing is None:
            return Accepted(whole, _guards(draft, target, seq, pin_count))
        if await self.is_stored(room_id, draft):
            return Accepted(draft, (ONLY_IF_STORED,))
        return Appended(standing, target.epoch, is_new=False)

    async def _look_at(self, places: list[tuple[str, int]]) -> dict[tuple[str, int], Looked]:
        """Look at messages of one or many rooms, of each room by the same queries."""
        seqs: dict[str, list[int]] = {}
        for room_id, seq in sorted(places):
            seqs.setdefault(room_id, []).append(seq)
        looks = await asyncio.gather(*(self._pages.look_at(room_id, seqs[room_id]) for room_id in seqs))
        return {
            (room_id, seq): looked
            for room_id, found in zip(seqs, looks, strict=True)
            for seq, looked in found.items()
        }

    async def _standing(self, draft: Draft, message: Entry, looked: Looked, pin_count: int) -> Entry | None:
        """Return the entry that stands in the place of a draft, or None if the draft is to be stored."""
        target = Target(message, looked.state, has_reacted=looked.has_reacted, pin_count=pin_count)
        match ruling(draft, target):
            case Ruling.STORE:
                return None
            case Ruling.NOTHING:
                return message
            case Ruling.DELETED_BEFORE:
                deleted_by = looked.state.deleted_by or 0
                return (await self._pages.log(message.room_id, deleted_by - 1, 1))[0]

    async def _only_in(self, room_id: str, epoch: str | None) -> tuple[Guard, ...]:
        """Return the guards under which an append stores nothing in a room with another epoch."""
        if epoch is None:
            return ()
        head = (await self._pages.heads([room_id])).get(room_id)
        if head is None:
            raise NotFound
        if head.epoch != epoch:
            raise EpochChanged
        return (Guard(epoch, MAX_SAFE_SEQ, kind="", target=None, spare=0),)

    async def _if_stored(self, room_id: str, draft: Draft, error: TailwireError) -> Accepted:
        """Return a draft as one that an append only finds. If it is not stored, raises the error that forbids it."""
        if await self.is_stored(room_id, draft):
            return Accepted(draft, (ONLY_IF_STORED,))
        raise error

    async def is_stored(self, room_id: str, draft: Draft) -> bool:
        """Say whether an entry is stored under a draft's ref."""
        if draft.ref is None:
            return False
        id_ = row_of(room_id, draft)["id"]
        return bool(await self._pool.run(_STORED({"room_id": room_id, "id": id_})))

    async def sent_as(self, room_id: str, user_id: str, ref: str) -> Entry | None:
        """Return the entry of a user in a room under a ref."""
        if not is_key(room_id):
            return None
        id_ = row_of(room_id, Draft(Kind.MESSAGE, user_id, "", 0, ref, {}))["id"]
        found = await self._pool.run(_FOUND({"room_id": room_id, "id": id_}))
        rows = found["tail"]
        if not rows and found["places"]:
            rows = await self._pool.run(rows_at(found["places"]))
        mine = [row for row in rows if isinstance(row, dict) and row.get("id") == id_]
        entries = self._reader.entries([row for row in mine if row.get("room_id") == room_id])
        return entries[0] if entries else None


def _guards(draft: Draft, looked: Looked, target: int, pin_count: int) -> tuple[Guard, ...]:
    """Return what must hold when a draft is stored, for the ruling to be what it is now."""
    state = looked.state
    guards = [Guard(looked.epoch, looked.as_of, Kind.DELETE.value, target, spare=0)]
    if is_new_emoji(draft, state):
        spare = MAX_EMOJI - len(state.reactions) - 1
        guards.append(Guard(looked.epoch, looked.as_of, Kind.REACTION.value, target, spare))
    if is_new_pin(draft, state):
        spare = MAX_PINS - pin_count - 1
        guards.append(Guard(looked.epoch, looked.as_of, Kind.PIN.value, None, spare))
    if draft.kind is Kind.PREVIEW:
        later = (Kind.PREVIEW, Kind.EDIT)
        guards += (Guard(looked.epoch, looked.as_of, kind.value, target, spare=0) for kind in later)
    return tuple(guards)


def _stored(given: Any) -> Any:
    # The head is read first, as the refs of what its tail no longer carries are in `refs`.
    tail = heads_table().get(given["room_id"])["tail"].filter({"id": given["id"]}).count()
    return tail.do(
        lambda count: (count > 0) | r.table("refs", read_mode="majority").get(given["id"]).ne(None)
    )


def _found(given: Any) -> Any:
    # The head is read first, as the refs of what its tail no longer carries are in `refs`.
    tail = heads_table().get(given["room_id"])["tail"].filter({"id": given["id"]}).default([])
    places = r.table("refs", read_mode="majority").get(given["id"])["places"].default([])
    return tail.do(lambda rows: {"tail": rows, "places": places})


_STORED: Final = Prepared(_stored)
_FOUND: Final = Prepared(_found)
