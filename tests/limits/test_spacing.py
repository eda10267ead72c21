"""What is told again and again is told at once, and then no more often than it may be."""

from itertools import pairwise
from random import Random

import pytest

from api.limits.spacing import Spacing


def spacing() -> Spacing[str, list[int]]:
    return Spacing(2.0, lambda before, now: before + now)


def test_the_first_is_told_at_once_and_what_follows_together_after_the_time() -> None:
    spaced = spacing()
    assert spaced.put("a", [1], 0.0) == [1]
    assert spaced.put("a", [2], 0.5) is None
    assert spaced.put("a", [3], 1.0) is None
    assert spaced.put("b", [9], 1.0) == [9]
    assert spaced.due(1.9) == []
    assert spaced.due(2.0) == [("a", [2, 3])]
    assert spaced.due(9.0) == []


def test_what_waits_is_told_with_the_next_that_comes_after_the_time() -> None:
    spaced = spacing()
    spaced.put("a", [1], 0.0)
    spaced.put("a", [2], 1.0)
    assert spaced.put("a", [3], 2.5) == [2, 3]
    assert spaced.put("a", [4], 4.4) is None
    assert spaced.due(4.5) == [("a", [4])]


@pytest.mark.parametrize("seed", range(50))
def test_nothing_is_lost_and_nothing_comes_too_soon(seed: int) -> None:
    chance, spaced, now = Random(seed), spacing(), 0.0  # noqa: S311  no secret
    put: dict[str, list[int]] = {key: [] for key in "abc"}
    told: dict[str, list[int]] = {key: [] for key in "abc"}
    times: dict[str, list[float]] = {key: [] for key in "abc"}
    for number in range(200):
        now += chance.choice([0.0, 0.1, 0.7, 3.0])
        key = chance.choice("abc")
        put[key].append(number)
        through = [(key, spaced.put(key, [number], now))]
        through += spaced.due(now) if chance.random() < 0.2 else []
        for one, value in through:
            if value is not None:
                told[one] += value
                times[one].append(now)
    for key, value in spaced.due(now + 2):
        told[key] += value
    assert told == put
    assert all(later - earlier >= 2 for at in times.values() for earlier, later in pairwise(at))
    assert len(spaced._told) <= 3
