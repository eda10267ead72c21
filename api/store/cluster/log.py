"""Keeps the logs of all rooms on RethinkDB: checks what is appended, and reads entries and messages."""

# ruff: noqa: D102 - the promises stand in `LogStore`

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from api.errors import Unavailable
from api.models.kinds import KINDS
from api.models.log import (
    Appended,
    Draft,
    End,
    Entry,
    Head,
    History,
    Kind,
    Message,
    News,
    Stretch,
    Timeline,
)
from api.models.page import Page
from api.models.rooms import Member
from api.store.base.log import LogStore, MessagePlace
from api.store.cluster.acting import AllowedKinds
from api.store.cluster.answered import AnsweredMessages
from api.store.cluster.appender import Appender
from api.store.cluster.batches import messages_by
from api.store.cluster.epochs import ClusterEpochs
from api.store.cluster.flusher import Flusher
from api.store.cluster.messages import Messages
from api.store.cluster.news import RoomNews
from api.store.cluster.pages import Pages
from api.store.cluster.pins import Pins
from api.store.cluster.rows import Reader, is_key
from api.store.cluster.stretches import Stretches
from api.store.cluster.targets import Targets
from api.store.cluster.waiting import Seen, TargetChanged
from api.store.reactors import reactors, start
from api.store.rethinkdb import Pool
from api.store.ruling import has_few_mentions, seq_of_target
from api.store.shape import require_appendable, require_shape

MAX_LOOKS: Final = 20
"""A target is looked at this often while it keeps changing."""


class ClusterLog(LogStore):
    """The logs of all rooms: the appender writes them, the pages read them."""

    def __init__(
        self,
        pool: Pool,
        reader: Reader,
        *,
        allowed: AllowedKinds,
        appender: Appender,
        flusher: Flusher,
        pages: Pages,
        messages: Messages,
        news: RoomNews,
        stretches: Stretches,
        pins: Pins,
        answered: AnsweredMessages,
        epochs: ClusterEpochs,
    ) -> None:
        self._pool = pool
        self._allowed = allowed
        self._appender = appender
        self._flusher = flusher
        self._pages = pages
        self._messages = messages
        self._news = news
        self._stretches = stretches
        self._pins = pins
        self._targets = Targets(pool, reader, pages, pins, answered)
        self._epochs = epochs

    async def close(self) -> None:
        """Cancel what is under way for appends that have not begun yet."""
        await self._targets.close()

    async def append(
        self, room_id: str, draft: Draft, *, author: Member | None = None, epoch: str | None = None
    ) -> Appended:
        require_appendable(draft)
        require_shape(draft)
        await self._allowed.require(draft.kind)
        appended = await self._decided(room_id, draft, author, epoch)
        self._epochs.note(room_id, appended.epoch, appended.entry.seq)
        place = room_id, appended.epoch, appended.entry.seq
        if KINDS[draft.kind].erases and not await self._flusher.carry_out(*place):  # which erases the bodies
            raise Unavailable("an entry before it is for nodes of a newer version to carry out")
        return appended

    async def _decided(
        self, room_id: str, draft: Draft, author: Member | None, epoch: str | None
    ) -> Appended:
        seen = None if author is None else Seen(author.as_of, frozenset({author.user_id}))
        seq = seq_of_target(draft)
        if seq is None and epoch is None and has_few_mentions(draft):
            return await self._appender.append(room_id, draft, seen=seen)
        for _ in range(MAX_LOOKS):
            decided = await self._targets.decide(room_id, draft, seq, epoch)
            if isinstance(decided, Appended):
                return decided
            with suppress(TargetChanged):
                return await self._appender.append(room_id, decided.draft, seen=seen, guards=decided.guards)
        raise Unavailable

    async def is_stored(self, room_id: str, draft: Draft) -> bool:
        return await self._targets.is_stored(room_id, draft)

    async def sent_as(self, room_id: str, user_id: str, ref: str) -> Entry | None:
        return await self._targets.sent_as(room_id, user_id, ref)

    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        heads = await self._pages.heads(room_ids)
        for head in heads.values():
            self._epochs.note(head.room_id, head.epoch, head.seq)
        return heads

    async def ends(self, room_ids: Sequence[str]) -> dict[str, End]:
        ends = await self._stretches.ends(room_ids)
        for end in ends.values():
            self._epochs.note(end.head.room_id, end.head.epoch, end.head.seq)
        return ends

    async def stretches(self, wanted: Sequence[Stretch]) -> list[list[Entry]]:
        return await self._stretches.read(wanted)

    async def entries(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        return await self._pages.log(room_id, after, limit)

    async def news(self, after: Mapping[str, int], *, limit: int) -> list[News]:
        return await self._news.read(after, limit)

    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        return await self._pages.history(room_id, before, after, limit)

    async def timeline(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> Timeline:
        return await self._pages.timeline(room_id, before, after, limit)

    async def thread(self, room_id: str, root: int, *, after: int, limit: int) -> History:
        return await self._pages.thread(room_id, root, after, limit)

    async def changes_of(
        self, room_id: str, seq: int, kind: Kind, *, after: int = 0, limit: int
    ) -> list[Entry]:
        return await self._pages.changes_of(room_id, seq, kind, after, limit)

    async def reactors(
        self, room_id: str, seq: int, emoji: str, *, cursor: str | None, limit: int
    ) -> Page[Entry]:
        after = start(room_id, seq, emoji, cursor)
        changes = await self._pages.reactions(room_id, seq, emoji, after, limit + 1)
        return reactors(room_id, seq, emoji, changes, cursor, limit)

    async def messages_by(self, room_id: str, user_id: str, *, since: int, limit: int) -> list[int]:
        if not (is_key(room_id) and is_key(user_id)):
            return []
        await self._flusher.flush(room_id)  # only flushed entries are found
        return await self._pool.read(messages_by(room_id, user_id, since, limit))

    async def pins(self, room_id: str) -> list[Message]:
        seqs = await self._pins.of_room(room_id)
        found = await self._messages.at((room_id, seq) for seq in seqs)
        pinned = [found[room_id, seq] for seq in seqs if (room_id, seq) in found]
        return [message for message in pinned if not message.deleted]

    async def messages(self, places: Sequence[MessagePlace]) -> dict[MessagePlace, Message]:
        return await self._messages.at(places)
