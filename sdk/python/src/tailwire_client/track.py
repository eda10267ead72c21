"""How far a stream has come in one room: which entries are new, and where one is missing. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from tailwire_client.entries import Entry, entry_of
from tailwire_client.events import Live, Reset
from tailwire_client.position import Position

MOST_GAPS: Final = 2
"""From one position a gap is looked at so often before the reader is told to load the room again."""


class Gap(Exception):
    """Something is missing before what came. Subscribing again from the position brings it."""


class Track:
    """The position of a room. Each method takes what came, and returns what the reader is to be told, or None."""

    def __init__(self, room_id: str, position: Position | None) -> None:
        self.room_id = room_id
        self.position = position
        self._gaps_at: tuple[Position, int] | None = None

    def subscribed(self, ack: Mapping[str, Any]) -> None:
        """Take the ack of a subscription. Where there is no position yet, it has the first."""
        if self.position is None:
            self.position = Position(ack["epoch"], ack["seq"])

    def take_entry(self, event: Mapping[str, Any]) -> Entry | Reset | None:
        """Take an entry. One that has come before is None. Raises Gap where one before it is missing."""
        if self.position is None:
            return None  # it is not known in which epoch it counts
        epoch, seq = self.position.epoch, int(event["seq"])
        if seq <= self.position.seq:
            return None
        if seq > self.position.seq + 1:
            return self._missed(epoch, seq)
        self.position = Position(epoch, seq)
        return entry_of(event, epoch)

    def take_live(self, event: Mapping[str, Any]) -> Live | Reset | None:
        """Take `live`. Raises Gap where its position is not the one that was reached."""
        told = Position(event["epoch"], event["seq"])
        if self.position is None:
            self.position = told
        if told != self.position:
            return self._missed(told.epoch, told.seq)
        return Live(self.room_id, told.epoch, told.seq)

    def take_reset(self, event: Mapping[str, Any]) -> Reset:
        """Take `reset`, which sets the position."""
        self.position = Position(event["epoch"], event["seq"])
        return Reset(self.room_id, event["epoch"], event["seq"])

    def _missed(self, epoch: str, seq: int) -> Reset:
        """Raise Gap, or where that was of no use do as on a reset."""
        assert self.position is not None  # noqa: S101 - the callers have looked
        at, count = self._gaps_at or (self.position, 0)
        count = count + 1 if at == self.position else 1
        if count < MOST_GAPS:
            self._gaps_at = (self.position, count)
            raise Gap
        self._gaps_at = None
        self.position = Position(epoch, seq)
        return Reset(self.room_id, epoch, seq)
