"""Carries out the commands of connections: calls a service for each, and enqueues its answer.

The commands of one connection run one after the other.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from api import failpoints
from api.accounts.identity import Authenticator
from api.accounts.scopes import Needs
from api.clock import now_ms
from api.errors import NotFound, RateLimited, TailwireError, Unauthorized
from api.failpoints import Failpoint
from api.limits.throttles import Throttles
from api.models.log import Appended
from api.protocol.close_codes import CloseCode
from api.protocol.commands import (
    Authenticate,
    Command,
    Delete,
    Edit,
    Pin,
    Ping,
    React,
    Read,
    RemovePreviews,
    Send,
    Subscribe,
    Typing,
    Unsubscribe,
    Watch,
    Write,
)
from api.protocol.events import encode, error_event, pong_event, ready_event
from api.protocol.fields import VERSION, timestamp
from api.realtime.connection import Closed, Connection
from api.realtime.hub import Hub
from api.realtime.presence import Presence
from api.realtime.subscriptions import Subscriptions
from api.rooms.attachments import file_bytes_of
from api.rooms.wiring import RoomServices
from api.rooms.writing import Author

_Handler: TypeAlias = Callable[[Connection, Any], Awaitable[None]]


class Commands:
    """Carries out the commands of all connections of this process."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        hub: Hub,
        subscriptions: Subscriptions,
        presence: Presence,
        rooms: RoomServices,
        authenticator: Authenticator,
        throttles: Throttles,
        *,
        heartbeat_seconds: int,
        max_subscriptions: int,
        features: Sequence[str],
    ) -> None:
        self._hub = hub
        self._presence = presence
        self._members = rooms.members
        self._messages = rooms.messages
        self._changes = rooms.changes
        self._typing = rooms.typing
        self._features = features
        self._file_bytes = file_bytes_of(rooms.attachments)
        self._authenticator = authenticator
        self._throttles = throttles
        self._heartbeat_seconds = heartbeat_seconds
        self._max_subscriptions = max_subscriptions
        self._handlers: dict[type[Command], _Handler] = {
            Authenticate: self._authenticate,
            Subscribe: subscriptions.subscribe,
            Unsubscribe: self._unsubscribe,
            Send: self._send,
            Edit: self._edit,
            Delete: self._delete,
            React: self._react,
            Pin: self._pin,
            RemovePreviews: self._remove_previews,
            Read: self._read,
            Typing: self._type,
            Watch: self._watch,
            Ping: self._ping,
        }

    async def run(self, connection: Connection, command: Command) -> TailwireError | None:
        """Carry out one command and enqueue its ack or error. Return the error, or None.

        Raises `Closed` when the command ends the connection.
        """
        try:
            connection.identity.require(Needs(command.scopes))
            if isinstance(room_id := getattr(command, "room_id", None), str):
                connection.identity.require_room(room_id)
            await self._handlers[type(command)](connection, command)
        except TailwireError as error:
            told = self._told(connection, error)
            connection.enqueue(encode(error_event(told, command.ref)))
            return told
        return None

    def greet(self, connection: Connection) -> None:
        """Enqueue `ready`, the answer to a valid token."""
        identity = connection.identity
        ready = ready_event(
            identity.user,
            identity.session_id,
            expires_at=identity.expires_at,
            heartbeat_seconds=self._heartbeat_seconds,
            subscriptions=self._max_subscriptions,
            file_bytes=self._file_bytes,
            features=self._features,
        )
        connection.enqueue(encode(ready))

    def _told(self, connection: Connection, error: TailwireError) -> TailwireError:
        """Return the error that the client is told. Too many `NotFound` become `RateLimited`."""
        if isinstance(error, NotFound):
            try:
                self._throttles.missed(connection.identity.user.id)
            except RateLimited as too_often:
                return too_often
        return error

    async def _authenticate(self, connection: Connection, command: Authenticate) -> None:
        check_version(command)
        try:
            identity = await self._authenticator.identify(command.token, connection.address)
        except Unauthorized:
            raise Closed(CloseCode.UNAUTHORIZED) from None
        mine = connection.identity
        if (identity.user.id, identity.session_id) != (mine.user.id, mine.session_id):
            raise Closed(CloseCode.UNAUTHORIZED)
        connection.identity = identity
        self.greet(connection)
        if command.ref is not None:
            connection.ack(command.ref)

    async def _unsubscribe(self, connection: Connection, command: Unsubscribe) -> None:
        self._hub.unsubscribe(connection, command.room_id)
        connection.ack(command.ref)

    async def _send(self, connection: Connection, command: Send) -> None:
        sent = await self._messages.send(
            self._author(connection),
            command.room_id,
            command.ref,
            command.body,
            reply_to=command.reply_to,
            files=command.files,
            epoch=command.epoch,
        )
        _ack(connection, command, sent)

    async def _edit(self, connection: Connection, command: Edit) -> None:
        edited = await self._changes.edit(
            self._author(connection),
            command.room_id,
            command.seq,
            command.body,
            ref=command.ref,
            epoch=command.epoch,
        )
        _ack(connection, command, edited)

    async def _delete(self, connection: Connection, command: Delete) -> None:
        deleted = await self._changes.delete(
            self._author(connection), command.room_id, command.seq, ref=command.ref, epoch=command.epoch
        )
        _ack(connection, command, deleted)

    async def _react(self, connection: Connection, command: React) -> None:
        reacted = await self._changes.react(
            self._author(connection),
            command.room_id,
            command.seq,
            command.emoji,
            added=command.type == "react",
            ref=command.ref,
            epoch=command.epoch,
        )
        _ack(connection, command, reacted)

    async def _pin(self, connection: Connection, command: Pin) -> None:
        pinned = await self._changes.pin(
            self._author(connection),
            command.room_id,
            command.seq,
            pinned=command.type == "pin",
            ref=command.ref,
            epoch=command.epoch,
        )
        _ack(connection, command, pinned)

    async def _remove_previews(self, connection: Connection, command: RemovePreviews) -> None:
        removed = await self._changes.remove_previews(
            self._author(connection), command.room_id, command.seq, ref=command.ref, epoch=command.epoch
        )
        _ack(connection, command, removed)

    def _author(self, connection: Connection) -> Author:
        return Author(connection.identity.user.id, connection.memberships, most_known=self._max_subscriptions)

    async def _read(self, connection: Connection, command: Read) -> None:
        mark = await self._members.mark_read(
            command.room_id,
            connection.identity.user,
            command.seq,
            epoch=command.epoch,
            back=command.back,
            origin=connection,
        )
        if command.ref is not None:
            connection.ack(command.ref, room_id=command.room_id, epoch=mark.epoch, seq=mark.seq)

    async def _type(self, connection: Connection, command: Typing) -> None:
        await self._typing.typing(command.room_id, connection.identity.user, origin=connection)
        if command.ref is not None:
            connection.ack(command.ref)

    async def _watch(self, connection: Connection, command: Watch) -> None:
        self._throttles.watch(connection.identity.user.id)
        self._presence.watch(connection, command.user_ids)
        if command.ref is not None:
            connection.ack(command.ref)

    async def _ping(self, connection: Connection, command: Ping) -> None:
        connection.enqueue(encode(pong_event(now_ms())))
        if command.ref is not None:
            connection.ack(command.ref)


def _ack(connection: Connection, command: Write, appended: Appended) -> None:
    entry = appended.entry
    failpoints.reached(Failpoint.BEFORE_ACK)
    at = timestamp(entry.at)
    connection.ack(command.ref, room_id=command.room_id, epoch=appended.epoch, seq=entry.seq, at=at)


def check_version(command: Authenticate) -> None:
    """Raise `Closed` for a client with another version of the protocol."""
    if command.v != VERSION:
        raise Closed(CloseCode.VERSION)
