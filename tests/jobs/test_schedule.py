"""What follows from an attempt to deliver: nothing is skipped but what the receiver refused again and again."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.jobs.schedule import (
    DOWN_MS,
    GAPS_SECONDS,
    MOST_REFUSALS,
    Done,
    GivenUp,
    Pauses,
    Waits,
    gap_ms,
    outcome_of,
    retry_after_ms,
    verdict_on,
)
from api.models.webhooks import Outcome, PausedBy, Trouble

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204, 299), Outcome.DELIVERED),
        (
            (None, 408, 429, 500, 502, 503, 504, 599, 100, 199, 300, 301, 302, 304, 307, 399, 600),
            Outcome.DOWN,
        ),
        ((400, 401, 403, 404, 405, 409, 413, 418, 422, 451, 499), Outcome.REFUSED),
        ((410,), Outcome.GONE),
    ],
)
def test_an_answer_means_what_the_rules_say(statuses: tuple[int | None, ...], outcome: Outcome) -> None:
    assert {outcome_of(status) for status in statuses} == {outcome}


def test_a_receiver_that_is_down_is_tried_by_the_schedule_then_daily_and_paused_after_30_days() -> None:
    now, trouble, waits = 1_000, None, list[int]()
    while True:
        verdict = verdict_on(503, seq=7, before=trouble, now=now)
        if isinstance(verdict, Pauses):
            break
        assert isinstance(verdict, Waits)
        trouble = verdict.trouble
        waits.append((trouble.next_at - now) // 1_000)
        now = trouble.next_at
    assert tuple(waits[: len(GAPS_SECONDS)]) == GAPS_SECONDS
    assert set(waits[len(GAPS_SECONDS) : -1]) == {86_400}
    assert verdict.by is PausedBy.DOWN
    assert now - 1_000 == DOWN_MS


def test_an_entry_that_is_refused_is_given_up_after_the_first_five_waits() -> None:
    now, trouble, waits = 0, None, list[int]()
    while isinstance(verdict := verdict_on(400, seq=7, before=trouble, now=now), Waits):
        trouble = verdict.trouble
        waits.append((trouble.next_at - now) // 1_000)
        now = trouble.next_at
    assert verdict == GivenUp()
    assert tuple(waits) == GAPS_SECONDS[:5]


def test_attempts_on_another_entry_say_nothing_about_this_one() -> None:
    earlier = Trouble(6, since=0, attempts=9, refusals=MOST_REFUSALS - 1, next_at=5, status=400)
    verdict = verdict_on(400, seq=7, before=earlier, now=DOWN_MS)
    assert verdict == Waits(Trouble(7, DOWN_MS, 1, 1, DOWN_MS + 5_000, 400))


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("7", 7_000),
        (" 120 ", 120_000),
        ("0", 0),
        ("9" * 400, DOWN_MS),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90_000),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DOWN_MS),
        *[
            (text, None)
            for text in (None, "", "-1", "1.5", "soon", "٣", "\0", "Thu, 99 Foo 1970 00:00:00 GMT")
        ],
    ],
)
def test_retry_after_is_read_in_both_forms(text: str | None, milliseconds: int | None) -> None:
    assert retry_after_ms(text, now=10_000) == milliseconds


def test_a_receiver_that_says_when_is_obeyed() -> None:
    for status in (429, 503, 400, 301):
        for asked in (6_000, 3 * DAY_MS):
            verdict = verdict_on(status, seq=7, before=None, now=0, retry_after=asked)
            assert isinstance(verdict, Waits)
            assert verdict.trouble.next_at == asked


STATUSES = st.sampled_from([None, 200, 204, 301, 400, 404, 408, 410, 429, 500, 503])
ANSWERS = st.lists(
    st.tuples(
        STATUSES,
        st.one_of(st.none(), st.integers(0, DOWN_MS)),
        st.integers(0, DAY_MS),
        st.floats(0, 1),
    ),
    max_size=60,
)


@settings(deadline=None)  # a slow machine finds no fault
@given(ANSWERS)
def test_nothing_is_skipped_that_was_not_refused_six_times(
    answers: list[tuple[int | None, int | None, int, float]],
) -> None:
    now, seq, trouble, refused = 0, 1, None, 0
    for status, retry_after, later, jitter in answers:
        now = later + (now if trouble is None else max(now, trouble.next_at))
        verdict = verdict_on(status, seq=seq, before=trouble, now=now, retry_after=retry_after, jitter=jitter)
        outcome = outcome_of(status)
        refused += outcome is Outcome.REFUSED
        match verdict:
            case Done():
                assert outcome is Outcome.DELIVERED
                seq, trouble, refused = seq + 1, None, 0
            case GivenUp():
                assert (outcome, refused) == (Outcome.REFUSED, MOST_REFUSALS)
                # What is known of the entry before stays, as where a crash comes in between.
                seq, refused = seq + 1, 0
            case Pauses(by, after):
                since = now if trouble is None or trouble.seq != seq else trouble.since
                assert (by is PausedBy.GONE) == (outcome is Outcome.GONE)
                assert by is PausedBy.GONE or now - since >= DOWN_MS
                trouble = replace(after, since=now, next_at=now)  # its owner goes on
            case Waits(after):
                assert outcome in {Outcome.DOWN, Outcome.REFUSED}
                assert (after.seq, after.refusals, after.status) == (seq, refused, status)
                wait = after.next_at - now
                limit = after.since + DOWN_MS - now
                if retry_after is None:
                    number = refused if outcome is Outcome.REFUSED else after.attempts
                    assert gap_ms(number) <= wait <= gap_ms(number, 1.0) or wait == limit
                else:
                    assert wait == max(retry_after, 5_000) or wait == limit
                assert outcome is Outcome.REFUSED or wait <= limit
                trouble = after
