"""Decides what becomes of entries that change a message, by what has changed the message so far."""

from typing import Any, Final

from api.errors import EpochChanged, NotFound, TailwireError
from api.models.log import MAX_EMOJI, MAX_PINS, Appended, Draft, Entry, Kind
from api.store.cluster.pages import Looked, Pages
from api.store.cluster.pins import Pins
from api.store.cluster.queries import heads_table
from api.store.cluster.rows import row_of
from api.store.cluster.waiting import Guard
from api.store.fold import Changes, State
from api.store.rethinkdb import Pool, Prepared, r
from api.store.ruling import Ruling, Target, is_new_emoji, is_new_pin, ruling

ONLY_IF_STORED: Final = Guard(epoch="", as_of=0, kind="", target=None, spare=0)
"""Under this guard an append only finds what is stored already, as no epoch has this name."""


class Targets:
    """Looks at the targets of drafts before these are appended."""

    def __init__(self, pool: Pool, pages: Pages, pins: Pins) -> None:
        self._pool = pool
        self._pages = pages
        self._pins = pins

    async def decide(
        self, room_id: str, draft: Draft, seq: int, epoch: str | None
    ) -> Appended | tuple[Guard, ...]:
        """Return the entry that stands in the place of a draft that changes the message at `seq`.

        If the draft is to be appended, return the guards under which it may be. An append also finds an entry that was
        stored under its ref. Raises what `ruling` raises, `EpochChanged` if `epoch` is given and is not the room's, and
        `NotFound` if the target is no message.
        """
        target = await self._pages.look_at(room_id, seq)
        if target is None:
            raise NotFound
        if epoch is not None and epoch != target.epoch:
            raise EpochChanged
        pin_count = len(await self._pins.of_room(room_id)) if draft.kind is Kind.PIN else 0
        changes = Changes.by(target.changes)
        try:
            standing = _standing(draft, target, changes, pin_count)
        except TailwireError:
            if await self._is_stored(room_id, draft):
                return (ONLY_IF_STORED,)
            raise
        if standing is None:
            return _guards(draft, target, changes.state(), pin_count)
        if await self._is_stored(room_id, draft):
            return (ONLY_IF_STORED,)
        return Appended(standing, target.epoch, is_new=False)

    async def _is_stored(self, room_id: str, draft: Draft) -> bool:
        """Say whether an entry is stored under a draft's ref."""
        if draft.ref is None:
            return False
        id_ = row_of(room_id, draft)["id"]
        return bool(await self._pool.run(_STORED({"room_id": room_id, "id": id_})))


def _standing(draft: Draft, looked: Looked, changes: Changes, pin_count: int) -> Entry | None:
    if looked.message is None:
        raise NotFound
    has_reacted = changes.has_reaction(str(draft.data.get("emoji")), draft.user_id)
    match ruling(draft, Target(looked.message, changes.state(), has_reacted, pin_count)):
        case Ruling.STORE:
            return None
        case Ruling.NOTHING:
            return looked.message
        case Ruling.DELETED_BEFORE:
            return next(change for change in looked.changes if change.kind == Kind.DELETE)


def _guards(draft: Draft, looked: Looked, state: State, pin_count: int) -> tuple[Guard, ...]:
    """Return what must hold when a draft is stored, for the ruling to be what it is now."""
    target = draft.data["target"] if isinstance(draft.data["target"], int) else None
    guards = [Guard(looked.epoch, looked.as_of, Kind.DELETE.value, target, spare=0)]
    if is_new_emoji(draft, state):
        spare = MAX_EMOJI - len(state.reactions) - 1
        guards.append(Guard(looked.epoch, looked.as_of, Kind.REACTION.value, target, spare))
    if is_new_pin(draft, state):
        spare = MAX_PINS - pin_count - 1
        guards.append(Guard(looked.epoch, looked.as_of, Kind.PIN.value, None, spare))
    return tuple(guards)


def _stored(given: Any) -> Any:
    # The head is read first, as the refs of what its tail no longer carries are in `refs`.
    tail = heads_table().get(given["room_id"])["tail"].filter({"id": given["id"]}).count()
    return tail.do(
        lambda count: (count > 0) | r.table("refs", read_mode="majority").get(given["id"]).ne(None)
    )


_STORED: Final = Prepared(_stored)
