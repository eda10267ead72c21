"""Checks a history, and names everything in it that Tailwire's promises rule out.

python -m tests.faults.checker HISTORY.jsonl ...

    lost-write    an acked message is not in the store, or not at the seq or with the body that was acked
    duplicate     one (user, ref) has two seqs, or a client was given an entry twice
    nonmonotonic  a client was given an entry older than the one before it, or was live at an older one
    skipped       a client was given a later entry than the next, or was whole without having everything
    inconsistent  one place in a log held two different things
    phantom       a client was given an entry that the store does not hold, or a refused message was stored
    leaked        a client was given something of a room after it was answered that it is out

The words are Jepsen's where Jepsen has one. Pure: from records to violations.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from tests.faults.history import History, Record, What, read


class Fault(StrEnum):
    """The name of a violation."""

    LOST_WRITE = "lost-write"
    DUPLICATE = "duplicate"
    NONMONOTONIC = "nonmonotonic"
    SKIPPED = "skipped"
    INCONSISTENT = "inconsistent"
    PHANTOM = "phantom"
    LEAKED = "leaked"


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault, and a text that says where."""

    fault: Fault
    where: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.where}"


_Place: TypeAlias = tuple[str, str | None, int]  # room, epoch, seq
_Content: TypeAlias = tuple[str | None, str | None, str | None]  # user, ref, body
_Key: TypeAlias = tuple[str | None, str | None]  # user, ref


def check(history: Iterable[Record]) -> list[Violation]:
    """Return all violations in a history, in no particular order."""
    records = list(history)
    stored = {_place(record): _content(record) for record in records if record.what is What.STORED}
    return [
        *_in_the_store(records),
        *_of_writes(records, stored),
        *_of_reads(records, stored),
        *_of_outsiders(records),
    ]


def _in_the_store(records: list[Record]) -> list[Violation]:
    """Check the final log: it must be dense, with one place for each ref."""
    found: list[Violation] = []
    seqs: defaultdict[str, list[int]] = defaultdict(list)
    places: defaultdict[_Key, set[_Place]] = defaultdict(set)
    heads: dict[str, int] = {}
    floors: dict[str, int] = {}
    for record in records:
        if record.what is What.FLOOR and record.seq is not None:
            floors[record.room] = record.seq
        if record.what is What.HEAD and record.seq is not None:
            heads[record.room] = record.seq
        if record.what is What.STORED and record.seq is not None:
            seqs[record.room].append(record.seq)
            if record.ref is not None:
                places[record.user, record.ref].add(_place(record))
    for room in seqs.keys() | heads.keys():
        times = Counter(seqs[room])
        found += [
            Violation(Fault.DUPLICATE, f"the log of {room} has {seq} {count} times")
            for seq, count in times.items()
            if count > 1
        ]
        head = max(heads.get(room, 0), *times, 0)
        missing = [seq for seq in range(floors.get(room, 0) + 1, head + 1) if seq not in times]
        if missing:
            found.append(
                Violation(Fault.SKIPPED, f"the log of {room} has no {missing[:5]}, its head is {head}")
            )
    found += [
        Violation(Fault.DUPLICATE, f"{key} is stored at {sorted(where, key=str)}")
        for key, where in places.items()
        if len(where) > 1
    ]
    return found


def _of_writes(records: list[Record], stored: dict[_Place, _Content]) -> list[Violation]:
    """Check the messages: an acked one must be stored once, as it was written; a refused one must not be stored."""
    found: list[Violation] = []
    bodies: dict[_Key, str | None] = {}
    acked: dict[_Key, _Place] = {}
    refused: dict[_Key, Record] = {}
    for record in records:
        key = (record.user, record.ref)
        if record.what is What.INVOKE:
            bodies.setdefault(key, record.body)
            refused.pop(key, None)
        elif record.what is What.FAIL:
            refused[key] = record
        elif record.what is What.ACK:
            place = _place(record)
            refused.pop(key, None)
            if acked.setdefault(key, place) != place:
                found.append(Violation(Fault.DUPLICATE, f"{key} was acked as {acked[key]} and as {place}"))
            content = (*key, bodies.get(key))
            if stored.get(place) != content:
                found.append(Violation(Fault.LOST_WRITE, f"{key} was acked as {place}: {stored.get(place)}"))
    kept = {(user, ref) for user, ref, _ in stored.values() if ref is not None}
    found += [
        Violation(Fault.PHANTOM, f"{key} is stored, and nobody sent it") for key in kept - bodies.keys()
    ]
    found += [
        Violation(Fault.PHANTOM, f"{key} was refused as {record.code} and is stored")
        for key, record in refused.items()
        if key in kept and key not in acked
    ]
    return found


def _of_reads(records: list[Record], stored: dict[_Place, _Content]) -> list[Violation]:
    """Check that each client got every entry after its position, once and in order, and the same as all others."""
    found: list[Violation] = []
    seen: dict[_Place, _Content] = {}
    last: dict[tuple[str, str], int] = {}  # by client and room
    for record in records:
        who, seq = (record.client, record.room), record.seq
        if seq is None:
            continue
        if record.what in {What.SUBSCRIBE, What.RESET}:
            last[who] = seq
        elif record.what in {What.LIVE, What.WHOLE}:
            had = last.get(who, seq)
            if had < seq or (had > seq and record.what is What.LIVE):
                fault = Fault.SKIPPED if had < seq else Fault.NONMONOTONIC
                found.append(Violation(fault, f"{who} was {record.what} at {seq} and had {had}"))
        elif record.what is What.RECEIVE:
            before = last.get(who, seq - 1)
            last[who] = max(seq, before)
            wrong = _step(before, seq)
            if wrong is not None:
                found.append(Violation(wrong, f"{who} was given {seq} after {before}"))
            place, content = _place(record), _content(record)
            if seen.setdefault(place, content) != content:
                found.append(Violation(Fault.INCONSISTENT, f"{place} was {seen[place]} and {content}"))
    return [*found, *_unlike_the_store(seen, stored)]


def _unlike_the_store(seen: dict[_Place, _Content], stored: dict[_Place, _Content]) -> list[Violation]:
    found: list[Violation] = []
    for place, content in seen.items():
        if place not in stored:
            found.append(Violation(Fault.PHANTOM, f"{place} was given and is not stored: {content}"))
        elif stored[place] != content:
            found.append(Violation(Fault.INCONSISTENT, f"{place} was given as {content}: {stored[place]}"))
    return found


def _step(before: int, seq: int) -> Fault | None:
    if seq == before + 1:
        return None
    if seq > before:
        return Fault.SKIPPED
    return Fault.DUPLICATE if seq == before else Fault.NONMONOTONIC


def _of_outsiders(records: list[Record]) -> list[Violation]:
    """Check that clients get nothing of a room that they have left, and nothing at all after a log-out."""
    found: list[Violation] = []
    # Until when something may still come, by client and room; the room "" stands for all.
    out: dict[tuple[str, str], float] = {}
    for record in records:
        if record.what is What.OUT:
            out[record.client, record.room] = record.at + (record.grace or 0)
        elif record.what is What.SUBSCRIBE:
            out.pop((record.client, record.room), None)  # the client is a member again
        elif record.what is What.RECEIVE:
            for room in (record.room, ""):
                if record.at > out.get((record.client, room), record.at):
                    found.append(Violation(Fault.LEAKED, f"{record.client} was given {_place(record)}"))
                    break
    return found


def _place(record: Record) -> _Place:
    return record.room, record.epoch, record.seq or 0


def _content(record: Record) -> _Content:
    return record.user, record.ref, record.body


def main(paths: list[str]) -> int:
    """Check files; return 1 when one of them has a violation."""
    count = 0
    for path in paths:
        history: History = read(Path(path).read_text().splitlines())
        violations = check(history)
        count += len(violations)
        print(f"{path}: {len(history)} records, {len(violations)} violations")
        for violation in violations:
            print(f"  {violation}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
