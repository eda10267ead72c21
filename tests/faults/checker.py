"""Checks a history, and names everything in it that Tailwire's promises rule out.

python -m tests.faults.checker HISTORY.jsonl ...

    lost-write    an acked change is not in the store, or not at the seq or with the content that was acked
    duplicate     one (user, ref) has two seqs, or a client was given an entry twice
    nonmonotonic  a client was given an entry older than the one before it, or was live at an older one
    skipped       a client was given a later entry than the next, or was whole without having everything
    inconsistent  one place in a log held two different things, or one ref had two outcomes
    phantom       a client was given an entry that the store does not hold, or a refused change was stored
    leaked        a client was given something of a room after it was answered that it is out
    after-delete  something about a message is stored after its delete
    not-erased    something of a deleted message can still be read
    diverged      a client or a node makes something else of a message than the fold of the log
    miscounted    the unread messages, the pins or the mentions are not those of the log

The words are Jepsen's where Jepsen has one. Pure: from records to violations. The last four are in states.py.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.faults.history import History, Record, What, read
from tests.faults.log import CHANGES, Content, Fault, Key, Log, Place, Violation, content_of, place_of
from tests.faults.states import check_states


def check(history: Iterable[Record]) -> list[Violation]:
    """Return all violations in a history, in no particular order."""
    records = list(history)
    log = Log(records)
    return [
        *_in_the_store(records, log),
        *_of_writes(records, log),
        *_of_reads(records, log),
        *outsiders(records),
        *check_states(records, log),
    ]


def _in_the_store(records: list[Record], log: Log) -> list[Violation]:
    """Check the final log: it must be dense, with one place for each ref."""
    found: list[Violation] = []
    seqs: defaultdict[str, list[int]] = defaultdict(list)
    places: defaultdict[tuple[Key, str | None], set[Place]] = defaultdict(set)
    for record in records:
        if record.what is What.STORED and record.seq is not None:
            seqs[record.room].append(record.seq)
        # A ref that a delete has erased is still known to those who were given the entry before.
        if record.what in {What.STORED, What.RECEIVE} and record.ref is not None:
            places[(record.user, record.ref), record.epoch].add(place_of(record))
    for room in seqs.keys() | log.heads.keys():
        times = Counter(seqs[room])
        found += [
            Violation(Fault.DUPLICATE, f"the log of {room} has {seq} {count} times")
            for seq, count in times.items()
            if count > 1
        ]
        head = max(log.heads.get(room, 0), *times, 0)
        first = min(log.floors.get(room, 0) + 1, *times, head + 1)
        missing = [seq for seq in range(first, head + 1) if seq not in times]
        if missing:
            found.append(
                Violation(Fault.SKIPPED, f"the log of {room} has no {missing[:5]}, its head is {head}")
            )
    found += [
        Violation(Fault.DUPLICATE, f"{key} is stored at {sorted(where, key=str)}")
        for (key, _epoch), where in places.items()
        if len(where) > 1
    ]
    return found


def _of_writes(records: list[Record], log: Log) -> list[Violation]:
    """Check what was sent: what is acked must be stored once, as it was sent; what is refused must not be stored."""
    found: list[Violation] = []
    sent: dict[Key, Record] = {}
    acked: dict[Key, Place] = {}
    refused: dict[Key, Record] = {}
    for record in records:
        key = (record.user, record.ref)
        match record.what:
            case What.ACK if record.ref is None:
                found += _done(record, log)
            case What.ACK:
                refused.pop(key, None)
                found += _acked(record, log, acked)
            case What.KNOWN if record.epoch == log.epochs.get(record.room):
                found += _acked(record, log, acked)
            case What.INVOKE if record.ref is not None:
                sent[key] = record
                refused.pop(key, None)
            case What.FAIL if record.ref is not None:
                refused[key] = record
    return [
        *found,
        *_of_refusals(records, log, acked, refused),
        *_shared_places(acked, sent),
        *_unclaimed(records, log, sent, acked, refused),
    ]


def _acked(ack: Record, log: Log, acked: dict[Key, Place]) -> list[Violation]:
    """Check one ack, and note its place. An edit over HTTP is answered without one."""
    key = (ack.user, ack.ref)
    if ack.seq is None:
        sent = (ack.user, ack.kind, ack.fields)
        is_stored = any(
            (one.user, one.kind, one.sent()) == sent for _, one in log.changes(ack.room, _target(ack))
        )
        if is_stored or log.is_deleted(ack.room, _target(ack)):
            return []
        return [Violation(Fault.LOST_WRITE, f"{key} was acked and is not stored")]
    found: list[Violation] = []
    place = log.place(ack)
    if acked.setdefault(key, place) != place:
        found.append(Violation(Fault.DUPLICATE, f"{key} was acked as {acked[key]} and as {place}"))
    if not log.is_unseen(ack.room, ack.seq) and not log.keeps(content_of(ack), place):
        found.append(Violation(Fault.LOST_WRITE, f"{key} was acked as {place}: {log.stored.get(place)}"))
    return found


def _target(record: Record) -> int | None:
    return (record.fields or {}).get("target")


def _done(record: Record, log: Log) -> list[Violation]:
    """Check an answer over HTTP that something is done, which has no ref and no place."""
    room, target, fields = record.room, _target(record), record.fields or {}
    changes = [content for _, content in log.changes(room, target) if content.kind == record.kind]
    match record.kind:
        case "reaction" if fields.get("added"):
            is_done = any(one.user == record.user and one.sent() == fields for one in changes)
        case "pin" if fields.get("pinned"):
            is_done = any(one.sent() == fields for one in changes)
        case "delete":
            is_done = bool(changes)
        case _:
            return []  # it may not have been so before, and then there is no entry
    if is_done or log.is_unseen(room, target):
        return []
    return [Violation(Fault.LOST_WRITE, f"{content_of(record)} was answered as done and is not stored")]


def _of_refusals(
    records: list[Record], log: Log, acked: dict[Key, Place], refused: dict[Key, Record]
) -> list[Violation]:
    # What was stored before the store was set back is refused with `reset` when it is sent again.
    known = {(record.user, record.ref) for record in records if record.what is What.KNOWN}
    found = [
        Violation(Fault.PHANTOM, f"{key} was refused as {record.code} and is stored")
        for key, record in refused.items()
        if key in log.refs and key not in acked and not (record.code == "reset" and key in known)
    ]
    for record in records:
        if record.what is not What.FAIL or record.code != "deleted":
            continue
        key = (record.user, record.ref)
        target = _target(record) or (record.fields or {}).get("reply_to")
        if record.ref is not None and key in acked:
            found.append(Violation(Fault.INCONSISTENT, f"{key} was refused as deleted, and acked"))
        if not log.is_unseen(record.room, target) and not log.is_deleted(record.room, target):
            found.append(
                Violation(Fault.INCONSISTENT, f"{key} was refused as deleted, but {target} is not deleted")
            )
    return found


def _shared_places(acked: dict[Key, Place], sent: dict[Key, Record]) -> list[Violation]:
    """Check that no two refs were acked with one entry. Deletes of one message are."""
    found: list[Violation] = []
    owners: dict[Place, Key] = {}
    for key, place in acked.items():
        if owners.setdefault(place, key) != key and key in sent and sent[key].kind != "delete":
            found.append(Violation(Fault.LOST_WRITE, f"{key} and {owners[place]} were acked as {place}"))
    return found


def _unclaimed(
    records: list[Record],
    log: Log,
    sent: dict[Key, Record],
    acked: dict[Key, Place],
    refused: dict[Key, Record],
) -> list[Violation]:
    """Check that each entry after the floors is one that was acked, or one command of those that may have become it.

    Only messages show their ref, until they are deleted. So what was not acked is known by its author and what it says.
    """
    claimed = {*acked.values(), *(place for key, place in log.refs.items() if key in sent)}
    candidates = [
        one for key, one in sent.items() if not {key} & (acked.keys() | refused.keys() | log.refs.keys())
    ]
    candidates += [one for one in records if one.what is What.INVOKE and one.ref is None]
    left = Counter(_signature(one.room, content_of(one)) for one in candidates)
    left_erased = Counter(_signature(one.room, content_of(one).erased()) for one in candidates)
    users = {one.user for one in records if one.what is What.INVOKE}
    found: list[Violation] = []
    for place, content in sorted(log.stored.items(), key=lambda item: (log.is_erased(item[0]), item[0][2])):
        if place in claimed or log.is_old(place) or content.kind not in {"message", *CHANGES}:
            continue
        if content.user not in users and content.ref is None:
            continue  # not of these clients
        is_erased = log.is_erased(place)
        signature = _signature(place[0], content.erased() if is_erased else content)
        if (left_erased if is_erased else left)[signature] > 0:
            left[signature] -= not is_erased
            left_erased[_signature(place[0], content.erased())] -= 1
            continue
        was_sent = any(
            _signature(one.room, content_of(one)) == signature for one in records if one.what is What.INVOKE
        )
        fault = Fault.DUPLICATE if was_sent else Fault.PHANTOM
        found.append(Violation(fault, f"{content} is stored at {place}, and nothing that was sent can be it"))
    return found


def _signature(room: str, content: Content) -> tuple[str, str | None, str | None, str]:
    return room, content.kind, content.user, str(sorted(content.sent().items()))


def _of_reads(records: list[Record], log: Log) -> list[Violation]:
    """Check that each client got every entry after its position, once and in order, and the same as all others."""
    found: list[Violation] = []
    seen: dict[Place, Content] = {}
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
            place, content = place_of(record), content_of(record)
            if not log.is_same(seen.setdefault(place, content), content, place):
                found.append(Violation(Fault.INCONSISTENT, f"{place} was {seen[place]} and {content}"))
    return [*found, *_unlike_the_store(seen, log), *_of_logs(records, log)]


def _of_logs(records: list[Record], log: Log) -> list[Violation]:
    """Check that each node has the whole log, as the first one has it. What is deleted is erased on all of them."""
    found: list[Violation] = []
    read: defaultdict[tuple[str, str], set[Place]] = defaultdict(set)
    for record in records:
        if record.what is What.READ:
            place, content = place_of(record), content_of(record)
            read[record.client, record.room].add(place)
            if log.stored.get(place) != content:
                where = f"{record.client} has {content} at {place}: {log.stored.get(place)}"
                found.append(Violation(Fault.INCONSISTENT, where))
    for (client, room), places in read.items():
        missing = [place for place in log.stored if place[0] == room and place not in places]
        if missing:
            found.append(Violation(Fault.SKIPPED, f"the log of {client} has no {missing[:5]}"))
    return found


def _unlike_the_store(seen: dict[Place, Content], log: Log) -> list[Violation]:
    found: list[Violation] = []
    for place, content in seen.items():
        if place not in log.stored:
            found.append(Violation(Fault.PHANTOM, f"{place} was given and is not stored: {content}"))
        elif not log.is_same(content, log.stored[place], place):
            found.append(
                Violation(Fault.INCONSISTENT, f"{place} was given as {content}: {log.stored[place]}")
            )
    return found


def _step(before: int, seq: int) -> Fault | None:
    if seq == before + 1:
        return None
    if seq > before:
        return Fault.SKIPPED
    return Fault.DUPLICATE if seq == before else Fault.NONMONOTONIC


def outsiders(records: Iterable[Record]) -> list[Violation]:
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
                    found.append(Violation(Fault.LEAKED, f"{record.client} was given {place_of(record)}"))
                    break
    return found


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
