"""Appends in one update rest on nothing that the same update changes, and on nothing that has changed since."""

import asyncio
from collections import deque
from typing import Any

import pytest

from api.models.log import Draft
from api.store.cluster.heads import DELETES, KnownHead
from api.store.cluster.rows import row_of
from api.store.cluster.waiting import Guard, TargetChanged, Waiting, guards_of, next_batch
from api.store.shape import room_draft
from tests.store.make import ALICE, DEN, delete, edit, message, pin, reaction

pytestmark = pytest.mark.anyio


def waiting(draft: Draft, *guards: Guard) -> Waiting:
    made = asyncio.get_running_loop().create_future()
    return Waiting(row_of("den", draft), made, None, guards)


def guard(kind: str, target: int | None, spare: int = 0, as_of: int = 9, epoch: str = "e") -> Guard:
    return Guard(epoch, as_of, kind, target, spare)


def head(*, epoch: str = "e", trimmed: int = 0) -> KnownHead:
    return KnownHead(epoch, "", 20, 0, 0, 0, trimmed, 0, [], [], {})


def row(seq: int, kind: str, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "kind": kind, "data": data}


async def test_what_must_come_before_a_delete_is_not_appended_together_with_it() -> None:
    deletes = guard("delete", 1)
    queue = deque(
        [
            waiting(edit("e1", 1, "x"), deletes),
            waiting(delete("d1", 1), deletes),
            waiting(delete("d2", 2), guard("delete", 2)),
            waiting(edit("e2", 1, "y"), deletes),
            waiting(message("m1")),
            waiting(delete("d3", 1), deletes),
        ]
    )
    assert [len(next_batch(queue)) for _ in range(2)] == [3, 3]
    assert not queue


async def test_a_change_of_the_room_ends_its_batch_as_all_that_follows_must_look_at_the_room_again() -> None:
    queue = deque(
        waiting(made) for made in (message("m1"), room_draft(ALICE, DEN, 1), message("m2"), message("m3"))
    )
    assert [[one.row["kind"] for one in next_batch(queue)] for _ in range(2)] == [
        ["message", "room"],
        ["message", "message"],
    ]


async def test_a_batch_has_no_more_of_a_kind_than_there_is_space_for() -> None:
    queue = deque(waiting(reaction(f"r{n}", 1, f"{n}"), guard("reaction", 1, spare=2)) for n in range(5))
    queue += [waiting(reaction(f"x{n}", 2, f"{n}"), guard("reaction", 2, spare=2)) for n in range(2)]
    batches = [next_batch(queue) for _ in range(2)]
    assert [len(batch) for batch in batches] == [3, 4]
    assert sorted(one.spare for one in guards_of(batches[0])) == [0, 1, 2]


@pytest.mark.parametrize(
    ("held", "rested"),
    [
        (guard("delete", 1), True),
        (guard("delete", 3), False),
        (guard("delete", 3, as_of=12), True),
        (guard("pin", None, spare=1), False),
        (guard("pin", None, spare=2), True),
        (guard("pin", 4, spare=1), True),
        (guard("delete", 1, epoch="another"), False),
        (guard("delete", 1, as_of=4), False),  # the tail does not reach back so far
    ],
)
async def test_an_append_rests_on_what_has_not_come_since(held: Guard, rested: bool) -> None:
    tail = [
        row(8, "pin", target=1, pinned=True),
        row(10, "pin", target=4, pinned=True),
        row(11, "delete", target=3),
        row(12, "pin", target=5, pinned=True),
        row(13, "member", role=None),
        row(14, "message", body="x"),
    ]
    error = waiting(pin("p", 1), held).overtaken_by(head(trimmed=5), tail)
    assert (error is None) is rested
    assert rested or isinstance(error, TargetChanged)


@pytest.mark.parametrize(
    ("held", "is_met"),
    [
        (guard("delete", 1), True),
        (guard("delete", 3), False),
        (guard("delete", 3, as_of=11), True),
        (guard("delete", 1, as_of=4), False),  # a delete between 4 and 5 would not be known
        (guard("delete", 1, epoch="another"), False),
        (guard("pin", None, spare=1), False),
        (guard("pin", None, spare=1, as_of=20), True),
        (guard("", None, as_of=2**53), True),
        (guard("", None, as_of=2**53, epoch="another"), False),
    ],
)
def test_what_a_known_head_says_of_deletes_is_enough_for_an_answer(held: Guard, is_met: bool) -> None:
    known = head()
    known.whole_from = 5
    rows = [row(11, "delete", target=3), row(20, "message", body="x")]
    known.grow([one | {"attempt": "a", "id": f"{one['seq']}"} for one in rows], flushed=0, trimmed=0)
    assert held.is_met_by(known) is is_met


def test_a_known_head_with_many_deletes_forgets_them_and_says_so() -> None:
    known = head()
    rows = [row(20 + n, "delete", target=n) | {"attempt": "a", "id": f"{n}"} for n in range(1, DELETES + 2)]
    known.grow(rows[:-1], flushed=0, trimmed=0)
    assert guard("delete", 999).is_met_by(known)
    known.grow(rows[-1:], flushed=0, trimmed=0)
    assert not guard("delete", 999).is_met_by(known)
    assert guard("delete", 999, as_of=rows[-1]["seq"]).is_met_by(known)


async def test_of_guards_that_are_alike_the_strictest_is_asked() -> None:
    batch = [
        waiting(edit(f"e{n}", 1, "x"), guard("delete", 1, as_of=as_of)) for n, as_of in enumerate((9, 7, 8))
    ]
    assert guards_of(batch) == [guard("delete", 1, as_of=7)]
