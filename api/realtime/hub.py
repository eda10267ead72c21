"""The in-process connection manager: who is connected, who is subscribed to what, and how far each room has got.

The hub holds what this process has broadcast per room, its *position*, and never touches the store. Every
method runs to its end without waiting, so that no two of them ever interleave.

A subscription begins *replaying*: the connection reads the log until it is no further back than the position,
and becomes *live* in the same breath. So nothing is buffered, and nothing can fall between replay and live.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from api.models.log import Entry, Kind
from api.protocol.close_codes import CloseCode
from api.protocol.events import encode, entry_event, membership_event
from api.protocol.frames import Frames, joined
from api.realtime.connection import Connection

NO_POSITION: Final = -1


class _Room:
    """The connections of this process that want a room's events."""

    __slots__ = ("ahead", "replaying", "live", "position")

    def __init__(self) -> None:
        self.position = NO_POSITION
        self.live: dict[Connection, None] = {}  # in the order in which they lie in memory, more or less
        self.ahead: dict[
            Connection, int
        ] = {}  # live, but already given entries that the feed has yet to bring
        self.replaying: set[Connection] = set()

    def discard(self, connection: Connection) -> None:
        self.live.pop(connection, None)
        self.replaying.discard(connection)
        self.ahead.pop(connection, None)

    def connections(self) -> Iterator[Connection]:
        yield from self.live
        yield from self.ahead
        yield from self.replaying

    @property
    def is_empty(self) -> bool:
        return not (self.live or self.ahead or self.replaying)


class Hub:
    """See the module."""

    def __init__(self, *, connections_per_user: int) -> None:
        self._connections_per_user = connections_per_user
        self._rooms: dict[str, _Room] = {}
        self._by_user: dict[str, dict[Connection, None]] = {}  # oldest first
        self._by_session: dict[str, set[Connection]] = {}
        self.broadcast_count = 0
        self.delivery_count = 0

    # -- connections

    def add(self, connection: Connection) -> None:
        """Take a connection in; the oldest of the user's is closed when there are too many."""
        identity = connection.identity
        mine = self._by_user.setdefault(identity.user.id, {})
        mine[connection] = None
        self._by_session.setdefault(identity.session_id, set()).add(connection)
        if len(mine) > self._connections_per_user:
            oldest = next(iter(mine))
            oldest.close(CloseCode.REPLACED)
            self.remove(oldest)

    def remove(self, connection: Connection) -> None:
        """Forget a connection and its subscriptions; again is harmless."""
        for room_id in list(connection.rooms):
            self.unsubscribe(connection, room_id)
        identity = connection.identity
        if (mine := self._by_user.get(identity.user.id)) is not None:
            mine.pop(connection, None)
            if not mine:
                del self._by_user[identity.user.id]
        if (same := self._by_session.get(identity.session_id)) is not None:
            same.discard(connection)
            if not same:
                del self._by_session[identity.session_id]

    def connections(self) -> list[Connection]:
        """Return every connection that is in."""
        return [connection for mine in self._by_user.values() for connection in mine]

    @property
    def connection_count(self) -> int:
        """How many connections are in."""
        return sum(map(len, self._by_user.values()))

    @property
    def subscription_count(self) -> int:
        """How many subscriptions they have."""
        return sum(len(connection.rooms) for connection in self.connections())

    def session_ids(self) -> list[str]:
        """Return the sessions that have a connection here."""
        return list(self._by_session)

    def end_session(self, session_id: str) -> None:
        """Close every connection of a session that is over."""
        for connection in list(self._by_session.get(session_id, ())):
            connection.close(CloseCode.SESSION_ENDED)
            self.remove(connection)

    def end_sessions(self, session_ids: Iterable[str]) -> None:
        """The same for many."""
        for session_id in session_ids:
            self.end_session(session_id)

    def subscribers(self) -> list[tuple[str, str]]:
        """Return who, by room id and user id, has a subscription here."""
        return list(
            {
                (room_id, connection.identity.user.id)
                for room_id, room in self._rooms.items()
                for connection in room.connections()
            }
        )

    def close_all(self, code: CloseCode = CloseCode.RESTART) -> None:
        """Close every connection; clients come back at once, if there is a server."""
        for connection in self.connections():
            connection.close(code)
            self.remove(connection)

    # -- subscriptions

    def subscribe(self, connection: Connection, room_id: str) -> None:
        """Begin replaying. From now on nothing can be missed that `go_live` would not insist on.

        Again, on a live subscription, begins anew: the client asked for another replay.
        """
        room = self._rooms.setdefault(room_id, _Room())
        room.discard(connection)
        room.replaying.add(connection)
        connection.rooms.add(room_id)

    def go_live(self, connection: Connection, room_id: str, seq: int) -> bool:
        """Make a replaying connection live, if `seq`, the last it was given, is no further back than the room is.

        False: read on from `seq` and ask again. Also False once the subscription has been taken away; see
        `is_replaying`.
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
        """Whether the subscription is still on its way: not unsubscribed, removed from the room or closed."""
        return room_id in connection.rooms and connection in self._rooms[room_id].replaying

    def unsubscribe(self, connection: Connection, room_id: str) -> None:
        """End a subscription; again is harmless."""
        connection.rooms.discard(room_id)
        if (room := self._rooms.get(room_id)) is not None:
            room.discard(connection)
            if room.is_empty:
                del self._rooms[room_id]

    def leave(self, room_id: str, user_id: str) -> None:
        """End a user's subscriptions to a room that they have left; the feed will tell them of it."""
        for connection in self._connections_of(user_id):
            connection.memberships.pop(room_id, None)
            self.unsubscribe(connection, room_id)

    def end_membership(self, room_id: str, user_id: str) -> None:
        """Tell a user that they are no longer a member; they get nothing of the room from here on."""
        self._tell_membership(room_id, user_id, None)
        self.leave(room_id, user_id)

    # -- what the feed brings

    def positions(self) -> dict[str, int]:
        """Return how far each subscribed room has been broadcast; NO_POSITION where nothing has."""
        return {room_id: room.position for room_id, room in self._rooms.items()}

    def wants(self, room_id: str) -> bool:
        """Whether anybody here listens to a room, or is about to."""
        return room_id in self._rooms

    def position(self, room_id: str) -> int:
        """Return how far a room has been broadcast; NO_POSITION when nobody here listens or nothing came yet."""
        room = self._rooms.get(room_id)
        return NO_POSITION if room is None else room.position

    def drop_replaying(self, room_id: str) -> None:
        """Take away the subscriptions that are still replaying.

        For when the feed was away: what it missed may have been about them. Whoever joins begins again, with
        the question whether they may.
        """
        room = self._rooms.get(room_id)
        if room is not None:
            for connection in list(room.replaying):
                self.unsubscribe(connection, room_id)

    def close_room(self, room_id: str) -> None:
        """Close every connection that is subscribed to a room. They come back and resume."""
        if (room := self._rooms.get(room_id)) is not None:
            for connection in list(room.connections()):
                connection.close(CloseCode.RESTART)
                self.remove(connection)

    def broadcast(self, entries: Sequence[Entry]) -> None:
        """Put entries, each room's in the order of seq, on every live connection of their rooms.

        Those of one room leave together: what has come while the last ones were written costs a connection one
        write. Entries that the room is past already are dropped.
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
        """Give those who are ahead what they have not had."""
        for connection, given in list(room.ahead.items()):
            for entry, frame in zip(entries, frames, strict=True):
                if entry.seq > given:
                    connection.enqueue(frame)
            if entries[-1].seq >= given:
                del room.ahead[connection]
                room.live[connection] = None

    def _apply_membership(self, entry: Entry) -> None:
        role = entry.data.get("role")
        if role is None:
            self.end_membership(entry.room_id, entry.user_id)
        else:
            self._tell_membership(entry.room_id, entry.user_id, str(role))

    def _tell_membership(self, room_id: str, user_id: str, role: str | None) -> None:
        frame = encode(membership_event(room_id, role))
        for connection in self._connections_of(user_id):
            connection.memberships.pop(room_id, None)
            connection.enqueue(frame)

    def _connections_of(self, user_id: str) -> Iterator[Connection]:
        yield from list(self._by_user.get(user_id, ()))


_room_id = attrgetter("room_id")
