"""Makes the pages of a list, and the cursors that lead from one page to the next.

A list is ordered by a number and an id, or by one of them, and these never change. A cursor holds the last key of the
page before. So a page costs the same at any depth, and rows that are added or removed meanwhile neither repeat nor hide
other rows.

A page ends after `limit` items, or before the item that would make it longer than `PAGE_BYTES`. So no page takes more
memory than that, whatever its items hold.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final, Generic, TypeAlias, TypeVar

import orjson

from api.errors import BadCursor
from api.models.accounts import AccountFilter, AuditFilter
from api.models.page import PAGE_BYTES, Page

T = TypeVar("T")
U = TypeVar("U")
Key: TypeAlias = tuple[int, str]

BEFORE_ALL: Final[Key] = (-(2**63), "")
AFTER_ALL: Final[Key] = (2**63 - 1, "")
AFTER_ALL_TEXTS: Final = "\U0010ffff"
"""No name contains this character. So the names from `prefix` up to `prefix + AFTER_ALL_TEXTS` are those that begin
with the prefix."""

LOOKED_AT: Final = 5_000
"""The most rows that are looked at for one page of a search."""

_LONGEST_CURSOR: Final = 1_000  # characters; ours have under 150
_MARK_BYTES: Final = 12  # length of the hash that reveals a cursor of another list, or a changed one


def start(list_name: str, cursor: str | None) -> Key:
    """Return the key after which the page begins. Raises `BadCursor` for a cursor that this list never gave out."""
    if cursor is None:
        return BEFORE_ALL
    try:
        padded = cursor[:_LONGEST_CURSOR] + "=" * (-len(cursor) % 4)
        decoded = orjson.loads(base64.b64decode(padded, altchars="-_", validate=True)[_MARK_BYTES:])
    except (binascii.Error, ValueError):
        raise BadCursor from None
    match decoded:
        case [int(number), str(id_)] if abs(number) < 2**63 and cursor == _cursor(list_name, (number, id_)):
            return number, id_
    raise BadCursor


class Search(Generic[T]):
    """Finds the rows for a page of those that are wanted. They are looked at in their order, one by one.

    No more than `LOOKED_AT` rows are looked at for one page. So a page may be short, or empty, and have a next one.
    """

    def __init__(self, list_name: str, limit: int, is_wanted: Callable[[T], bool]) -> None:
        self._list_name = list_name
        self._limit = limit
        self._is_wanted = is_wanted
        self.found: list[T] = []
        """The wanted rows, and one more if there are more than fit on the page."""
        self._last: T | None = None
        self._count = 0
        self._is_cut = False

    def look(self, row: T) -> bool:
        """Look at one row, and say whether to look at another."""
        if self._count == LOOKED_AT:
            self._is_cut = True
            return False
        self._count += 1
        self._last = row
        if self._is_wanted(row):
            self.found.append(row)
        return len(self.found) <= self._limit

    def page(
        self,
        key: Callable[[T], Key],
        item: Callable[[T], U | None],
        size: Callable[[U | None], int] | None = None,
    ) -> Page[U]:
        """Return the page, as `page` makes it."""
        looked_to = key(self._last) if self._is_cut and self._last is not None else None
        return page(self._list_name, self.found, self._limit, key, item, looked_to=looked_to, size=size)


def accounts(matching: AccountFilter) -> str:
    """Return the name of the list of accounts that a filter chooses."""
    return f"accounts {matching.state or ''} {matching.text or ''}".rstrip()


def audit_events(matching: AuditFilter) -> str:
    """Return the name of the list of audit events that a filter chooses."""
    return f"audit {matching.event or ''} {matching.user_id or ''}".rstrip()


def page(
    list_name: str,
    rows: Iterable[Any],
    limit: int,
    key: Callable[[Any], Key],
    item: Callable[[Any], T | None],
    *,
    looked_to: Key | None = None,
    size: Callable[[T | None], int] | None = None,
) -> Page[T]:
    """Make a page of the first `limit` rows, or fewer if they are long. If `rows` has more, there is a next page.

    `rows` is read no further than the page goes, and one row more. A row whose `item` is None is passed over. It must
    not be left out of `rows`, because then the page would seem to be the last one. `looked_to` is the last key that was
    looked at, if there are more keys: after it there is a next page too. `size` says how many bytes an item takes; else
    it is written to see it.
    """
    left = iter(rows)
    shown, has_more = cut(
        ((key(row), item(row)) for row in islice(left, limit)),
        size=size_of if size is None else lambda pair: size(pair[1]),
    )
    has_more = has_more or next(left, None) is not None
    items = [one for _, one in shown if one is not None]
    last = shown[-1][0] if has_more else looked_to
    return Page(items, None if last is None else _cursor(list_name, last))


def size_of(item: object) -> int:
    """Return how many bytes of a page an item takes: a plain record, or a tuple or list of them."""
    try:
        return len(orjson.dumps(item))
    except TypeError:  # a row that another program wrote may hold what orjson refuses
        return len(str(item))


def cut(
    items: Iterable[T], space: "PageSpace | None" = None, size: Callable[[T], int] = size_of
) -> tuple[list[T], bool]:
    """Return the first of these items, as many as a page holds, and whether there are more.

    They are read one by one, and only one too many. With `space` they share a page with others.
    """
    kept: list[T] = []
    space = space or PageSpace()
    for one in items:
        if not space.takes_bytes(size(one)):
            return kept, True
        kept.append(one)
    return kept, False


class PageSpace:
    """The bytes that are left on a page."""

    def __init__(self) -> None:
        self._used = 0

    @property
    def used(self) -> int:
        """The bytes of the items so far."""
        return self._used

    @property
    def left(self) -> int:
        """The bytes that are left."""
        return max(0, PAGE_BYTES - self._used)

    @property
    def is_full(self) -> bool:
        """Whether an item did not fit any more."""
        return self._used > PAGE_BYTES

    def takes(self, item: object) -> bool:
        """Take the bytes of one more item, and say whether it still belongs on the page. The first always does."""
        return self.takes_bytes(size_of(item))

    def takes_bytes(self, size: int) -> bool:
        """Take so many bytes of one more item, as `takes` does."""
        is_first = not self._used
        self._used += size
        return is_first or self._used <= PAGE_BYTES


def _cursor(list_name: str, key: Key) -> str:
    payload = orjson.dumps(key)
    # The hash needs no secret: a user who makes up a key sees only rows that the list shows them anyway.
    mark = hashlib.blake2b(list_name.encode() + payload, digest_size=_MARK_BYTES).digest()
    return base64.urlsafe_b64encode(mark + payload).rstrip(b"=").decode()
