"""Pages of a list that is ordered by a number and an id, or one of them, neither of which ever changes.

A cursor holds the last key of the page before, so a page costs the same at any depth, and what is added or
removed meanwhile neither repeats nor hides anything else.
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
"""No name holds it: what begins like a text is what comes before that text with this at its end."""

_LONGEST_CURSOR: Final = 1_000  # characters; ours have under 150
_MARK_BYTES: Final = 12  # by which a cursor of another list, or one that was changed, is known


def start(list_name: str, cursor: str | None) -> Key:
    """Return the key after which the page asked for begins. Raises `BadCursor` for what this list never gave."""
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
    """Make a page of up to `limit` rows; one row more than that says that there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page([item(row) for row in shown], _cursor(list_name, key(shown[-1])) if more else None)


def _cursor(list_name: str, key: Key) -> str:
    payload = orjson.dumps(key)
    # No secret is in it: who makes up a key sees no rows but those that the list shows them anyway.
    mark = hashlib.blake2b(list_name.encode() + payload, digest_size=_MARK_BYTES).digest()
    return base64.urlsafe_b64encode(mark + payload).rstrip(b"=").decode()
