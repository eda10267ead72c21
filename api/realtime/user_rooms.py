"""The rooms of the users who are connected to this node: they tell whom a room concerns. It never asks the store.

A user's rooms are unknown until they were asked for. What changes meanwhile is kept, and counts for more than the
answer, which may be older.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import TypeAlias

Changes: TypeAlias = dict[str, bool]
"""The memberships of a user that have begun (True) or ended (False) since their rooms were asked for, by room."""


class UserRooms:
    """Knows which of the connected users are in which room."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[str]] = {}  # by user
        self._users: dict[str, set[str]] = {}  # by room
        self._unknown: dict[str, Changes] = {}  # by user
        self._begun: Counter[str] = Counter()  # by user: how often it was begun, and not ended
        self.listeners: list[Callable[[str, str], None]] = []
        """Who is told of each change of a membership, with the ids of the room and of the user."""

    @property
    def count(self) -> int:
        """The number of memberships that are known."""
        return sum(map(len, self._rooms.values()))

    @property
    def is_complete(self) -> bool:
        """Whether the rooms of all users are known."""
        return not self._unknown

    def is_known(self, user_id: str) -> bool:
        """Return whether the rooms of a user are known."""
        return user_id in self._rooms and user_id not in self._unknown

    def begin(self, user_id: str) -> None:
        """Begin to know a user. It is ended as often as it was begun."""
        self._begun[user_id] += 1
        if user_id not in self._rooms:
            self._rooms[user_id] = set()
            self._unknown[user_id] = {}

    def end(self, user_id: str) -> None:
        """Forget a user, unless another has begun to know them too."""
        self._begun[user_id] -= 1
        if self._begun[user_id] > 0:
            return
        del self._begun[user_id]
        self._clear(user_id)
        self._rooms.pop(user_id, None)
        self._unknown.pop(user_id, None)

    def change(self, room_id: str, user_id: str, *, is_member: bool) -> None:
        """Take note that a membership has begun or ended."""
        if user_id not in self._rooms:
            return
        if user_id in self._unknown:
            self._unknown[user_id][room_id] = is_member
        elif is_member:
            self._enter(user_id, room_id)
        else:
            self._leave(user_id, room_id)
        for listener in self.listeners:
            listener(room_id, user_id)

    def doubt(self) -> None:
        """Take the rooms of all users for unknown, because changes may have been missed."""
        for user_id in self._rooms:
            self._clear(user_id)
        self._unknown = {user_id: {} for user_id in self._rooms}

    def unknown(self, limit: int) -> dict[str, Changes]:
        """Return users whose rooms are to be asked for, which is what `learn` takes again."""
        return dict(islice(self._unknown.items(), limit))

    def learn(self, asked: Mapping[str, Changes], rooms: Mapping[str, Iterable[str]]) -> list[str]:
        """Take the answer: the rooms of the users who were `asked` for. Return the users whose rooms are known now.

        The answer does not count for users who have gone since, or whose rooms were doubted again.
        """
        known = [user_id for user_id, changes in asked.items() if self._unknown.get(user_id) is changes]
        for user_id in known:
            changes = self._unknown.pop(user_id)
            for room_id in {*rooms.get(user_id, ()), *changes}:
                if changes.get(room_id, True):
                    self._enter(user_id, room_id)
        return known

    def users_of(self, room_id: str) -> Collection[str]:
        """Return the connected users who are known to be members of a room."""
        return self._users.get(room_id, ())

    def rooms_of(self, user_id: str) -> Collection[str]:
        """Return the rooms that a connected user is known to be a member of."""
        return self._rooms.get(user_id, ())

    def _enter(self, user_id: str, room_id: str) -> None:
        self._rooms[user_id].add(room_id)
        self._users.setdefault(room_id, set()).add(user_id)

    def _leave(self, user_id: str, room_id: str) -> None:
        self._rooms[user_id].discard(room_id)
        if (users := self._users.get(room_id)) is not None:
            users.discard(user_id)
            if not users:
                del self._users[room_id]

    def _clear(self, user_id: str) -> None:
        for room_id in list(self._rooms.get(user_id, ())):
            self._leave(user_id, room_id)
