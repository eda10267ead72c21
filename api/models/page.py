"""A page of a list, for all lists that have pages."""

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

PAGE_BYTES: Final = 512 * 1024
"""The most bytes of the items of a page, as JSON. A page has at least one item, also if that alone is longer."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. `next_cursor` asks for the next page, and is None on the last one, however short a page is."""

    items: list[T]
    next_cursor: str | None
