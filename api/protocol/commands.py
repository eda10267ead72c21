"""The wire of /ws/messages (docs/protocol.md): commands in, events out, close codes. Pure.

Commands are pydantic models, so that they are checked and described in one place; events are built as plain
objects and encoded once, however many sockets they go to.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeAlias

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api.errors import BadJson, Empty, FieldError, Invalid, TailwireError
from api.models.log import Entry, Kind, Role, User
from api.protocol import strict_json
from api.protocol.frames import Frames, frame

VERSION: Final = 1
MAX_BODY_CHARACTERS: Final = 4_000
MAX_FRAME_BYTES: Final = 16 * 1024
MAX_FIRST_FRAME_BYTES: Final = 4 * 1024
MAX_TOKEN_CHARACTERS: Final = 4_096
MAX_REPLAY: Final = 5_000
"""A client further behind than this loads the newest history faster than it replays."""


class CloseCode(IntEnum):
    """Why a socket was closed. 4000-4499: come back; 4500-4999: do not."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BINARY = 1003
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_AGAIN_LATER = 1013
    UNAUTHORIZED = 4401
    AUTHENTICATION_TIMEOUT = 4408
    SLOW = 4420
    RATE_LIMITED = 4429
    SESSION_ENDED = 4501
    REPLACED = 4502
    VERSION = 4503


# -- what may stand in a field


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


class Authenticate(Strict):
    """Prove who you are, or renew the token of an open socket. `v` is the protocol version the client speaks."""

    type: Literal["authenticate"]
    token: Annotated[str, Field(max_length=MAX_TOKEN_CHARACTERS)]
    ref: Ref | None = None
    v: int = VERSION


class Subscribe(Strict):
    """Ask for a room's events: those after `since`, then the live ones."""

    type: Literal["subscribe"]
    room_id: Id
    since: Position | None = None
    ref: Ref | None = None


class Unsubscribe(Strict):
    """Ask for no more of a room's events."""

    type: Literal["unsubscribe"]
    room_id: Id
    ref: Ref | None = None


class Send(Strict):
    """Write a message. `ref` makes a retry safe."""

    type: Literal["send"]
    room_id: Id
    ref: Ref
    body: Body
    reply_to: Seq | None = None


class Read(Strict):
    """Say that everything up to `seq` has been seen."""

    type: Literal["read"]
    room_id: Id
    seq: Seq
    ref: Ref | None = None


class Ping(Strict):
    """Ask for a `pong`."""

    type: Literal["ping"]
    ref: Ref | None = None


Command: TypeAlias = Authenticate | Subscribe | Unsubscribe | Send | Read | Ping

_COMMANDS: Final[dict[str, type[Command]]] = {
    "authenticate": Authenticate,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "send": Send,
    "read": Read,
    "ping": Ping,
}


class BadCommand(Exception):
    """A frame that is no command; `ref` is its ref where one could be made out."""

    def __init__(self, error: TailwireError, ref: str | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.ref = ref


def parse_command(frame: str) -> Command:
    """Read one text frame. Raises `BadCommand`."""
    try:
        value = strict_json.loads(frame.encode())
    except BadJson as error:
        raise BadCommand(error) from None
    except UnicodeEncodeError:
        raise BadCommand(BadJson()) from None
    if not isinstance(value, dict):
        raise BadCommand(Invalid("A frame holds one JSON object", code="bad_envelope"))
    ref = _ref_of(value)
    name = value.get("type")
    model = _COMMANDS.get(name) if isinstance(name, str) else None
    if model is None:
        raise BadCommand(Invalid("There is no such command", code="unknown_type"), ref)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise BadCommand(invalid(error.errors(include_input=False, include_url=False)), ref) from None
    except Empty as error:
        raise BadCommand(error, ref) from None


def _ref_of(value: dict[str, Any]) -> str | None:
    ref = value.get("ref")
    return ref if isinstance(ref, str) and 1 <= len(ref) <= 64 else None  # noqa: PLR2004  Ref's own length


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


# -- events


def encode(event: dict[str, Any]) -> Frames:
    """Return an event as it goes to everybody who gets it."""
    return frame(orjson.dumps(event))


def timestamp(at: int) -> str:
    """Return milliseconds since the epoch as RFC 3339 with milliseconds, in UTC."""
    second, rest = divmod(at, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=64)
def _second(second: int) -> str:
    """Most of what is written at one time was written in the same second, and strftime is slow."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def entry_event(entry: Entry) -> dict[str, Any]:
    """Return what subscribers see of an entry."""
    event: dict[str, Any] = {
        "type": str(entry.kind),
        "room_id": entry.room_id,
        "seq": entry.seq,
        "at": timestamp(entry.at),
        "user_id": entry.user_id,
        "username": entry.username,
    }
    if entry.kind is Kind.MESSAGE:
        event["ref"] = entry.ref
    return event | entry.data


def ready_event(
    user: User, session_id: str, *, expires_at: int, heartbeat_seconds: int, subscriptions: int
) -> dict[str, Any]:
    """Return the answer to a token that holds."""
    return {
        "type": "ready",
        "user": {"id": user.id, "username": user.username, "display_name": user.display_name},
        "session_id": session_id,
        "expires_at": timestamp(expires_at),
        "heartbeat_seconds": heartbeat_seconds,
        "limits": {
            "frame_bytes": MAX_FRAME_BYTES,
            "body_characters": MAX_BODY_CHARACTERS,
            "subscriptions": subscriptions,
            "replay": MAX_REPLAY,
        },
    }


def error_event(error: TailwireError, ref: str | None) -> dict[str, Any]:
    """Return what the sender of a command learns of its failure."""
    event: dict[str, Any] = {
        "type": "error",
        "ref": ref,
        "code": error.specific_code,
        "message": error.message,
    }
    if error.retry_after_seconds is not None:
        event["retry_after_seconds"] = error.retry_after_seconds
    return event


def membership_event(room_id: str, role: Role | None) -> dict[str, Any]:
    """Return what a user learns of their own membership."""
    return {"type": "membership", "room_id": room_id, "role": role}


def place_event(name: Literal["live", "reset"], room_id: str, epoch: str, seq: int) -> dict[str, Any]:
    """Return the word on where in a room's log a subscription stands now."""
    return {"type": name, "room_id": room_id, "epoch": epoch, "seq": seq}
