"""Types and limits of fields on the wire, and errors about them without the input. Pure."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, overload

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from api.errors import Empty, FieldError, Invalid
from api.models.attachments import MAX_FILES
from api.protocol import strict_json
from api.protocol.emoji import normal_emoji

VERSION: Final = 1
FEATURES: Final = (
    *("edit", "delete", "react", "pin", "threads", "mentions", "notifications"),
    *("room_settings", "direct", "invites", "bans", "reports", "blocks"),
    *("typing", "presence", "receipts", "notices", "hooks", "consumers", "webhooks", "bots", "search"),
    *("files", "sync"),
)
"""The features that were added since version 1 began. `ready` tells clients of them."""

MAX_BODY_CHARACTERS: Final = 4_000
MAX_REQUEST_BYTES: Final = 64 * 1024
"""The most bytes of a frame, and of an HTTP body. The longest message is 48,112 bytes if a client escapes every
character of it: 4,000 characters outside the basic plane are 12 bytes each."""
MAX_FIRST_FRAME_BYTES: Final = 4 * 1024
"""The most bytes of a frame before the client has authenticated."""
MAX_TOKEN_CHARACTERS: Final = 4_000
"""A longer token would not fit into the first frame of a socket."""
MAX_WATCHED: Final = 200
"""The most users whom one connection watches."""
MAX_WAIT_SECONDS: Final = 30
"""The longest that a request waits for something to happen: shorter than proxies wait for an answer."""
MAX_FOUND: Final = 20
"""The most messages on a page of a search, as each is read and checked before it is shown."""


def features(*, receipts: bool, search: bool, files: bool) -> tuple[str, ...]:
    """Return the features of a server by its settings."""
    switched = (("receipts", receipts), ("search", search), ("files", files))
    off = {name for name, is_on in switched if not is_on}
    return tuple(name for name in FEATURES if name not in off)


def no_nul(text: str) -> str:
    """Return a text without NUL characters. Raises `ValueError` for any other."""
    if "\0" in text:
        raise ValueError("must not hold the NUL character")
    return text


def visible(text: str) -> str:
    """Return `text` if it has a visible character. Raises `Empty` otherwise, and `ValueError` for a NUL character."""
    no_nul(text)
    if not _VISIBLE.search(text):
        raise Empty
    return text


# Matches any character except white space, control, format and filler characters. (Hangul fillers and the Braille
# blank look blank, although Unicode calls them letters and a symbol.)
_VISIBLE: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""Matches names that a field can have. Any other name is no mistyped field, but an attempt at something else."""

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Ref = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Epoch = Annotated[str, Field(min_length=1, max_length=64)]
Seq = Annotated[int, Field(ge=1, le=strict_json.MAX_SAFE_INTEGER)]
Body = Annotated[str, Field(min_length=0, max_length=MAX_BODY_CHARACTERS), AfterValidator(visible)]


SentBody = Annotated[str, Field(min_length=0, max_length=MAX_BODY_CHARACTERS), AfterValidator(no_nul)]
"""The body of a message, which is empty only where the message has files: `require_body`."""


def _different(ids: list[str]) -> list[str]:
    if len(set(ids)) != len(ids):
        raise ValueError("must not have an item twice")
    return ids


FileIds = Annotated[list[Id], Field(max_length=MAX_FILES), AfterValidator(_different)]
"""The files of a message."""


def require_body(body: str, files: Sequence[str]) -> None:
    """Raise `Empty` for a message that shows nothing. An empty body needs files."""
    if body or not files:
        visible(body)


MAX_REASON_CHARACTERS: Final = 1_000


def _reason(text: str) -> str:
    """Return a reason that shows something. Raises `ValueError` for any other text."""
    try:
        return visible(text)
    except Empty:
        raise ValueError("must show something") from None


Reason = Annotated[str, Field(min_length=1, max_length=MAX_REASON_CHARACTERS), AfterValidator(_reason)]
"""Why a user bans another or reports a message."""

Emoji = Annotated[str, AfterValidator(normal_emoji)]
"""One emoji, which becomes its normal form."""


def milliseconds(text: object) -> int:
    """Read a time of RFC 3339, to the millisecond, as milliseconds since the Unix epoch. Raises `ValueError`."""
    if isinstance(text, str) and _TIME.fullmatch(text):
        with suppress(ValueError, OverflowError):
            return (datetime.fromisoformat(text.upper()).astimezone(UTC) - _EPOCH) // timedelta(
                milliseconds=1
            )
    raise ValueError("must be a time by RFC 3339, such as 2026-11-29T09:30:00.000Z")


_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Time = Annotated[
    int, BeforeValidator(milliseconds), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A time, which becomes milliseconds since the Unix epoch."""


class Strict(BaseModel):
    """A model that refuses unknown fields and values of other types. Nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Position(Strict):
    """A client's position in a room's log: the last entry that it has applied. Seq 0 is before the first entry."""

    epoch: Epoch
    seq: Annotated[int, Field(ge=0, le=strict_json.MAX_SAFE_INTEGER)]


MAX_ERRORS: Final = 100
"""An answer lists at most so many errors, or it would be many times as long as the request."""


def invalid(errors: Sequence[Any]) -> Invalid:
    """Translate pydantic's errors into `Invalid`, without repeating the input."""
    fields = tuple(FieldError(tuple(error["loc"]), _words(error)) for error in errors[:MAX_ERRORS])
    unknown = [str(error["loc"][-1]) for error in errors if error["type"] == "extra_forbidden"]
    if not all(map(_NAME.fullmatch, unknown)):
        return Invalid("There is a name that no field can have", errors=_nameless(errors, fields))
    if unknown:
        return Invalid(
            "There is a field that does not belong here",
            errors=_nameless(errors, fields),
            code="extra_forbidden",
        )
    if fields and fields[0].loc[-1:] == ("ref",):
        return Invalid("The ref must be a text of 1 to 64 characters", errors=fields, code="bad_ref")
    return Invalid(errors=fields)


_WORDS: Final = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_pattern_mismatch": "has a character that does not belong here",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be a text",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "value_error": "{error}",
}
"""What we say for each of pydantic's types of error. Its own messages are for programmers, and change."""


def _words(error: Any) -> str:
    """Say what is wrong with a field, in the words of this server."""
    context = error.get("ctx", {})
    if error["type"] == "string_too_short" and context["min_length"] == 1:
        return "must not be empty"
    return _WORDS.get(error["type"], "is not valid").format_map(context)


def _nameless(errors: Sequence[Any], fields: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
    """Remove the names of unknown fields, which are input too."""
    return tuple(
        FieldError((*field.loc[:-1], "*"), "There is an unknown field")
        if error["type"] == "extra_forbidden"
        else field
        for error, field in zip(errors, fields, strict=False)
    )


@overload
def timestamp(at: int) -> str: ...


@overload
def timestamp(at: int | None) -> str | None: ...


def timestamp(at: int | None) -> str | None:
    """Format milliseconds since the Unix epoch by RFC 3339, in UTC and with milliseconds. None stays None."""
    if at is None:
        return None
    second, rest = divmod(at, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    """Format a second. Results are cached, because most times in an answer share a second and strftime is slow."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
