"""What each command of a connection does: the store is asked, and events are enqueued.

Commands of one connection run one after the other, each to its end.
"""

import asyncio
from typing import Any, Final, Literal

from api import failpoints
from api.accounts.identity import Identity
from api.accounts.security import Tokens
from api.clock import now_ms
from api.errors import (
    FieldError,
    Invalid,
    MembershipChanged,
    NotFound,
    TailwireError,
    Unauthorized,
    Unavailable,
)
from api.failpoints import Failpoint
from api.limits.memory import Memory
from api.limits.throttles import Throttles
from api.models.log import Appended, Draft, Head, Kind
from api.models.rooms import Member
from api.protocol.close_codes import CloseCode
from api.protocol.commands import Authenticate, Command, Ping, Read, Send, Subscribe, Unsubscribe
from api.protocol.events import ack_event, encode, error_event, place_event, pong_event, ready_event
from api.protocol.fields import MAX_REPLAY, VERSION, Position, timestamp
from api.protocol.frames import Frames
from api.realtime.connection import Connection
from api.realtime.hub import Hub
from api.realtime.old_pages import is_stuck, note_replay
from api.realtime.replay import Replay
from api.realtime.sink import Sink
from api.rooms import policy
from api.rooms.policy import Operation
from api.store.base.store import Store
from api.store.reads import Reads

REPLAY_RETRY_SECONDS: Final = 0.5
MAX_LOOKS: Final = 5
"""At a membership that changes while its member writes, before giving up."""


class Closed(Exception):
    """The command ends the connection, with `code`."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class Commands:
    """Carries out commands for all connections of this process."""

    def __init__(  # noqa: PLR0913, PLR0917  what it is wired to
        self,
        store: Store,
        reads: Reads,
        replay: Replay,
        hub: Hub,
        memory: Memory,
        tokens: Tokens,
        throttles: Throttles,
        *,
        heartbeat_seconds: int,
        subscriptions: int,
    ) -> None:
        self._store = store
        self._reads = reads
        self._replay = replay
        self._hub = hub
        self._memory = memory
        self._tokens = tokens
        self._throttles = throttles
        self._heartbeat_seconds = heartbeat_seconds
        self._subscriptions = subscriptions

    # -- identity

    async def identify(self, token: str) -> Identity:
        """Return who an access token proves its bearer to be. Raises `Unauthorized`, `Unavailable`."""
        claims = self._tokens.verify(token, now=now_ms())
        session = await self._reads.session(claims.session_id)
        account = await self._reads.account(claims.user_id)
        if session is None or account is None or account.disabled or session.user_id != account.user.id:
            raise Unauthorized
        return Identity(account.user, claims.session_id, claims.expires_at, account.admin)

    async def connect(self, identity: Identity, sink: Sink) -> Connection:
        """Return a connection that is in the hub and has its `ready` enqueued.

        Both in one breath, so that nothing the hub has for it comes before. The session is looked at once more when
        the hub knows the connection: an end in between would pass by. Raises `Unauthorized`, `Unavailable`.
        """
        self._memory.require()
        connection = Connection(identity, sink)
        self._hub.add(connection)
        connection.enqueue(self._ready(connection))
        is_in = False
        try:
            is_in = await self._reads.session(identity.session_id) is not None
        finally:
            if not is_in:
                self._hub.remove(connection)
        if not is_in:
            raise Unauthorized
        return connection

    def disconnect(self, connection: Connection) -> None:
        """Forget a connection that is over."""
        self._hub.remove(connection)

    def _ready(self, connection: Connection) -> Frames:
        identity = connection.identity
        return encode(
            ready_event(
                identity.user,
                identity.session_id,
                expires_at=identity.expires_at,
                heartbeat_seconds=self._heartbeat_seconds,
                subscriptions=self._subscriptions,
            )
        )

    # -- commands

    async def run(self, connection: Connection, command: Command) -> TailwireError | None:
        """Carry out one command and enqueue its ack or error; return the error.

        Raises `Closed` when it ends the connection.
        """
        try:
            await self._run(connection, command)
        except TailwireError as error:
            told: TailwireError = error
            if isinstance(error, NotFound):
                told = self._throttles.missed(connection.identity.user.id, error)
            connection.enqueue(encode(error_event(told, command.ref)))
            return told
        return None

    async def _run(self, connection: Connection, command: Command) -> None:
        match command:
            case Send():
                await self._send(connection, command)
            case Subscribe():
                await self._subscribe(connection, command)
            case Unsubscribe():
                self._hub.unsubscribe(connection, command.room_id)
                _ack(connection, command)
            case Read():
                await self._read(connection, command)
            case Ping():
                connection.enqueue(encode(pong_event(now_ms())))
                if command.ref is not None:
                    _ack(connection, command)
            case Authenticate():
                await self._renew(connection, command)

    async def _renew(self, connection: Connection, command: Authenticate) -> None:
        check_version(command)
        try:
            identity = await self.identify(command.token)
        except Unauthorized:
            raise Closed(CloseCode.UNAUTHORIZED) from None
        mine = connection.identity
        if (identity.user.id, identity.session_id) != (mine.user.id, mine.session_id):
            raise Closed(CloseCode.UNAUTHORIZED)
        connection.identity = identity
        connection.enqueue(self._ready(connection))
        if command.ref is not None:
            _ack(connection, command)

    async def _send(self, connection: Connection, command: Send) -> None:
        # A membership that was looked at before will do: the store appends nothing if it is not so any more.
        member = connection.memberships.get(command.room_id)
        if member is None:
            member = await self.member(command.room_id, connection.identity.user.id, Operation.SEND)
            if len(connection.memberships) < self._subscriptions:
                connection.memberships[command.room_id] = member
        appended, as_appended = await self._appended(member, command.ref, command.body, command.reply_to)
        if as_appended is not member and command.room_id in connection.memberships:
            connection.memberships[command.room_id] = as_appended
        entry = appended.entry
        failpoints.reached(Failpoint.BEFORE_ACK)
        _ack(
            connection,
            command,
            room_id=entry.room_id,
            epoch=appended.epoch,
            seq=entry.seq,
            at=timestamp(entry.at),
        )

    async def append(self, member: Member, ref: str, body: str, reply_to: int | None) -> Appended:
        """Write a message of a member who may send; the one way in, for sockets and HTTP.

        A member who is removed, or made a reader, meanwhile is met with what that makes of them. Raises
        `RateLimited`, `NotFound`, `Forbidden`, `Invalid` for an answer to no message, `RefConflict`, `StorageFull`,
        and `Unavailable`, also while memory is short.
        """
        appended, _ = await self._appended(member, ref, body, reply_to)
        return appended

    async def _appended(
        self, member: Member, ref: str, body: str, reply_to: int | None
    ) -> tuple[Appended, Member]:
        """The same; return also the membership by which it was written."""
        self._memory.require()
        self._throttles.send(member.user_id)
        if reply_to is not None and await self._store.log.message(member.room_id, reply_to) is None:
            raise Invalid(errors=(FieldError(("reply_to",), "is not the seq of a message of this room"),))
        draft = Draft(
            kind=Kind.MESSAGE,
            user_id=member.user_id,
            username=member.username,
            at=now_ms(),
            ref=ref,
            data={"body": body, "reply_to": reply_to},
        )
        for _ in range(MAX_LOOKS):
            try:
                return await self._store.log.append(member.room_id, draft, author=member), member
            except MembershipChanged:
                member = await self.member(member.room_id, member.user_id, Operation.SEND)
        raise Unavailable

    async def _read(self, connection: Connection, command: Read) -> None:
        await self.member(command.room_id, connection.identity.user.id, Operation.MARK_READ)
        seq = await self._store.members.mark_read(command.room_id, connection.identity.user.id, command.seq)
        if command.ref is not None:
            _ack(connection, command, room_id=command.room_id, seq=seq)

    async def member(self, room_id: str, user_id: str, operation: Operation) -> Member:
        """Return the membership by which a user may do something that needs one. Raises `Forbidden`, `NotFound`."""
        member = await self._reads.member(room_id, user_id)
        policy.require(operation, None if member is None else member.role)
        if member is None:  # an operation of outsiders: it has no business here
            raise NotFound
        return member

    # -- subscribe

    async def _subscribe(self, connection: Connection, command: Subscribe) -> None:
        room_id = command.room_id
        if room_id not in connection.rooms and len(connection.rooms) >= self._subscriptions:
            raise Invalid("Too many subscriptions on one connection", code="limit")
        if command.since is not None:
            self._throttles.resume(connection.identity.user.id, room_id)
        joining = _Joining(connection, command)
        while connection.is_open:
            try:
                if await self._join(joining):
                    return
            except Unavailable:
                # Before the ack the client is told; after it the subscription is a promise, kept when the store
                # is back.
                if not joining.acked:
                    self._hub.unsubscribe(connection, room_id)
                    raise
                await asyncio.sleep(REPLAY_RETRY_SECONDS)
            except TailwireError:
                self._hub.unsubscribe(connection, room_id)
                if joining.acked:
                    return  # removed from the room meanwhile, and told so by `membership`
                raise

    async def _join(self, joining: "_Joining") -> bool:
        """Subscribe, replay, go live. False when the hub took the subscription away meanwhile: begin again."""
        connection, room_id = joining.connection, joining.command.room_id
        # First subscribe, then ask: what happens between the two reaches the hub and is not missed. First the head,
        # then who may see it, and no further than the feed has told: so a removal is seen by the look at the
        # membership, or comes after all that is given here, and the hub is not past it when the feed tells of it.
        self._hub.subscribe(connection, room_id)
        head = await self._reads.head(room_id)
        await self.member(room_id, connection.identity.user.id, Operation.SUBSCRIBE)
        if head is None:
            raise NotFound
        joining.begin(head)
        while not (joining.seq >= head.seq and self._hub.go_live(connection, room_id, joining.seq)):
            if not self._hub.is_joining(connection, room_id):
                return False
            until = max(head.seq, self._hub.position(room_id))
            page = await self._replay.frames(room_id, head.epoch, joining.seq, until)
            joining.begin_replay(page[0].kind)
            for seq, _, frame in page:
                if not connection.has_space:
                    await connection.drained()
                connection.enqueue(frame)
                joining.seq = seq
        joining.announce_live()
        return True


class _Joining:
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
            _ack(self.connection, self.command, room_id=head.room_id, epoch=head.epoch, seq=head.seq)
            self.acked = True
        if position is not None and not can_resume(position, head):
            self._enqueue_place("reset", head.room_id, head.epoch, head.seq)
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
            self._enqueue_place("live", self.command.room_id, self.epoch, self.seq)

    def _enqueue_place(self, name: Literal["live", "reset"], room_id: str, epoch: str, seq: int) -> None:
        self.connection.enqueue(encode(place_event(name, room_id, epoch, seq)))


def can_resume(since: Position, head: Head) -> bool:
    """Whether a position can be honoured: of this epoch, not past the head, not further behind than a replay goes."""
    return since.epoch == head.epoch and 0 <= head.seq - since.seq <= MAX_REPLAY


def check_version(command: Authenticate) -> None:
    """Raises `Closed` for a client that speaks another version of the protocol."""
    if command.v != VERSION:
        raise Closed(CloseCode.VERSION)


def _ack(connection: Connection, command: Command, **fields: Any) -> None:
    connection.enqueue(encode(ack_event(command.ref, **fields)))
