"""The connections of this process, their subscriptions, and the broadcast of entries to them.

For each room the hub holds its *position*: the seq of the last entry that this process has broadcast. The hub never
uses the store. No method awaits anything, so no two of them interleave.

A subscription begins *replaying*: the log is read until it has reached the position. Then it becomes *live* without an
await in between. So nothing is buffered, and no entry can be lost between replay and live.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, Protocol

from api.models.log import Entry, Kind
from api.models.rooms import is_told
from api.protocol.close_codes import CloseCode
from api.protocol.entries import entry_event
from api.protocol.events import (
    MembershipEvent,
    deleted_event,
    encode,
    membership_event,
    removed_event,
)
from api.protocol.frames import Frames, joined
from api.realtime.connection import Connection
from api.realtime.user_rooms import UserRooms

NO_POSITION: Final = -1


class ConnectionListener(Protocol):
    """Who is told of each connection that the hub holds."""

    def added(self, connection: Connection) -> None:
        """Take note of a connection that the hub holds now."""

    def removed(self, connection: Connection) -> None:
        """Take note of a connection that the hub holds no more. It is called once for each."""


class _Room:
    """The subscriptions to a room in this process."""

    __slots__ = ("ahead", "asking", "live", "position", "replaying")

    def __init__(self) -> None:
        self.position = NO_POSITION
        self.live: dict[Connection, None] = {}  # in order of subscription, which is roughly that of memory
        # Live connections whose replay went past the position, with the seq that it reached.
        self.ahead: dict[Connection, int] = {}
        self.replaying: set[Connection] = set()
        # Those of them whose membership has not been looked at: they may be strangers.
        self.asking: set[Connection] = set()

    def discard(self, connection: Connection) -> None:
        self.live.pop(connection, None)
        self.replaying.discard(connection)
        self.asking.discard(connection)
        self.ahead.pop(connection, None)

    def connections(self) -> Iterator[Connection]:
        yield from self.live
        yield from self.ahead
        yield from self.replaying

    def admitted(self) -> Iterator[Connection]:
        return (one for one in self.connections() if one not in self.asking)

    @property
    def is_empty(self) -> bool:
        return not (self.live or self.ahead or self.replaying)


class Hub:
    """Holds connections and subscriptions, and broadcasts entries."""

    def __init__(self, *, connections_per_user: int) -> None:
        self._connections_per_user = connections_per_user
        self._rooms: dict[str, _Room] = {}
        self._by_user: dict[str, dict[Connection, None]] = {}  # oldest first
        self._by_session: dict[str, set[Connection]] = {}
        self._use_count = 0
        self.user_rooms = UserRooms()
        self.listeners: list[ConnectionListener] = []
        self.on_session_ended: list[Callable[[str], None]] = []
        """They are told the id of each session that has ended, also of one without connections here."""
        self.is_fed = True
        """Whether the feed is open, so that no change of a membership comes late. The feed sets it."""
        self.broadcast_count = 0
        self.delivery_count = 0

    # -- connections

    def add(self, connection: Connection) -> None:
        """Add a connection. When the user has too many, one of the others is closed.

        That is the oldest one that was never used, or else the one whose last use is the longest ago.
        """
        identity = connection.identity
        mine = self._by_user.setdefault(identity.user.id, {})
        if not mine:
            self.user_rooms.begin(identity.user.id)
        mine[connection] = None
        self._by_session.setdefault(identity.session_id, set()).add(connection)
        for listener in self.listeners:
            listener.added(connection)
        if len(mine) > self._connections_per_user:
            replaced = min((one for one in mine if one is not connection), key=_used_at)
            replaced.close(CloseCode.REPLACED)
            self.remove(replaced)

    def use(self, connection: Connection) -> None:
        """Note that a client uses its connection: it sent a command."""
        self._use_count += 1
        connection.used_at = self._use_count

    def remove(self, connection: Connection) -> None:
        """Remove a connection and its subscriptions. It may have been removed before."""
        for room_id in list(connection.rooms):
            self.unsubscribe(connection, room_id)
        identity = connection.identity
        mine = self._by_user.get(identity.user.id, {})
        if connection in mine:
            del mine[connection]
            if not mine:
                del self._by_user[identity.user.id]
                self.user_rooms.end(identity.user.id)
            for listener in self.listeners:
                listener.removed(connection)
        if (same := self._by_session.get(identity.session_id)) is not None:
            same.discard(connection)
            if not same:
                del self._by_session[identity.session_id]

    def connections(self) -> list[Connection]:
        """Return all connections."""
        return [connection for mine in self._by_user.values() for connection in mine]

    def connections_of(self, user_id: str) -> list[Connection]:
        """Return all connections of a user."""
        return list(self._by_user.get(user_id, ()))

    def connections_reaching(self, user_id: str, room_id: str) -> list[Connection]:
        """Return the connections of a user, without those whose token is bound to other rooms."""
        return [one for one in self._by_user.get(user_id, ()) if one.identity.reaches(room_id)]

    @property
    def connection_count(self) -> int:
        """The number of connections."""
        return sum(map(len, self._by_user.values()))

    @property
    def subscription_count(self) -> int:
        """The number of subscriptions of all connections."""
        return sum(len(connection.rooms) for connection in self.connections())

    def session_ids(self) -> list[str]:
        """Return the ids of the sessions that have connections here."""
        return list(self._by_session)

    def end_session(self, session_id: str) -> None:
        """Close all connections of a session that has ended."""
        for listener in self.on_session_ended:
            listener(session_id)
        for connection in list(self._by_session.get(session_id, ())):
            connection.close(CloseCode.SESSION_ENDED)
            self.remove(connection)

    def end_sessions(self, session_ids: Iterable[str]) -> None:
        """Close all connections of sessions that have ended."""
        for session_id in session_ids:
            self.end_session(session_id)

    def live_in(self, room_id: str) -> list[Connection]:
        """Return the connections whose subscription to a room is live. A replay may begin before it is allowed."""
        room = self._rooms.get(room_id)
        return [] if room is None else [one for one in room.connections() if one not in room.replaying]

    def subscribers(self) -> list[tuple[str, str]]:
        """Return the pairs of room id and user id that have subscriptions here, and were admitted to them."""
        return list(
            {
                (room_id, connection.identity.user.id)
                for room_id, room in self._rooms.items()
                for connection in room.admitted()
            }
        )

    def close_all(self) -> None:
        """Close all connections with RESTART, after which clients reconnect at once."""
        for connection in self.connections():
            connection.close(CloseCode.RESTART)
            self.remove(connection)

    # -- subscriptions

    def subscribe(self, connection: Connection, room_id: str) -> None:
        """Begin a subscription, as replaying. From now on `go_live` ensures that it misses no entry.

        A live subscription becomes replaying again: the client asked for another replay. Nothing of the room is told
        before `admit`.
        """
        room = self._rooms.setdefault(room_id, _Room())
        room.discard(connection)
        room.replaying.add(connection)
        room.asking.add(connection)
        connection.rooms.add(room_id)

    def admit(self, connection: Connection, room_id: str) -> None:
        """Take note that a user who begins a subscription is a member, who is told from now on if that ends."""
        if (room := self._rooms.get(room_id)) is not None:
            room.asking.discard(connection)

    def go_live(self, connection: Connection, room_id: str, seq: int) -> bool:
        """Make a subscription live, if its replay has reached the room's position. `seq` is the last seq it was given.

        Return False if it has not: read on from `seq` and call this again. Also return False if the subscription was
        removed meanwhile, which `is_replaying` tells.
        """
        room = self._rooms.get(room_id)
        if room is None or connection not in room.replaying or seq < room.position:
            return False
        room.replaying.remove(connection)
        if room.position == NO_POSITION:
            room.position = seq
        if seq > room.position:
            room.ahead[connection] = seq
        else:
            room.live[connection] = None
        return True

    def is_replaying(self, connection: Connection, room_id: str) -> bool:
        """Return whether a subscription is still replaying, and was not removed meanwhile."""
        return room_id in connection.rooms and connection in self._rooms[room_id].replaying

    def unsubscribe(self, connection: Connection, room_id: str) -> None:
        """End a subscription, if there is one."""
        connection.rooms.discard(room_id)
        if (room := self._rooms.get(room_id)) is not None:
            room.discard(connection)
            if room.is_empty:
                del self._rooms[room_id]

    def leave(self, room_id: str, user_id: str) -> None:
        """End a user's subscriptions to a room that they have left. The feed will tell them later that they left."""
        self.user_rooms.change(room_id, user_id, is_member=False)
        for connection in self.connections_of(user_id):
            connection.memberships.pop(room_id, None)
            self.unsubscribe(connection, room_id)

    def end_membership(self, room_id: str, user_id: str) -> None:
        """Tell a user that they are no longer a member, and end their subscriptions to the room."""
        self._tell_membership(user_id, removed_event(room_id))
        self.leave(room_id, user_id)

    # -- called by the feed

    def user_ids(self) -> list[str]:
        """Return the ids of the users who have connections here."""
        return list(self._by_user)

    def end_room(self, room_id: str, by: str, members: Iterable[str]) -> None:
        """Tell the members of a room that a user has deleted it, and end all subscriptions to it."""
        room = self._rooms.get(room_id)
        subscribed = set() if room is None else {one.identity.user.id for one in room.admitted()}
        event = deleted_event(room_id, by)
        for user_id in subscribed.union(members):
            self._tell_membership(user_id, event)
            self.leave(room_id, user_id)
        self.drop_replaying(room_id)  # those who were asking are refused now

    def positions(self) -> dict[str, int]:
        """Return the position of each subscribed room, NO_POSITION where nothing was broadcast yet."""
        return {room_id: room.position for room_id, room in self._rooms.items()}

    def wants(self, room_id: str) -> bool:
        """Return whether a room has subscriptions here."""
        return room_id in self._rooms

    def position(self, room_id: str) -> int:
        """Return a room's position, or NO_POSITION if it has no subscriptions here or nothing was broadcast yet."""
        room = self._rooms.get(room_id)
        return NO_POSITION if room is None else room.position

    def drop_replaying(self, room_id: str) -> None:
        """Remove the subscriptions that are still replaying.

        Call this when the room has ended, and after the feed was interrupted, because it may have missed a removal from
        the room. Each of these subscriptions begins again, with a check of its membership.
        """
        room = self._rooms.get(room_id)
        if room is not None:
            for connection in list(room.replaying):
                self.unsubscribe(connection, room_id)

    def close_room(self, room_id: str) -> None:
        """Close all connections that are subscribed to a room. Their clients reconnect and resume."""
        if (room := self._rooms.get(room_id)) is not None:
            for connection in list(room.connections()):
                connection.close(CloseCode.RESTART)
                self.remove(connection)

    def broadcast(self, entries: Sequence[Entry]) -> None:
        """Enqueue entries on all live connections of their rooms. The entries of a room must be in order of seq.

        The entries of a room are written together, so that a batch costs each connection one write. Entries at or
        before the room's position are dropped.
        """
        for room_id, group in groupby(sorted(entries, key=_room_id), key=_room_id):
            self._broadcast(room_id, group)

    def _broadcast(self, room_id: str, entries: Iterable[Entry]) -> None:
        past, ready = self.position(room_id), list[Entry]()
        for entry in entries:
            if entry.seq <= past:
                continue
            past = entry.seq
            if entry.kind == Kind.MEMBER:
                self._deliver(room_id, ready)
                ready.clear()
                self._apply_membership(entry)
            elif entry.kind == Kind.ROOM:
                self._forget_memberships(room_id)
            ready.append(entry)
        self._deliver(room_id, ready)

    def _deliver(self, room_id: str, entries: list[Entry]) -> None:
        room = self._rooms.get(room_id)
        if room is None or not entries:
            return
        room.position = entries[-1].seq
        frames = [encode(entry_event(entry)) for entry in entries]
        together = joined(frames)
        self.broadcast_count += len(entries)
        self.delivery_count += len(entries) * (len(room.live) + len(room.ahead))
        for connection in room.live:
            connection.enqueue(together)
        if room.ahead:
            self._catch_up(room, entries, frames)

    def _catch_up(self, room: _Room, entries: list[Entry], frames: list[Frames]) -> None:
        """Enqueue entries on the connections that are ahead of the position, without those they already have."""
        for connection, given in list(room.ahead.items()):
            for entry, frame in zip(entries, frames, strict=True):
                if entry.seq > given:
                    connection.enqueue(frame)
            if entries[-1].seq >= given:
                del room.ahead[connection]
                room.live[connection] = None

    def _apply_membership(self, entry: Entry) -> None:
        role, was = entry.data.get("role"), entry.data.get("was")
        if is_told(entry.room_id, role, was):
            self._tell_membership(entry.user_id, membership_event(entry))
        if role is None:
            self.leave(entry.room_id, entry.user_id)
        else:
            self.user_rooms.change(entry.room_id, entry.user_id, is_member=True)

    def _forget_memberships(self, room_id: str) -> None:
        """Let every connection look again by which membership it may send: what its room allows has changed."""
        for connection in self.connections():
            connection.memberships.pop(room_id, None)

    def _tell_membership(self, user_id: str, event: MembershipEvent) -> None:
        frame = encode(event)
        for connection in self.connections_of(user_id):
            connection.memberships.pop(event["room_id"], None)
            if connection.identity.reaches(event["room_id"]):
                connection.enqueue(frame)


_room_id = attrgetter("room_id")
_used_at = attrgetter("used_at")
