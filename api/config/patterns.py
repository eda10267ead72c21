"""Counts the characters of a text that follow no pattern, for secrets and passwords. Pure."""

from itertools import pairwise
from typing import Final

_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1234567890")
"""The rows of keyboards, along which people type when they are asked for something random."""
_KEYS: Final = frozenset(pair for row in _ROWS for pair in (*pairwise(row), *pairwise(row[::-1])))
_PART: Final = 3
"""A part of this length that came before, comes again because it is repeated."""


def free_characters(text: str) -> int:
    """Return how many characters do not follow from those before them.

    A character follows if it is the one before again, or its neighbour in the alphabet or on a keyboard, or if it ends
    a part that came before. Case does not matter. Random texts keep most of their characters: `openssl rand -hex 16`
    some 24 of 32.
    """
    text = repeated_part(text.casefold())
    seen: set[str] = set()
    count = 0
    for place, one in enumerate(text):
        before, part = text[place - 1 : place], text[max(0, place - _PART + 1) : place + 1]
        if not (_is_step(before, one) or part in seen):
            count += 1
        if len(part) == _PART:
            seen.add(part)
    return count


def repeated_part(text: str) -> str:
    """Return the shortest text of which `text` is a repetition, which may be `text` itself."""
    return text[: (text + text).find(text, 1)]


def _is_step(before: str, one: str) -> bool:
    if not before:
        return False
    is_neighbour = before.isalnum() and one.isalnum() and abs(ord(before) - ord(one)) == 1
    return before == one or is_neighbour or (before, one) in _KEYS
