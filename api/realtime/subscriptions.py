"""How a connection begins to hear a room: it joins, is given what it has missed, and goes live."""

import asyncio
from typing import Final, Literal

from api.errors import Invalid, NotFound, TailwireError, Unavailable
from api.limits.throttles import Throttles
from api.models.log import Head
from api.protocol.close_codes import CloseCode
from api.protocol.commands import Subscribe
from api.protocol.events import encode, position_event
from api.protocol.fields import MAX_REPLAY, Position
from api.realtime.connection import Closed, Connection
from api.realtime.hub import Hub
from api.realtime.old_pages import is_stuck, note_replay
from api.realtime.replay import Replay
from api.rooms.members import MemberService
from api.rooms.policy import Operation
from api.store.reads import Reads

REPLAY_RETRY_SECONDS: Final = 0.5


class Subscriptions:
    """See the module."""

    def __init__(  # noqa: PLR0913  what it is wired to
        self,
        reads: Reads,
        replay: Replay,
        hub: Hub,
        members: MemberService,
        throttles: Throttles,
        *,
        most: int,
    ) -> None:
        self._reads = reads
        self._replay = replay
        self._hub = hub
        self._members = members
        self._throttles = throttles
        self._most = most

    async def subscribe(self, connection: Connection, command: Subscribe) -> None:
        """Subscribe a connection and replay what it has missed. Raises, before the ack, what the client is told."""
        room_id = command.room_id
        if room_id not in connection.rooms and len(connection.rooms) >= self._most:
            raise Invalid("Too many subscriptions on one connection", code="limit")
        if command.since is not None:
            self._throttles.resume(connection.identity.user.id, room_id)
        progress = _Progress(connection, command)
        while connection.is_open:
            try:
                if await self._replay_once(progress):
                    return
            except Unavailable:
                # Before the ack the client is told; after it the subscription is a promise, kept when the store
                # is back.
                if not progress.acked:
                    self._hub.unsubscribe(connection, room_id)
                    raise
                await asyncio.sleep(REPLAY_RETRY_SECONDS)
            except TailwireError:
                self._hub.unsubscribe(connection, room_id)
                if progress.acked:
                    return  # removed from the room meanwhile, and told so by `membership`
                raise

    async def _replay_once(self, progress: "_Progress") -> bool:
        """Subscribe, replay, go live. False when the hub took the subscription away meanwhile: begin again."""
        connection, room_id = progress.connection, progress.command.room_id
        # First subscribe, then ask: what happens between the two reaches the hub and is not missed. First the head,
        # then who may see it, and no further than the feed has told: so a removal is seen by the look at the
        # membership, or comes after all that is given here, and the hub is not past it when the feed tells of it.
        self._hub.subscribe(connection, room_id)
        head = await self._reads.head(room_id)
        await self._members.require(room_id, connection.identity.user.id, Operation.SUBSCRIBE)
        if head is None:
            raise NotFound
        progress.begin(head)
        while not (progress.seq >= head.seq and self._hub.go_live(connection, room_id, progress.seq)):
            if not self._hub.is_replaying(connection, room_id):
                return False
            until = max(head.seq, self._hub.position(room_id))
            page = await self._replay.frames(room_id, head.epoch, progress.seq, until)
            progress.begin_replay(page[0].kind)
            for seq, _, frame in page:
                if not connection.has_space:
                    await connection.drained()
                connection.enqueue(frame)
                progress.seq = seq
        progress.announce_live()
        return True


class _Progress:
    """How far one subscribe command has got: acked, reset, replayed up to `seq`."""

    def __init__(self, connection: Connection, command: Subscribe) -> None:
        self.connection = connection
        self.command = command
        self.acked = False
        self.epoch = ""
        self.seq = 0
        self._first_kind: str | None = None  # of the replay
        self._has_been_reset = False

    def begin(self, head: Head) -> None:
        """Take the log's head as found now; ack at the first time, and reset where there is no going on."""
        position = Position(epoch=self.epoch, seq=self.seq) if self.acked else self.command.since
        if not self.acked:
            self.connection.ack(self.command.ref, room_id=head.room_id, epoch=head.epoch, seq=head.seq)
            self.acked = True
        if position is not None and not can_resume(position, head):
            self._enqueue_position("reset", head.room_id, head.epoch, head.seq)
            self._has_been_reset = True
            position = None
        self.epoch = head.epoch
        self.seq = head.seq if position is None else position.seq

    def begin_replay(self, kind: str) -> None:
        """Take the kind of the next entry. Raises `Closed` for a page that cannot get past the first."""
        since = self.command.since
        if since != Position(epoch=self.epoch, seq=self.seq):
            return  # it has begun already
        if is_stuck(self.connection, self.command.room_id, since, kind):
            raise Closed(CloseCode.VERSION)
        self._first_kind = kind

    def announce_live(self) -> None:
        """Say that the replay is over; after a reset that is said already."""
        if self.command.since is not None and self._first_kind is not None:
            note_replay(self.connection, self.command.room_id, self.command.since, self._first_kind)
        if not self._has_been_reset:
            self._enqueue_position("live", self.command.room_id, self.epoch, self.seq)

    def _enqueue_position(self, name: Literal["live", "reset"], room_id: str, epoch: str, seq: int) -> None:
        self.connection.enqueue(encode(position_event(name, room_id, epoch, seq)))


def can_resume(since: Position, head: Head) -> bool:
    """Whether a position can be honoured: of this epoch, not past the head, not further behind than a replay goes."""
    return since.epoch == head.epoch and 0 <= head.seq - since.seq <= MAX_REPLAY
