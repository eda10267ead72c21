"""Declares the part of a store that lets members of rooms in slow mode write one after the other."""

from abc import ABC, abstractmethod

from api.models.rooms import SlowTurn


class PauseStore(ABC):
    """The turns of members, each of whom has one a while after the one before. They outlast the membership."""

    @abstractmethod
    async def take_turn(self, room_id: str, user_id: str, ref: str, *, at: int, pause_ms: int) -> SlowTurn:
        """Take a member's turn, which they have `pause_ms` after the one that they took before.

        It is decided in one step, so of two messages at the same time only one has the turn. Who has taken it with the
        same `ref` has it still. Raises `NotFound` for who has never been a member.
        """

    @abstractmethod
    async def give_back(self, room_id: str, user_id: str, ref: str, turn: SlowTurn) -> None:
        """Undo that a turn was taken with this `ref`, as nothing was stored, unless another was taken since."""
