"""What may stand in a field, and how a field that is wrong is told. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, overload

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.errors import Empty, FieldError, Invalid
from api.protocol import strict_json

VERSION: Final = 1

FEATURES: Final[tuple[str, ...]] = ()
"""What this server offers beyond version 1 as it began; `ready` tells clients of it."""


MAX_BODY_CHARACTERS: Final = 4_000


MAX_FRAME_BYTES: Final = 16 * 1024


MAX_FIRST_FRAME_BYTES: Final = 4 * 1024


MAX_TOKEN_CHARACTERS: Final = 4_096


MAX_REPLAY: Final = 5_000
"""A client further behind than this loads the newest history faster than it replays."""


def visible(text: str) -> str:
    """Return `text` if it shows anything. Raises `Empty` for blanks and invisible characters alone."""
    if "\0" in text:
        raise ValueError("must not hold the NUL character")
    if not _VISIBLE.search(text):
        raise Empty
    return text


# Anything but white space, control, format and filler characters. (Hangul fillers and the Braille blank are
# letters to Unicode, and blank to the eye.)
_VISIBLE: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
"""What a field may be called; what else stands before a colon is no field but an attempt at something."""


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


Ref = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


Seq = Annotated[int, Field(ge=1, le=strict_json.MAX_SAFE_INTEGER)]


Body = Annotated[str, Field(min_length=0, max_length=MAX_BODY_CHARACTERS), AfterValidator(visible)]


class Strict(BaseModel):
    """Unknown fields and other types are refused; nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Position(Strict):
    """A client's place in a room's log: the last entry it has applied; seq 0 is before the first."""

    epoch: Annotated[str, Field(min_length=1, max_length=64)]
    seq: Annotated[int, Field(ge=0, le=strict_json.MAX_SAFE_INTEGER)]


def invalid(errors: Sequence[Any]) -> Invalid:
    """Translate pydantic's errors into ours, without what was sent."""
    fields = tuple(
        FieldError(tuple(error["loc"]), str(error["msg"]).removeprefix("Value error, ")) for error in errors
    )
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


def _nameless(errors: Sequence[Any], fields: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
    """Take out the names of unknown fields: they are input too."""
    return tuple(
        FieldError((*field.loc[:-1], "*"), "There is an unknown field")
        if error["type"] == "extra_forbidden"
        else field
        for error, field in zip(errors, fields, strict=True)
    )


@overload
def timestamp(at: int) -> str: ...


@overload
def timestamp(at: int | None) -> str | None: ...


def timestamp(at: int | None) -> str | None:
    """Return milliseconds since the epoch as RFC 3339 with milliseconds, in UTC; None for no time."""
    if at is None:
        return None
    second, rest = divmod(at, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    """Most of what is written at one time was written in the same second, and strftime is slow."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
