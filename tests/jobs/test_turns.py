"""Whose turn it is among the rooms of a follower."""

import pytest

from api.jobs import turns as module
from api.jobs.turns import FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, Turns


def test_rooms_have_their_turns_in_the_order_in_which_they_came_and_one_at_a_time() -> None:
    turns = Turns()
    for room in ("a", "b", "a", "c"):
        assert turns.add(room)
    assert [turns.take(0) for _ in range(4)] == ["a", "b", "c", None]


def test_a_room_that_has_more_to_do_or_comes_again_goes_to_the_end() -> None:
    turns = Turns()
    for room in ("busy", "quiet", "grows"):
        turns.add(room)
    assert turns.take(0) == "busy"
    turns.end("busy", has_more=True)
    assert turns.take(0) == "quiet"
    turns.end("quiet", has_more=False)
    assert turns.take(0) == "grows"
    turns.add("grows")
    assert turns.take(0) == "busy"
    assert turns.take(0) is None
    turns.end("grows", has_more=False)
    assert turns.take(0) == "grows"
    turns.end("grows", has_more=False)
    assert turns.take(0) is None


def test_a_room_that_fails_waits_longer_each_time_and_keeps_no_other_from_its_turn() -> None:
    turns, now, pauses = Turns(), 100.0, []
    turns.add("bad")
    for _ in range(12):
        assert turns.take(now) == "bad"
        assert turns.fail("bad", now)
        turns.add("bad")
        turns.add("good")
        assert turns.take(now) == "good"
        turns.end("good", has_more=False)
        assert turns.take(now) is None
        due = turns.next_retry()
        assert due is not None
        pauses.append(due - now)
        now = due
    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert pauses[-1] == MAX_PAUSE_SECONDS
    assert turns.take(now) == "bad"
    turns.end("bad", has_more=False)
    turns.add("bad")
    assert turns.take(now) == "bad"
    turns.fail("bad", now)
    assert turns.next_retry() == now + FIRST_PAUSE_SECONDS


def test_no_more_rooms_are_remembered_than_there_is_space_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    monkeypatch.setattr(module, "MAX_FAILING", 1)
    turns = Turns()
    assert [turns.add(room) for room in ("a", "b", "c", "a")] == [True, True, False, True]
    assert turns.take(0) == "a"
    assert turns.add("c")
    assert turns.fail("a", 0)
    assert turns.take(0) == "b"
    assert not turns.fail("b", 0)
