"""Shows what is behind the links in messages: follows all rooms, looks at new links, and appends what was found.

Of all nodes one does it, under the lease of the follower. A link is looked at beside the log, so that a slow site keeps
no room waiting. What a crash interrupts is left out: a preview is no part of what was said.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
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
from api.models.followers import Start
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
MOST_ENTRIES: Final = 100
"""So many of the entries about the previews of a message are looked at for one that has removed them."""

log = structlog.get_logger("api.links")


class PreviewFollower(Follower):
    """The follower `previews`. It begins with what is written from now on. `on_kept` is called when a file is kept."""

    def __init__(
        self, store: Store, leases: LeaseHolder, parts: PreviewParts, on_kept: Callable[[], None]
    ) -> None:
        super().__init__(store, leases, "previews", self._handle, start=Start.NOW)
        self.reader = parts.reader
        self._rooms = store
        self._pictures = PreviewPictures(store, parts, on_kept)
        self._rates = Buckets(A_USER)
        self._waiting: dict[Place, str] = {}  # by message: its author
        self._again: set[Place] = set()  # messages that were edited meanwhile
        self._of_user: Counter[str] = Counter()
        self._group = asyncio.TaskGroup()

    async def run(self) -> None:
        """Follow all rooms, and look at links. Raises `Unavailable`."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await super().run()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

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
            self._waiting[place] = entry.user_id
            self._of_user[entry.user_id] += 1
            self._group.create_task(self._look(place, is_edited=is_edit), name=f"previews {place}")

    async def _look(self, place: Place, *, is_edited: bool) -> None:
        """Look at a message, and once more if it is edited meanwhile. Nothing that fails ends the follower."""
        try:
            await self._look_once(place, is_edited=is_edited)
            while place in self._again:
                self._again.discard(place)
                await self._look_once(place, is_edited=True)
        except TailwireError as error:
            log.info("previews_left_out", room_id=place[0], seq=place[1], code=error.code)
        except Exception:
            log.exception("previews_failed", room_id=place[0], seq=place[1])
        finally:
            self._again.discard(place)
            user_id = self._waiting.pop(place)
            self._of_user[user_id] -= 1
            self._of_user += Counter()  # without those that are 0

    async def _look_once(self, place: Place, *, is_edited: bool) -> None:
        message = await self._rooms.log.message(*place)
        if message is None or message.deleted or (is_edited and await self._were_removed(place)):
            return
        room = await self._rooms.rooms.get(message.room_id)
        if room is None or room.writable.archived:
            return
        links = links_in(message.body, most=MAX_PREVIEWS)
        had = {one.url: one for one in message.previews}
        new = [link for link in links if link not in had]
        looked = await asyncio.gather(*(self._looked(message.user_id, link) for link in new))
        made: list[Attachment] = []
        for link, one in zip(new, looked, strict=True):
            if one is not None:
                picture = await self._pictures.keep(message, one.thumb)
                had[link] = _preview(link, one, picture)
                made += [] if picture is None else [picture]
        previews = tuple(had[link] for link in links if link in had)
        if previews != message.previews:
            await self._append(message, previews, made)

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


def _preview(link: str, looked: LinkTarget, picture: Attachment | None) -> LinkPreview:
    shown = None if picture is None else sent_file_in(picture.data)
    return LinkPreview(link, looked.title, looked.description, looked.site_name, shown)
