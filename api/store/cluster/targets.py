"""Decides what becomes of entries that change a message, by what has changed the message so far."""

from typing import Any, Final

from api.errors import EpochChanged, NotFound, TailwireError
from api.models.log import Appended, Draft, Entry, Kind
from api.store.cluster.pages import Looked, Pages
from api.store.cluster.pins import Pins
from api.store.cluster.queries import heads_table
from api.store.cluster.rows import row_of
from api.store.fold import Changes
from api.store.rethinkdb import Pool, Prepared, r
from api.store.ruling import Ruling, Target, ruling


class Targets:
    """Looks at the targets of drafts before these are appended."""

    def __init__(self, pool: Pool, pages: Pages, pins: Pins) -> None:
        self._pool = pool
        self._pages = pages
        self._pins = pins

    async def standing(self, room_id: str, draft: Draft, seq: int, epoch: str | None) -> Appended | None:
        """Return the entry that stands in the place of a draft that changes the message at `seq`.

        Return None if the draft is to be appended, which also finds an entry that was stored under its ref. Raises what
        `ruling` raises, `EpochChanged` if `epoch` is given and is not the room's, and `NotFound` if the target is no
        message.
        """
        target = await self._pages.look_at(room_id, seq)
        if target is None:
            raise NotFound
        if epoch is not None and epoch != target.epoch:
            raise EpochChanged
        pin_count = len(await self._pins.of_room(room_id)) if draft.kind is Kind.PIN else 0
        try:
            found = _standing(draft, target, pin_count)
        except TailwireError:
            if await self._is_stored(room_id, draft):
                return None
            raise
        if found is None or await self._is_stored(room_id, draft):
            return None
        return Appended(found, target.epoch, is_new=False)

    async def _is_stored(self, room_id: str, draft: Draft) -> bool:
        """Say whether an entry is stored under a draft's ref."""
        if draft.ref is None:
            return False
        id_ = row_of(room_id, draft, draft, None)["id"]
        return bool(await self._pool.run(_STORED({"room_id": room_id, "id": id_})))


def _standing(draft: Draft, looked: Looked, pin_count: int) -> Entry | None:
    if looked.message is None:
        raise NotFound
    changes = Changes.by(looked.changes)
    has_reacted = changes.has_reaction(str(draft.data.get("emoji")), draft.user_id)
    match ruling(draft, Target(looked.message, changes.state(), has_reacted, pin_count)):
        case Ruling.STORE:
            return None
        case Ruling.NOTHING:
            return looked.message
        case Ruling.DELETED_BEFORE:
            return next(change for change in looked.changes if change.kind == Kind.DELETE)


def _stored(given: Any) -> Any:
    # The head is read first, as the refs of what its tail no longer carries are in `refs`.
    tail = heads_table().get(given["room_id"])["tail"].filter({"id": given["id"]}).count()
    return tail.do(
        lambda count: (count > 0) | r.table("refs", read_mode="majority").get(given["id"]).ne(None)
    )


_STORED: Final = Prepared(_stored)
