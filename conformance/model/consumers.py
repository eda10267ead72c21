"""The consumers of the scripted server. Pure."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.model.rooms import Event, Refused, Room

Positions = dict[str, tuple[str, int]]


@dataclass
class Consumer:
    """A position that the server keeps."""

    name: str
    acked: Positions = field(default_factory=dict)
    given: dict[str, Positions] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def page(self, rooms: Iterable[Room]) -> Mapping[str, Any]:
        """Return what was not acknowledged yet, with a token for it."""
        items: list[Event] = []
        reached: Positions = {}
        for room in rooms:
            epoch, seq = self.acked.get(room.id, (room.epoch, 0))
            if epoch != room.epoch:
                seq = min(seq, room.restored_to)
                items.append({"type": "reset", "room_id": room.id, "epoch": room.epoch, "seq": seq})
                reached[room.id] = (room.epoch, seq)
            fresh = [{**one, "epoch": room.epoch} for one in room.after(seq)]
            if fresh:
                items += fresh
                reached[room.id] = (room.epoch, room.head)
        if not items:
            return {"items": [], "token": None, "has_more": False}
        token = f"{self.name}-{next(self._numbers)}"
        self.given[token] = reached
        return {"items": items, "token": token, "has_more": False}

    def ack(self, token: str) -> None:
        """Take what came with a token as handled. Raises Refused for a token that was not given."""
        if token not in self.given:
            raise Refused("bad_cursor", 422)
        for room_id, (epoch, seq) in self.given[token].items():
            before = self.acked.get(room_id)
            if before is None or before[0] != epoch or before[1] < seq:
                self.acked[room_id] = (epoch, seq)

    def forget_tokens(self) -> None:
        """Do as after a restore: a token of before is not known."""
        self.given.clear()

    @property
    def shown(self) -> Mapping[str, Any]:
        """The consumer as it is told to clients."""
        return {
            "name": self.name,
            "room_ids": None,
            "start": "beginning",
            "created_at": "2026-11-29T09:30:00.000Z",
            "acked_at": None,
            "lag": 0,
        }
