"""Subscribes connections to rooms: replays the entries that a client missed, then makes it live."""

import asyncio
from typing import Final, Literal

from api.errors import Invalid, NotFound, TailwireError, Unavailable
from api.limits.answers import Answers
from api.limits.throttles import Throttles
from api.models.log import Head
from api.protocol.close_codes import CloseCode
from api.protocol.commands import Subscribe
from api.protocol.events import encode, position_event
from api.protocol.fields import Position
from api.realtime.connection import REPLAY_BYTES, Closed, Connection
from api.realtime.hub import Hub
from api.realtime.old_pages import is_stuck, note_replay
from api.realtime.replay import Replay, chunks
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.store.reads import BatchedReads

REPLAY_RETRY_SECONDS: Final = 0.5


class Subscriptions:
    """Carries out `subscribe` commands."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        reads: BatchedReads,
        replay: Replay,
        hub: Hub,
        members: MemberService,
        throttles: Throttles,
        answers: Answers,
        *,
        most: int,
    ) -> None:
        self._reads = reads
        self._replay = replay
        self._hub = hub
        self._members = members
        self._throttles = throttles
        self._answers = answers
        self._most = most

    async def subscribe(self, connection: Connection, command: Subscribe) -> None:
        """Subscribe a connection and replay the entries it missed. Raises an error only before the ack was enqueued."""
        room_id = command.room_id
        if room_id not in connection.rooms and len(connection.rooms) >= self._most:
            raise Invalid("Too many subscriptions on one connection", code="limit")
        if command.since is not None:
            self._answers.require_memory(connection.identity.user.id)
            self._throttles.resume(connection.identity.user.id, room_id)
        progress = _Progress(connection, command)
        while connection.is_open:
            try:
                if await self._replay_once(progress):
                    return
            except Unavailable:
                # Before the ack, the client gets the error. After it, the subscription has been promised, so it is
                # tried again until the store is back.
                if not progress.acked:
                    self._hub.unsubscribe(connection, room_id)
                    raise
                await asyncio.sleep(REPLAY_RETRY_SECONDS)
            except TailwireError:
                self._hub.unsubscribe(connection, room_id)
                if progress.acked:
                    return  # the user was removed from the room, and `membership` has said so
                raise

    async def _replay_once(self, progress: "_Progress") -> bool:
        """Subscribe, replay and go live. Return False if the hub removed the subscription meanwhile: begin again."""
        connection, room_id = progress.connection, progress.command.room_id
        # The order matters. Subscribing before reading the head ensures that no entry is missed in between: the hub
        # gets it. Reading the head before the membership ensures that a removed user is given nothing from after the
        # removal: either the membership is gone already, or the removal's entry comes after this head. The replay
        # reads no further than the head or the hub's position, so it never passes a removal that the feed has yet to
        # report.
        self._hub.subscribe(connection, room_id)
        head = await self._reads.head(room_id)
        await self._members.require(room_id, connection.identity.user.id, Operation.SUBSCRIBE)
        if head is None:
            raise NotFound
        self._hub.admit(connection, room_id)
        progress.begin(head)
        while not (progress.seq >= head.seq and self._hub.go_live(connection, room_id, progress.seq)):
            if not self._hub.is_replaying(connection, room_id):
                return False
            until = max(head.seq, self._hub.position(room_id))
            await self._replay_page(progress, until)
        progress.announce_live()
        return True

    async def _replay_page(self, progress: "_Progress", until: int) -> None:
        """Send the next page of a replay. What a slow client has not taken of it counts as under way to its user.

        It stops where the hub has removed the subscription meanwhile: who was told to be out of a room is given nothing
        more of it, also of what came before.
        """
        connection, room_id = progress.connection, progress.command.room_id
        async with self._answers.under_way(connection.identity.user.id, is_patient=True) as answer:
            page = await self._replay.frames(room_id, progress.epoch, progress.seq, until)
            answer.shrink(sum(len(one.frames.wire) for one in page))
            progress.begin_replay(page[0].kind)
            for seq, _, frames in chunks(page, REPLAY_BYTES):
                if not connection.has_space:
                    await connection.drained()
                if not self._hub.is_replaying(connection, room_id):
                    return
                connection.enqueue(frames)
                progress.seq = seq


class _Progress:
    """The progress of one subscribe command: whether it was acked and reset, and the seq that its replay reached."""

    def __init__(self, connection: Connection, command: Subscribe) -> None:
        self.connection = connection
        self.command = command
        self.acked = False
        self.epoch = ""
        self.seq = 0
        self._first_kind: str | None = None  # the kind of the first entry of the replay
        self._has_been_reset = False

    def begin(self, head: Head) -> None:
        """Take the log's current head. Ack at the first call, and reset a position that cannot be resumed."""
        position = Position(epoch=self.epoch, seq=self.seq) if self.acked else self.command.since
        if not self.acked:
            self.connection.ack(self.command.ref, room_id=head.room_id, epoch=head.epoch, seq=head.seq)
            self.acked = True
        if position is not None and not head.can_resume(position.epoch, position.seq):
            self._enqueue_position("reset", head.room_id, head.epoch, head.seq)
            self._has_been_reset = True
            position = None
        self.epoch = head.epoch
        self.seq = head.seq if position is None else position.seq

    def begin_replay(self, kind: str) -> None:
        """Note the kind of the next entry. Raises `Closed` for an old page that cannot get past the first entry."""
        since = self.command.since
        if since != Position(epoch=self.epoch, seq=self.seq):
            return  # the replay has begun already
        if is_stuck(self.connection, self.command.room_id, since, kind):
            raise Closed(CloseCode.VERSION)
        self._first_kind = kind

    def announce_live(self) -> None:
        """Enqueue `live`, unless `reset` was enqueued, which says the same."""
        if self.command.since is not None and self._first_kind is not None:
            note_replay(self.connection, self.command.room_id, self.command.since, self._first_kind)
        if not self._has_been_reset:
            self._enqueue_position("live", self.command.room_id, self.epoch, self.seq)

    def _enqueue_position(self, name: Literal["live", "reset"], room_id: str, epoch: str, seq: int) -> None:
        self.connection.enqueue(encode(position_event(name, room_id, epoch, seq)))
