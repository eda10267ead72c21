"""Types of query and path parameters: cursors, page sizes and seqs."""

import re
from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from api.protocol.fields import MAX_FOUND, MAX_WAIT_SECONDS, Emoji, Time
from api.protocol.strict_json import MAX_SAFE_INTEGER

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,15}", re.ASCII)


def _whole(text: object) -> object:
    """Read a query's number in JSON's form: `+5`, `05`, ` 5`, `5.0` and `5_0` are refused. Raises `ValueError`."""
    if not isinstance(text, str):
        return text  # the default
    if not _WHOLE.fullmatch(text):
        raise ValueError("must be a whole number in plain digits")
    return int(text)


def _seq_or_zero(text: object) -> int:
    """Read a path's seq. Anything else becomes 0, which no entry has, so that it answers 404."""
    seq = int(text) if isinstance(text, str) and _WHOLE.fullmatch(text) else 0
    return seq if 1 <= seq <= MAX_SAFE_INTEGER else 0


def _flag(text: object) -> object:
    """Read a query's flag in JSON's form. Raises `ValueError`."""
    if not isinstance(text, str):
        return text  # the default
    if text not in _FLAGS:
        raise ValueError("must be true or false")
    return _FLAGS[text]


_FLAGS: Final = {"true": True, "false": False}

Flag = Annotated[bool, BeforeValidator(_flag)]
RoomNamed = Annotated[
    str | SkipJsonSchema[None],
    Query(min_length=1, max_length=80, pattern=r"^[^\x00]+$", description="A part of the name"),
]
MemberNamed = Annotated[
    str | SkipJsonSchema[None],
    Query(
        min_length=1,
        max_length=80,
        pattern=r"^[^\x00]+$",
        description="A part of the username or display name",
    ),
]
Cursor = Annotated[str | SkipJsonSchema[None], Query(max_length=512)]
Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole), Query()]
LogLimit = Annotated[int, Field(ge=1, le=500), BeforeValidator(_whole), Query()]
Wait = Annotated[
    int,
    Field(ge=0, le=MAX_WAIT_SECONDS),
    BeforeValidator(_whole),
    Query(description="Seconds to wait for something, where there is nothing yet"),
]
ConsumerName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
MAX_USERS: Final = 20
"""The most users on a page: enough to choose from, and too few to list all users quickly."""
UserLimit = Annotated[int, Field(ge=1, le=MAX_USERS), BeforeValidator(_whole), Query()]
SearchLimit = Annotated[int, Field(ge=1, le=MAX_FOUND), BeforeValidator(_whole), Query()]
SearchText = Annotated[
    str, Query(min_length=1, max_length=256, description="Words, phrases and filters: see docs/protocol.md")
]
RoomIdInQuery = Annotated[str | SkipJsonSchema[None], Query(max_length=64, description="In this room alone")]
MAX_IDS: Final = 100
"""The most rooms that one request may ask for by their ids."""
RoomIds = Annotated[
    str | SkipJsonSchema[None],
    Query(
        pattern=rf"^[A-Za-z0-9_-]{{1,64}}(,[A-Za-z0-9_-]{{1,64}}){{0,{MAX_IDS - 1}}}$",
        description="Ids of rooms, separated by commas",
    ),
]
SeqOrZero = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER), BeforeValidator(_whole)]
Since = Annotated[Time | SkipJsonSchema[None], Query(description="Nothing before this time")]
EpochInQuery = Annotated[
    str | SkipJsonSchema[None], Query(min_length=1, max_length=64, description="The epoch of the seq")
]
EmojiInPath = Annotated[Emoji, Path(description="One emoji, in any of its forms")]
SeqInPath = Annotated[int, BeforeValidator(_seq_or_zero)]
