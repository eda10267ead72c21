"""A strict JSON parser for bodies and frames. Pure.

It is RFC 8259 without the parts that parsers disagree about: duplicate keys, NaN and infinities, numbers that a double
cannot hold, lone surrogates and deep nesting.
"""

import json
import re
from typing import Any, Final

from api.errors import BadJson

MAX_DEPTH: Final = 32
"""Requests of this API nest three deep; the parser itself fails near 1,000."""
MAX_SAFE_INTEGER: Final = 2**53
"""The last whole number below which a double holds every one (RFC 8259, section 6)."""

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)', re.DOTALL)
"""A string, ended or not. It consumes every quote once, so matching takes linear time."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def loads(data: bytes) -> Any:
    """Parse one JSON text in UTF-8. Raises `BadJson`, with a more specific code for some errors."""
    refuse_depth(data)
    try:
        value = _DECODER.decode(data.decode())
    except UnicodeDecodeError:
        raise BadJson("The text is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadJson from None
    if b"\\u" in data:
        _refuse_surrogates(value)
    return value


def refuse_depth(data: bytes) -> None:
    """Raise `BadJson` for a text that is nested more than `MAX_DEPTH` deep."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for byte in _STRING.sub(b"", data):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadJson("The JSON is nested too deeply")
        elif byte in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJson("A key stands twice in one object", code="duplicate_key")
    return found


def _refuse_constant(_: str) -> float:
    raise BadJson("NaN and infinities are not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadJson("A number is too large", code="bad_number")
    return value


def _safe(text: str) -> int:
    if len(text) > 17 or text == "-0" or abs(int(text)) > MAX_SAFE_INTEGER:  # noqa: PLR2004  digits of 2**53, a sign
        raise BadJson("A number is too large", code="bad_number")
    return int(text)


def _refuse_surrogates(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise BadJson("A string holds half of a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _refuse_surrogates(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_surrogates(key)
            _refuse_surrogates(item)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_safe
)
"""The decoder is made once, because making one costs as much as parsing a frame."""
