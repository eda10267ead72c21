"""The rooms that a follower has still to look at: which is next, and when one that failed is tried again. Pure."""

import heapq
from typing import Final

MAX_WAITING: Final = 1_000
"""So many rooms wait for their turn. Those that find no place are found again by comparing heads and positions."""
MAX_FAILING: Final = 10_000
"""If more rooms than this fail, it is not the rooms that are at fault."""
FIRST_PAUSE_SECONDS: Final = 1.0
"""A room that failed is tried again after this time. Each further pause is twice as long."""
MAX_PAUSE_SECONDS: Final = 300.0
"""No pause is longer."""


class Turns:
    """Gives each room its turn, in the order in which they came; a room that has more to do goes to the end.

    A room has one turn at a time. Times are seconds by any one clock.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._busy: dict[str, bool] = {}  # by room: whether it has come again during its turn
        self._pauses: dict[str, float] = {}  # by room that fails: its last pause
        self._retries: list[tuple[float, str]] = []  # a heap of the rooms that wait for their next try

    def add(self, room_id: str) -> bool:
        """Let a room wait for a turn, if it does not already. Returns False if too many do."""
        if room_id in self._busy:
            self._busy[room_id] = True
        elif room_id not in self._waiting and room_id not in self._pauses:
            if len(self._waiting) >= MAX_WAITING:
                return False
            self._waiting[room_id] = None
        return True

    def take(self, now: float) -> str | None:
        """Begin the next turn, and return its room; None while no room waits. Retries that are due come first."""
        if self._retries and self._retries[0][0] <= now:
            _, room_id = heapq.heappop(self._retries)
        elif self._waiting:
            room_id = next(iter(self._waiting))
            del self._waiting[room_id]
        else:
            return None
        self._busy[room_id] = False
        return room_id

    def end(self, room_id: str, *, has_more: bool) -> None:
        """End a turn that went well. If there is more to do, or the room has come again, it waits for another."""
        came_again = self._busy.pop(room_id)
        self._pauses.pop(room_id, None)
        if has_more or came_again:
            self._waiting[room_id] = None

    def fail(self, room_id: str, now: float) -> bool:
        """End a turn that failed: the next begins after a pause. Returns False if too many rooms fail."""
        del self._busy[room_id]
        pause = min(2 * self._pauses.get(room_id, FIRST_PAUSE_SECONDS / 2), MAX_PAUSE_SECONDS)
        self._pauses[room_id] = pause
        heapq.heappush(self._retries, (now + pause, room_id))
        return len(self._pauses) <= MAX_FAILING

    def next_retry(self) -> float | None:
        """Return when the next retry is due, or None if there is none."""
        return self._retries[0][0] if self._retries else None
