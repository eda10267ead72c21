"""What the rows of changefeeds mean."""

from itertools import pairwise
from typing import Any

import pytest

from api.models.changes import Grown
from api.store.cluster.feeds import NEWS, Written, growth

HEAD = {
    "id": "den",
    "epoch": "e",
    "seq": 5,
    "flushed": 3,
    "number": 4,
    "mentioned": [[2, ["old"]], [5, ["bob"]]],
}


def written(old: Any, new: Any) -> Written:
    news = NEWS["heads"]({"id": "den", "old": old, "new": new})
    assert isinstance(news, Written)
    return news


def grown(old: Any, new: Any) -> list[Grown]:
    return growth([written(old, new)])


def test_a_head_that_has_grown_tells_by_how_many_messages_and_whom_the_new_ones_mention() -> None:
    before = HEAD | {"seq": 3, "number": 2}
    assert grown(before, HEAD) == [Grown("den", "e", 5, 2, frozenset({"bob"}))]
    assert grown(None, HEAD) == [Grown("den", "e", 5, 4, frozenset({"old", "bob"}))]
    assert grown(HEAD, HEAD | {"flushed": 5}) == []


def test_several_writes_of_a_head_are_told_as_one() -> None:
    steps = [
        HEAD | {"seq": seq, "number": seq - 1, "mentioned": [[seq, [f"user {seq}"]]]} for seq in (5, 6, 7)
    ]
    told = growth([written(old, new) for old, new in pairwise(steps)])
    assert told == [Grown("den", "e", 7, 2, frozenset({"user 6", "user 7"}))]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"mentioned": 7},
        {"mentioned": [7, [1], ["x", ["y"]], [5, "bob"], [5, [7]]]},
        {"number": "many", "mentioned": None},
    ],
)
def test_a_head_that_notes_nonsense_tells_only_that_it_has_grown(nonsense: dict[str, Any]) -> None:
    before = HEAD | {"seq": 4, "number": 4, "mentioned": []}
    assert grown(before, HEAD | nonsense) == [Grown("den", "e", 5, 0, frozenset())]
