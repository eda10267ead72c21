"""What the client has shown, checked as it comes: each entry once, in order, without holes."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from conformance.model.rooms import Room

Line = Mapping[str, Any]
Position = tuple[str, int]


class Shown:
    """Takes the lines of a client. `violations` are the sentences in which it was wrong."""

    def __init__(self, rooms: Mapping[str, Room]) -> None:
        self._rooms = rooms
        self._repeats: set[str] = set()
        self.lines: list[Line] = []
        self.violations: list[str] = []
        self.positions: dict[str, Position] = {}
        """Up to where each room was shown."""
        self.entries: dict[str, list[Line]] = defaultdict(list)
        """The entries that were shown, by room."""

    def restarted(self) -> None:
        """The program was killed: it may show again what it had shown and not noted yet, and skips nothing."""
        self._repeats = set(self.positions)

    def of(self, kind: str, **fields: Any) -> list[Line]:
        """Return the lines of a type with these fields."""
        return [one for one in self.lines if one["type"] == kind and fields.items() <= one.items()]

    def seqs(self, room_id: str = "lobby") -> list[int]:
        """Return the seqs of the entries that were shown of a room."""
        return [one["seq"] for one in self.entries[room_id]]

    def take(self, line: Line) -> None:
        """Take a line."""
        self.lines.append(line)
        match line["type"]:
            case "entry":
                self._entry(line)
            case "live":
                self._live(line)
            case "reset":
                self._repeats.discard(line["room_id"])
                self.positions[line["room_id"]] = (line["epoch"], line["seq"])

    def _entry(self, line: Line) -> None:
        room_id, seq = line["room_id"], line["seq"]
        self.entries[room_id].append(line)
        epoch, before = self.positions.get(room_id, (line["epoch"], seq - 1))
        if line["epoch"] != epoch:
            self._wrong(line, f"the epoch is {epoch}, and no reset was shown")
        elif room_id in self._repeats and seq <= before:
            pass
        elif seq <= before:
            self._wrong(line, f"the room was shown up to seq {before} already")
        elif seq > before + 1:
            self._wrong(line, f"seq {before + 1} was never shown, and no reset either")
        self._repeats.discard(room_id)
        self.positions[room_id] = (line["epoch"], seq)
        room = self._rooms.get(room_id)
        if (
            room is not None
            and room.epoch == line["epoch"]
            and seq <= room.head
            and line.get("body") is not None
        ):
            body = room.entries[seq - 1].get("body")
            if body != line["body"]:
                self._wrong(line, f"the message with this seq says {body!r}")

    def _live(self, line: Line) -> None:
        room_id, position = line["room_id"], (line["epoch"], line["seq"])
        before = self.positions.setdefault(room_id, position)
        if before != position and room_id not in self._repeats:
            self._wrong(line, f"the room was shown up to {before}, and no reset was shown")
        self.positions[room_id] = position

    def _wrong(self, line: Line, why: str) -> None:
        self.violations.append(f"It has shown {dict(line)}, but {why}.")
