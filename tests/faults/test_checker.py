"""The checker itself is checked: it finds nothing in a sound history, and names each planted fault."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import check, main
from tests.faults.history import History, Record, What, read
from tests.faults.log import Fault


def sound() -> History:
    """Return a history: alice sends two messages, one of them twice for lack of an answer; bob misses the second."""
    history = History()

    def note(what: What, at: float, client: str = "", **fields: Any) -> None:
        history.append(Record(what, at, client, "lobby", "e", **fields))

    first: dict[str, Any] = {"user": "alice", "ref": "1", "kind": "message", "fields": {"body": "one"}}
    second: dict[str, Any] = {"user": "alice", "ref": "2", "kind": "message", "fields": {"body": "two"}}
    for client in ("alice", "bob"):
        note(What.SUBSCRIBE, 0, client, seq=0)
        note(What.LIVE, 0, client, seq=0)
    note(What.INVOKE, 1, "alice", **first)
    note(What.ACK, 2, "alice", **first, seq=1)
    note(What.RECEIVE, 2, "alice", **first, seq=1)
    note(What.RECEIVE, 2, "bob", **first, seq=1)
    note(What.INVOKE, 3, "alice", **second)
    note(What.UNKNOWN, 4, "alice", **second)
    note(What.INVOKE, 5, "alice", **second)
    note(What.ACK, 6, "alice", **second, seq=2)
    note(What.RECEIVE, 6, "alice", **second, seq=2)
    note(What.SUBSCRIBE, 7, "bob", seq=1)
    note(What.RECEIVE, 7, "bob", **second, seq=2)
    note(What.LIVE, 7, "bob", seq=2)
    note(What.WHOLE, 8, "alice", seq=2)
    note(What.WHOLE, 8, "bob", seq=2)
    note(What.STORED, 9, **first, seq=1)
    note(What.STORED, 9, **second, seq=2)
    note(What.HEAD, 9, seq=2)
    return history


def entry(  # noqa: PLR0917  the columns of a record
    what: What, at: float, client: str, seq: int, user: str, ref: str, body: str
) -> Record:
    """Return a record about a message of the lobby."""
    return Record(what, at, client, "lobby", "e", seq, user, ref, "message", {"body": body})


def place(history: History, what: What, client: str = "", **fields: object) -> int:
    """Return the index of the first record of this kind."""
    return next(
        index
        for index, record in enumerate(history)
        if record.what is what
        and record.client == client
        and all(getattr(record, name) == value for name, value in fields.items())
    )


def change(history: History, index: int, **fields: object) -> None:
    record = history[index]
    whole = {name: getattr(record, name) for name in Record.__slots__} | fields
    history[index] = Record(**whole)


def acked_and_not_stored(history: History) -> None:
    del history[place(history, What.STORED, seq=2)]
    change(history, place(history, What.HEAD), seq=1)
    for _ in range(2):
        del history[place(history, What.RECEIVE, "bob" if _ else "alice", seq=2)]
    for client in ("alice", "bob"):
        change(history, place(history, What.WHOLE, client), seq=1)
    change(history, place(history, What.LIVE, "bob", at=7), seq=1)


def acked_with_another_body(history: History) -> None:
    for index, record in enumerate(history):
        if record.what in {What.STORED, What.RECEIVE} and record.seq == 2:
            change(history, index, fields={"body": "too"})


def retry_stored_again(history: History) -> None:
    history.insert(-1, entry(What.STORED, 9, "", 3, "alice", "2", "two"))
    change(history, len(history) - 1, seq=3)


def retry_acked_with_another_seq(history: History) -> None:
    history.insert(
        place(history, What.SUBSCRIBE, "bob", at=7),
        entry(What.ACK, 6.5, "alice", 1, "alice", "2", "two"),
    )


def given_twice(history: History) -> None:
    index = place(history, What.RECEIVE, "alice", seq=2)
    history.insert(index, history[index])


def given_backwards(history: History) -> None:
    first = place(history, What.RECEIVE, "alice", seq=1)
    history.insert(place(history, What.WHOLE, "alice"), history[first])


def hole_between_replay_and_live(history: History) -> None:
    del history[place(history, What.RECEIVE, "bob", seq=2)]


def live_before_what_was_given(history: History) -> None:
    change(history, place(history, What.LIVE, "bob", at=7), seq=1)


def hole_in_the_stream(history: History) -> None:
    del history[place(history, What.RECEIVE, "alice", seq=1)]


def hole_at_the_end(history: History) -> None:
    del history[place(history, What.RECEIVE, "alice", seq=2)]


def hole_in_the_log(history: History) -> None:
    for index, record in enumerate(history):
        if record.seq == 2:
            change(history, index, seq=3)


def two_bodies_at_one_place(history: History) -> None:
    change(history, place(history, What.RECEIVE, "bob", seq=1), fields={"body": "won"})


def given_and_not_stored(history: History) -> None:
    ghost = entry(What.RECEIVE, 6, "alice", 3, "mallory", "9", "boo")
    history.insert(place(history, What.WHOLE, "alice"), ghost)


def refused_and_stored(history: History) -> None:
    for index, record in enumerate(history):
        if record.what is What.ACK and record.ref == "2":
            change(history, index, what=What.FAIL, seq=None, code="storage_full")


def stored_and_never_sent(history: History) -> None:
    history.insert(-1, entry(What.STORED, 9, "", 3, "mallory", "9", "boo"))


def given_after_leaving(history: History) -> None:
    history.insert(
        place(history, What.INVOKE, "alice", ref="2"), Record(What.OUT, 3, "alice", "lobby", grace=1.0)
    )


def given_after_log_out(history: History) -> None:
    history.insert(place(history, What.INVOKE, "alice", ref="2"), Record(What.OUT, 3, "alice", grace=1.0))


PLANTED: list[tuple[Callable[[History], None], Fault]] = [
    (acked_and_not_stored, Fault.LOST_WRITE),
    (acked_with_another_body, Fault.LOST_WRITE),
    (retry_stored_again, Fault.DUPLICATE),
    (retry_acked_with_another_seq, Fault.DUPLICATE),
    (given_twice, Fault.DUPLICATE),
    (given_backwards, Fault.NONMONOTONIC),
    (live_before_what_was_given, Fault.NONMONOTONIC),
    (hole_between_replay_and_live, Fault.SKIPPED),
    (hole_in_the_stream, Fault.SKIPPED),
    (hole_at_the_end, Fault.SKIPPED),
    (hole_in_the_log, Fault.SKIPPED),
    (two_bodies_at_one_place, Fault.INCONSISTENT),
    (given_and_not_stored, Fault.PHANTOM),
    (refused_and_stored, Fault.PHANTOM),
    (stored_and_never_sent, Fault.PHANTOM),
    (given_after_leaving, Fault.LEAKED),
    (given_after_log_out, Fault.LEAKED),
]


def test_a_sound_history_has_no_violation() -> None:
    assert check(sound()) == []


@pytest.mark.parametrize(
    ("plant", "fault"), PLANTED, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_what_is_planted_is_named(plant: Callable[[History], None], fault: Fault) -> None:
    history = sound()
    plant(history)
    assert fault in {violation.fault for violation in check(history)}


def test_leaving_is_no_leak_for_what_comes_within_its_grace_or_after_coming_back() -> None:
    history = sound()
    history.insert(
        place(history, What.ACK, "alice", ref="1"), Record(What.OUT, 1.5, "alice", "lobby", grace=1.0)
    )
    history.insert(
        place(history, What.INVOKE, "alice", ref="2"), Record(What.SUBSCRIBE, 2.5, "alice", "lobby", "e", 1)
    )
    assert check(history) == []


def test_the_command_reads_what_was_written_and_says_so_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = sound()
    history.write(tmp_path / "sound.jsonl")
    assert read((tmp_path / "sound.jsonl").read_text().splitlines()) == history
    given_twice(history)
    history.write(tmp_path / "bad.jsonl")
    assert main([str(tmp_path / "sound.jsonl")]) == 0
    assert main([str(tmp_path / "sound.jsonl"), str(tmp_path / "bad.jsonl")]) == 1
    assert "duplicate" in capsys.readouterr().out
