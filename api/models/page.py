"""A page of a list, for all lists that have pages."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. `next_cursor` asks for the next page, and is None on the last one, however short a page is."""

    items: list[T]
    next_cursor: str | None
