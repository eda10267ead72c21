"""Makes the names of files harmless, and reads them from a header. Pure. No path is ever made of a name."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from api.errors import BadRequest

MAX_CHARACTERS: Final = 128
LOOKED_AT: Final = 8 * MAX_CHARACTERS
"""Of a longer name only the beginning and the end are looked at."""
NAMELESS: Final = "file"
"""The name of a file that has none."""

_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_SEPARATORS: Final = re.compile(r'[/\\:*?"<>|]')
_RESERVED: Final = re.compile(r"(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?=\.|\Z)", re.IGNORECASE)
"""The names of devices, under which Windows saves no file."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that show nothing, or turn the direction in which others are read."""

_DISPOSITION: Final = re.compile(
    r"\s*(?:attachment|inline)\s*(?:;(?P<fields>.*))?", re.IGNORECASE | re.DOTALL
)
_FIELD: Final = re.compile(
    r'\s*(?P<name>[A-Za-z0-9*_-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s;"]+))\s*(?:;|\Z)'
)
_ENCODED: Final = re.compile(r"(?:UTF-8)'[A-Za-z0-9-]*'(?P<text>[A-Za-z0-9!#$&+.^_`|~%-]+)", re.IGNORECASE)


def harmless(name: str) -> str:
    """Return a name that people and file systems can bear: one line, no path, no device, nothing invisible.

    A long one is cut before its extension. One of which nothing is left becomes `NAMELESS`.
    """
    if len(name) > LOOKED_AT:  # normalizing takes a time that grows with the square of the marks on a letter
        name = name[: LOOKED_AT // 2] + name[-LOOKED_AT // 2 :]
    name = unicodedata.normalize("NFC", name)
    name = "".join(" " if one.isspace() else one for one in name)
    name = "".join(one for one in name if unicodedata.category(one) not in _INVISIBLE)
    name = _SEPARATORS.sub("_", name).strip(" ").lstrip(".").strip(" ").rstrip(". ")
    if _RESERVED.match(name):
        name = f"_{name}"
    if len(name) > MAX_CHARACTERS:
        found = _EXTENSION.search(name)
        end = found[0] if found else ""
        name = name[: MAX_CHARACTERS - len(end)].rstrip(". ") + end
    return name or NAMELESS


def name_in(disposition: str | None) -> str:
    """Return the harmless name in a Content-Disposition (RFC 6266), where `filename*` counts before `filename`.

    Raises `BadRequest` for a header that cannot be read.
    """
    if disposition is None:
        return NAMELESS
    found = _DISPOSITION.fullmatch(disposition)
    if found is None:
        raise BadRequest("The Content-Disposition cannot be read")
    fields = _fields(found["fields"] or "")
    if (encoded := fields.get("filename*")) is not None:
        return harmless(_decoded(encoded))
    return harmless(fields.get("filename", NAMELESS))


def disposition_of(name: str, *, is_shown: bool) -> str:
    """Return the Content-Disposition under which a file is served."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    kind = "inline" if is_shown else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    place = 0
    while place < len(text.rstrip()):
        found = _FIELD.match(text, place)
        if found is None or found["name"].lower() in fields:
            raise BadRequest("The Content-Disposition cannot be read")
        plain = found["plain"]
        fields[found["name"].lower()] = (
            plain if plain is not None else re.sub(r"\\(.)", r"\1", found["quoted"])
        )
        place = found.end()
    return fields


def _decoded(text: str) -> str:
    """Decode the value of `filename*` (RFC 8187)."""
    found = _ENCODED.fullmatch(text)
    try:
        if found is not None:
            return unquote_to_bytes(found["text"]).decode()
    except UnicodeDecodeError:
        pass
    raise BadRequest("The filename* of the Content-Disposition is not in UTF-8 by RFC 8187")
