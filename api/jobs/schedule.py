"""Decides what follows from an attempt to deliver: the next entry, another attempt later, a dead letter, a pause. Pure.

An entry is left behind only when the receiver took it, or refused it six times. While the receiver is down, its webhook
waits, and nothing is skipped.
"""

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias

from api.models.webhooks import Outcome, PausedBy, Trouble

GAPS_SECONDS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""The waits between attempts, as Standard Webhooks has them. The last one is repeated."""
MOST_REFUSALS: Final = 6
"""After the first attempt and one after each of the first five waits, an entry that was always refused is given up."""
DOWN_MS: Final = 30 * 86_400_000
"""A receiver that was down for so long is not called any more, until the owner of the room says so."""
JITTER: Final = 0.1
"""A wait is longer by up to this part of it, so that not all webhooks come back in one moment."""

_TOO_EARLY: Final = 408
_GONE: Final = 410
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Done:
    """The entry was taken: on to the next one."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The entry was refused too often: it is a dead letter, and on to the next one."""


@dataclass(frozen=True, slots=True)
class Waits:
    """The entry is tried again later."""

    trouble: Trouble


@dataclass(frozen=True, slots=True)
class Pauses:
    """Nothing is tried any more. The entry has not been delivered."""

    by: PausedBy
    trouble: Trouble


Verdict: TypeAlias = Done | GivenUp | Waits | Pauses


def outcome_of(status: int | None) -> Outcome:
    """Return what an answer means, which is None where none came.

    An answer that is neither a success nor a refusal, such as a redirect, says nothing about the entry.
    """
    if status is None or status in {_TOO_EARLY, _TOO_MANY}:
        return Outcome.DOWN
    if status == _GONE:
        return Outcome.GONE
    if 200 <= status < 300:  # noqa: PLR2004  the classes of RFC 9110, section 15
        return Outcome.DELIVERED
    return Outcome.REFUSED if 400 <= status < 500 else Outcome.DOWN  # noqa: PLR2004


def verdict_on(  # noqa: PLR0913  what is known of an attempt
    status: int | None,
    *,
    seq: int,
    before: Trouble | None,
    now: int,
    retry_after: int | None = None,
    jitter: float = 0.0,
) -> Verdict:
    """Return what follows from an attempt to deliver the entry `seq`.

    `before` is what is known of earlier attempts, also of other entries, which says nothing about this one.
    `retry_after` is how many milliseconds the receiver asks to wait. `jitter` is a random number from 0 to 1.
    """
    outcome = outcome_of(status)
    if outcome is Outcome.DELIVERED:
        return Done()
    if before is None or before.seq != seq:
        before = Trouble(seq, since=now, attempts=0, refusals=0, next_at=now, status=None)
    is_refusal = outcome is Outcome.REFUSED
    attempts, refusals = before.attempts + 1, before.refusals + is_refusal
    if refusals >= MOST_REFUSALS:
        return GivenUp()
    wait = gap_ms(refusals if is_refusal else attempts, jitter)
    if retry_after is not None:
        wait = max(retry_after, 1_000 * GAPS_SECONDS[0])
    next_at = now + wait
    if not is_refusal:  # so that a receiver that asks for more is tried once more before it counts as gone
        next_at = max(now, min(next_at, before.since + DOWN_MS))
    trouble = Trouble(seq, before.since, attempts, refusals, next_at, status)
    if outcome is Outcome.GONE:
        return Pauses(PausedBy.GONE, trouble)
    if not is_refusal and now - before.since >= DOWN_MS:
        return Pauses(PausedBy.DOWN, trouble)
    return Waits(trouble)


def gap_ms(attempt: int, jitter: float = 0.0) -> int:
    """Return how long to wait after this attempt, the first of which is 1, in milliseconds."""
    seconds = GAPS_SECONDS[min(attempt, len(GAPS_SECONDS)) - 1]
    return int(1_000 * seconds * (1 + JITTER * jitter))


def retry_after_ms(text: str | None, now: int) -> int | None:
    """Read a `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). None where it makes no sense."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(1_000 * int(text[:12]), DOWN_MS)
    try:
        at = int(parsedate_to_datetime(text).timestamp() * 1_000)
    except (ValueError, OverflowError):
        return None
    return min(max(0, at - now), DOWN_MS)
