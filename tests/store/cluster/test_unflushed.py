"""What a node knows of its own appends: no database, no waiting."""

from typing import Any

from api.models.log import Kind
from api.store.cluster.unflushed import Unflushed


def row(seq: int, id_: str, *, kind: Kind = Kind.MESSAGE, attempt: str = "a") -> dict[str, Any]:
    return {"seq": seq, "id": id_, "kind": kind.value, "attempt": attempt}


def seqs(rows: list[dict[str, Any]] | None) -> list[int] | None:
    return None if rows is None else [one["seq"] for one in rows]


def test_entries_are_known_when_all_of_them_are_messages_of_this_life_and_the_newest_of_this_append() -> None:
    unflushed = Unflushed()
    unflushed.remember("room", "one", [row(1, "x"), row(2, "y"), row(3, "z", attempt="b")])
    assert seqs(unflushed.messages("room", "one", "b", 0, 3)) == [1, 2, 3]
    assert seqs(unflushed.messages("room", "one", "b", 2, 3)) == [3]
    assert unflushed.messages("room", "one", "a", 0, 3) is None
    assert unflushed.messages("room", "two", "b", 0, 3) is None
    assert unflushed.messages("room", "one", "b", 0, 4) is None
    assert unflushed.messages("other", "one", "b", 0, 3) is None
    unflushed.remember("room", "one", [row(4, "d", kind=Kind.DELETE, attempt="c")])
    assert unflushed.messages("room", "one", "c", 3, 4) is None


def test_what_is_flushed_or_of_another_life_is_forgotten() -> None:
    unflushed = Unflushed()
    unflushed.remember("room", "one", [row(1, "x"), row(2, "y")])
    assert unflushed.newest("room") == ("one", 2)
    unflushed.forget("room", "one", 1)
    assert (unflushed.row("x"), unflushed.row("y")) == (None, row(2, "y"))
    unflushed.remember("room", "two", [row(1, "z")])
    assert (len(unflushed), unflushed.newest("room")) == (1, ("two", 1))
    unflushed.forget("room", "three", 0)
    assert (len(unflushed), unflushed.newest("room")) == (0, ("", 0))


def test_another_entry_at_a_known_seq_is_of_another_life() -> None:
    unflushed = Unflushed()
    unflushed.remember("room", "one", [row(4, "w"), row(5, "old")])
    unflushed.remember("room", "one", [row(5, "new"), row(6, "x")])
    assert seqs(unflushed.messages("room", "one", "a", 4, 6)) == [5, 6]
    assert unflushed.messages("room", "one", "a", 3, 6) is None
    assert [unflushed.row(id_) for id_ in ("w", "old")] == [None, None]


def test_a_ref_that_two_rooms_have_is_known_until_both_are_flushed() -> None:
    unflushed = Unflushed()
    unflushed.remember("one", "e", [row(1, "x")])
    unflushed.remember("two", "e", [row(7, "x")])
    unflushed.forget("one", "e", 1)
    assert unflushed.row("x") == row(7, "x")
    unflushed.forget("two", "e", 7)
    assert len(unflushed) == 0
