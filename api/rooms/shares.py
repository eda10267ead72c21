"""Divides a page between rooms, so that a busy room keeps no other waiting. Pure."""

from collections.abc import Iterator, Sequence


def fair_shares(wanted: Sequence[int], limit: int) -> list[int]:
    """Return how many of `limit` items each room gets: what it wants, or as many as the others that want more.

    Every room that wants any gets at least one, so there must not be more of them than `limit`.
    """
    shares = [0] * len(wanted)
    left = limit
    by_want = sorted(range(len(wanted)), key=lambda number: wanted[number])
    for place, number in enumerate(by_want):
        shares[number] = min(wanted[number], left // (len(by_want) - place))
        left -= shares[number]
    return shares


def slices(shares: Sequence[int], at_once: int) -> Iterator[slice]:
    """Divide rooms, which have these shares of a page, into those that are read at once: of `at_once` items, or one."""
    start, entries = 0, 0
    for number, share in enumerate(shares):
        if entries + share > at_once and number > start:
            yield slice(start, number)
            start, entries = number, 0
        entries += share
    yield slice(start, len(shares))
