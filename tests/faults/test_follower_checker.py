"""The checker of followers finds what may not happen."""

import pytest

from tests.faults.follower_cases import wrong_effects, wrong_positions
from tests.faults.following import Effect


def effects(*rows: tuple[str, int, int, int]) -> list[Effect]:
    return [Effect(room_id, "epoch", seq, number, pid) for room_id, seq, number, pid in rows]


GOOD = effects(("a", 1, 1, 100), ("b", 1, 1, 100), ("a", 2, 2, 200), ("b", 2, 2, 200))


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert list(wrong_effects(GOOD)) == []
    assert list(wrong_positions(GOOD, {"a": 1}, {"a": 2, "b": 1})) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(effects(("a", 1, 1, 1), ("a", 3, 1, 1)), "not in the order", id="an entry left out"),
        pytest.param(effects(("a", 2, 1, 1), ("a", 1, 1, 1)), "not in the order", id="the wrong order"),
        pytest.param(effects(("a", 1, 2, 2), ("a", 2, 1, 1)), "a lower number", id="a late writer"),
        pytest.param(effects(("a", 1, 1, 1), ("a", 2, 1, 2)), "two processes", id="two with one number"),
    ],
)
def test_what_is_wrong_with_effects_is_found(bad: list[Effect], said: str) -> None:
    (found,) = wrong_effects(bad)
    assert said in found


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [({}, {"a": 3}, "the last effect 2"), ({}, {"c": 1}, "the last effect 0"), ({"a": 2}, {"a": 1}, "went back")],
)  # fmt: skip
def test_what_is_wrong_with_positions_is_found(
    before: dict[str, int], now: dict[str, int], said: str
) -> None:
    (found,) = wrong_positions(GOOD, before, now)
    assert said in found
