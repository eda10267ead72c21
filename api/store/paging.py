"""Makes the pages of a list, and the cursors that lead from one page to the next.

A list is ordered by a number and an id, or by one of them, and these never change. A cursor holds the last key of the
page before. So a page costs the same at any depth, and rows that are added or removed meanwhile neither repeat nor hide
other rows.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import orjson

from api.errors import BadCursor
from api.models.page import Page

T = TypeVar("T")
Key: TypeAlias = tuple[int, str]

BEFORE_ALL: Final[Key] = (-(2**63), "")
AFTER_ALL_TEXTS: Final = "\U0010ffff"
"""No name contains this character. So the names from `prefix` up to `prefix + AFTER_ALL_TEXTS` are those that begin
with the prefix."""

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


def page(
    list_name: str, rows: list[Any], limit: int, key: Callable[[Any], Key], item: Callable[[Any], T]
) -> Page[T]:
    """Make a page of the first `limit` rows. If `rows` has one more, there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page([item(row) for row in shown], _cursor(list_name, key(shown[-1])) if more else None)


def _cursor(list_name: str, key: Key) -> str:
    payload = orjson.dumps(key)
    # The hash needs no secret: a user who makes up a key sees only rows that the list shows them anyway.
    mark = hashlib.blake2b(list_name.encode() + payload, digest_size=_MARK_BYTES).digest()
    return base64.urlsafe_b64encode(mark + payload).rstrip(b"=").decode()
