"""Tells what a request has used of its rate limits, in the headers of draft-ietf-httpapi-ratelimit-headers-11.

A limit notes itself where it counts a request. Outside of `noting`, as on sockets, nothing is noted.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit: `quota` in `window_seconds`, or at once where that is None, and what is left of it.

    It is whole again `reset_seconds` from now.
    """

    name: str
    quota: int
    window_seconds: float | None
    remaining: int
    reset_seconds: float


Noted: TypeAlias = dict[str, Quota]
"""The limits that a request was counted by, by name."""

_noted: Final[ContextVar[Noted | None]] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[Noted]:
    """Note the limits by which anything is counted in the block."""
    noted: Noted = {}
    before = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(before)


def is_noting() -> bool:
    """Return whether anybody wants to know."""
    return _noted.get() is not None


def note(quota: Quota) -> None:
    """Note a limit by which the present request was counted."""
    noted = _noted.get()
    if noted is not None:
        noted[quota.name] = quota


def quota_headers(quotas: Iterable[Quota]) -> dict[str, str]:
    """Return the headers that tell limits, as lists of structured fields (RFC 9651); none where there are none."""
    policies, left = [], []
    for one in quotas:
        window = "" if one.window_seconds is None else f";w={math.ceil(one.window_seconds)}"
        policies.append(f'"{one.name}";q={one.quota}{window}')
        left.append(f'"{one.name}";r={max(0, one.remaining)};t={max(0, math.ceil(one.reset_seconds))}')
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)} if policies else {}
