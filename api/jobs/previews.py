"""Shows what is behind the links in messages: follows all rooms, looks at new links, and appends what was found.

Of all nodes one does it, under the lease of the follower. A link is looked at beside the log, so that a slow site keeps
no room waiting. What the end of a node or of its lease interrupts is looked at by whoever goes on, as the follower's
position stays before it meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final, TypeAlias

import structlog

from api.clock import now_ms
from api.errors import TailwireError, Unavailable
from api.jobs.followers import Batch, Follower
from api.jobs.leases import LeaseHolder
from api.jobs.preview_pictures import PreviewParts, PreviewPictures
from api.limits.rates import Buckets, Rate
from api.links.reading import LinkTarget
from api.models.attachments import Attachment, sent_file_in
from api.models.followers import Lease, Start
from api.models.links import links_in
from api.models.log import Draft, Entry, EntryData, Kind, LinkPreview, Message
from api.models.previews import MAX_PREVIEWS, preview_data
from api.store.base.store import Store

Place: TypeAlias = tuple[str, int]
"""The id of a room, and the seq of a message in it."""

A_USER: Final = Rate(per_second=20 / 60, burst=20)
"""So many links of one user are looked at."""
MOST_OF_A_USER: Final = 10
"""So many messages of one user wait at a time."""
MOST_WAITING: Final = 200
"""When so many messages wait, the next one gets no preview."""
OLD_MS: Final = 600_000
"""A message that is older when the follower comes to it gets none: people have read it by then."""
ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 1.0
"""A message is looked at so often while the store does not answer, with these pauses. By then the lease is lost."""
MOST_ENTRIES: Final = 100
"""So many of the entries about the previews of a message are looked at for one that has removed them."""

log = structlog.get_logger("api.links")


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at a message: who wrote it, and the seq of the entry that has told of it."""

    user_id: str
    told_at: int


class PreviewFollower(Follower):
    """The follower `previews`. It begins with what is written from now on. `on_kept` is called when a file is kept."""

    def __init__(
        self, store: Store, leases: LeaseHolder, parts: PreviewParts, on_kept: Callable[[], None]
    ) -> None:
        super().__init__(
            store, leases, "previews", self._handle, start=Start.NOW, under_way=self._first_waiting
        )
        self.reader = parts.reader
        self._rooms = store
        self._pictures = PreviewPictures(store, parts, on_kept)
        self._rates = Buckets(A_USER)
        self._waiting: dict[Place, _Look] = {}
        self._again: set[Place] = set()  # messages that were edited meanwhile
        self._of_user: Counter[str] = Counter()
        self._group = asyncio.TaskGroup()

    async def _follow(self, lease: Lease) -> None:
        """Follow all rooms, and look at links, which ends with the lease."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await super()._follow(lease)
        finally:
            self._waiting.clear()
            self._again.clear()
            self._of_user.clear()

    def _first_waiting(self, room_id: str) -> int | None:
        return min((one.told_at for (of, _), one in self._waiting.items() if of == room_id), default=None)

    async def _handle(self, batch: Batch) -> None:
        for entry in batch.entries:
            if entry.kind in {Kind.MESSAGE, Kind.EDIT}:
                self._note(entry)

    def _note(self, entry: Entry) -> None:
        """Have a new or edited message looked at, if it may have links."""
        is_edit = entry.kind == Kind.EDIT
        seq, body = entry.data.get("target") if is_edit else entry.seq, entry.data.get("body")
        if not isinstance(seq, int) or "://" not in str(body):
            return
        place = entry.room_id, seq
        if place in self._waiting:
            self._again.add(place)
        elif (entry.at or 0) < now_ms() - OLD_MS:
            self.reader.counts["old"] += 1
        elif len(self._waiting) >= MOST_WAITING or self._of_user[entry.user_id] >= MOST_OF_A_USER:
            self.reader.counts["busy"] += 1
        else:
            self._waiting[place] = _Look(entry.user_id, entry.seq)
            self._of_user[entry.user_id] += 1
            self._group.create_task(self._look(place, is_edited=is_edit), name=f"previews {place}")

    async def _look(self, place: Place, *, is_edited: bool) -> None:
        """Look at a message, and once more if it is edited meanwhile. Nothing that fails ends the follower.

        If it is cancelled, the message waits still when the follower stores its last positions.
        """
        try:
            await self._look_patiently(place, is_edited=is_edited)
            while place in self._again:
                self._again.discard(place)
                await self._look_patiently(place, is_edited=True)
        except TailwireError as error:
            log.info("previews_left_out", room_id=place[0], seq=place[1], code=error.code)
        except Exception:
            log.exception("previews_failed", room_id=place[0], seq=place[1])
        self._again.discard(place)
        user_id = self._waiting.pop(place).user_id
        self._of_user[user_id] -= 1
        self._of_user += Counter()  # without those that are 0

    async def _look_patiently(self, place: Place, *, is_edited: bool) -> None:
        """Look at a message, and again while the store does not answer."""
        for _ in range(ATTEMPTS - 1):
            with suppress(Unavailable):
                return await self._look_once(place, is_edited=is_edited)
            await asyncio.sleep(PAUSE_SECONDS)
        return await self._look_once(place, is_edited=is_edited)

    async def _look_once(self, place: Place, *, is_edited: bool) -> None:
        message = await self._readable(place)
        if message is None or (is_edited and await self._were_removed(place)):
            return
        new = [link for link in _links(message) if all(one.url != link for one in message.previews)]
        looked = await asyncio.gather(*(self._looked(message.user_id, link) for link in new))
        await self._show(place, {link: one for link, one in zip(new, looked, strict=True) if one is not None})

    async def _show(self, place: Place, looked: Mapping[str, LinkTarget]) -> None:
        """Give a message, as it is now, the previews of what its links lead to."""
        message = await self._readable(place)
        if message is None:
            return
        shown = {one.url: one for one in message.previews}
        made: list[Attachment] = []
        for link in _links(message):
            if link in looked and link not in shown:
                picture = await self._pictures.keep(message, looked[link].thumb)
                shown[link] = _preview(link, looked[link], picture)
                made += [] if picture is None else [picture]
        previews = tuple(shown[link] for link in _links(message) if link in shown)
        if previews != message.previews:
            await self._append(message, previews, made)

    async def _readable(self, place: Place) -> Message | None:
        """Return a message, unless it is gone, or nothing is written to its room any more."""
        message = await self._rooms.log.message(*place)
        if message is None or message.deleted:
            return None
        room = await self._rooms.rooms.get(message.room_id)
        return None if room is None or room.writable.archived else message

    async def _looked(self, user_id: str, link: str) -> LinkTarget | None:
        if self._rates.take(user_id, monotonic()):
            self.reader.counts["throttled"] += 1
            return None
        return await self.reader.look(link)

    async def _were_removed(self, place: Place) -> bool:
        found = await self._rooms.log.changes_of(*place, Kind.PREVIEW, limit=MOST_ENTRIES)
        return any(entry.data.get("removed") is True for entry in found)

    async def _append(
        self, message: Message, previews: Sequence[LinkPreview], made: Sequence[Attachment]
    ) -> None:
        """Store which previews a message has now, in the name of its author."""
        data: EntryData = {"target": message.seq, "previews": preview_data(previews)}
        draft = Draft(Kind.PREVIEW, message.user_id, message.username, now_ms(), None, data)
        try:
            appended = await self._rooms.log.append(message.room_id, draft)
        except Unavailable:
            raise  # it may be stored: the sweep looks for it
        except TailwireError:
            await self._pictures.give_up(made)
            raise
        if appended.is_new:
            await self._pictures.sent(message, made)
        else:
            await self._pictures.give_up(made)


def _links(message: Message) -> Sequence[str]:
    return links_in(message.body, most=MAX_PREVIEWS)


def _preview(link: str, looked: LinkTarget, picture: Attachment | None) -> LinkPreview:
    shown = None if picture is None else sent_file_in(picture.data)
    return LinkPreview(link, looked.title, looked.description, looked.site_name, shown)
