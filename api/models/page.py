"""A page of a list, for all lists that have pages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

ITEMS: Final = 100
"""The items of a page, where all pages of a list are read."""

PAGE_BYTES: Final = 512 * 1024
"""The most bytes of the items of a page, as JSON. A page has at least one item, also if that alone is longer."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list. `next_cursor` asks for the next page, and is None on the last one, however short a page is."""

    items: list[T]
    next_cursor: str | None


async def items_of(list_: Callable[..., Awaitable[Page[T]]], *, limit: int = ITEMS) -> AsyncIterator[T]:
    """Yield the items of all pages of a list, which is asked for its pages by `cursor` and `limit`."""
    cursor: str | None = None
    while True:
        page = await list_(cursor=cursor, limit=limit)
        for item in page.items:
            yield item
        if (cursor := page.next_cursor) is None:
            return
