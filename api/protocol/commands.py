"""The commands of /ws/messages (docs/protocol.md), and the parser of frames. Pure.

Commands are pydantic models, so that one place both checks and describes them. The token of a program needs one of the
`scopes` of a command.
"""

from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, model_validator

from api.errors import BadJson, Invalid, TailwireError
from api.models.accounts import ALL_SCOPES, Scope
from api.protocol import strict_json
from api.protocol.fields import (
    MAX_TOKEN_CHARACTERS,
    MAX_WATCHED,
    VERSION,
    Body,
    Emoji,
    Epoch,
    FileIds,
    Id,
    Position,
    Ref,
    SentBody,
    Seq,
    Strict,
    invalid,
    require_body,
)

_READ: Final = frozenset({Scope.READ})
_WRITE: Final = frozenset({Scope.WRITE})


class Authenticate(Strict):
    """Prove an identity, or renew the token of an open socket. `v` is the client's protocol version."""

    scopes: ClassVar[frozenset[Scope]] = ALL_SCOPES
    type: Literal["authenticate"]
    token: Annotated[str, Field(max_length=MAX_TOKEN_CHARACTERS)]
    ref: Ref | None = None
    v: int = VERSION


class Subscribe(Strict):
    """Ask for a room's events: first those after `since`, then live ones.

    After the ack come the entries after `since` and then `live`, or `reset` alone where they cannot be told. Without
    `since` only what is new comes. Where the room is subscribed to already, all of that begins anew.
    """

    scopes: ClassVar[frozenset[Scope]] = _READ
    type: Literal["subscribe"]
    room_id: Id
    since: Position | None = None
    ref: Ref | None = None


class Unsubscribe(Strict):
    """Stop the events of a room.

    After the ack no entries of it come. `notice` says when there are new messages.
    """

    scopes: ClassVar[frozenset[Scope]] = _READ
    type: Literal["unsubscribe"]
    room_id: Id
    ref: Ref | None = None


class Send(Strict):
    """Write a message to a room. `ref` makes a retry safe. `epoch` is that of the message which it answers."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["send"]
    room_id: Id
    ref: Ref
    body: SentBody
    reply_to: Seq | None = None
    files: FileIds = Field(default_factory=list)
    epoch: Epoch | None = None

    @model_validator(mode="after")
    def _shows_something(self) -> Self:
        require_body(self.body, self.files)
        return self


class Edit(Strict):
    """Change the body of one's own message. `ref` makes a retry safe."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["edit"]
    room_id: Id
    seq: Seq
    ref: Ref
    body: Body
    epoch: Epoch | None = None


class Delete(Strict):
    """Delete a message. `ref` makes a retry safe."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["delete"]
    room_id: Id
    seq: Seq
    ref: Ref
    epoch: Epoch | None = None


class React(Strict):
    """React to a message with an emoji, or take the reaction back. `ref` makes a retry safe."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["react", "unreact"]
    room_id: Id
    seq: Seq
    ref: Ref
    emoji: Emoji
    epoch: Epoch | None = None


class Pin(Strict):
    """Pin a message in its room, or unpin it. `ref` makes a retry safe."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["pin", "unpin"]
    room_id: Id
    seq: Seq
    ref: Ref
    epoch: Epoch | None = None


class RemovePreviews(Strict):
    """Take away the previews of links in a message, so that none come any more. `ref` makes a retry safe."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["remove_previews"]
    room_id: Id
    seq: Seq
    ref: Ref
    epoch: Epoch | None = None


class Read(Strict):
    """Say that the user has seen everything up to `seq`. `back` lets the stored seq become lower."""

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["read"]
    room_id: Id
    seq: Seq
    epoch: Epoch | None = None
    back: bool = False
    ref: Ref | None = None


class Typing(Strict):
    """Say that the user is typing a message in a room.

    Send it each 3 s while they type. Others are told by `typing`, which may be lost.
    """

    scopes: ClassVar[frozenset[Scope]] = _WRITE
    type: Literal["typing"]
    room_id: Id
    ref: Ref | None = None


class Watch(Strict):
    """Ask to be told when these users come or go, and no others.

    They take the place of those that were named before. `presence` tells of each of them at once, and of every change
    from then on.
    """

    scopes: ClassVar[frozenset[Scope]] = _READ
    type: Literal["watch"]
    user_ids: Annotated[list[Id], Field(max_length=MAX_WATCHED)]
    ref: Ref | None = None


class Ping(Strict):
    """Ask for a `pong`.

    It is for clients that cannot send pings of WebSocket, as pages: an answer shows that the socket still lives.
    """

    scopes: ClassVar[frozenset[Scope]] = ALL_SCOPES
    type: Literal["ping"]
    ref: Ref | None = None


Write: TypeAlias = Send | Edit | Delete | React | Pin | RemovePreviews
"""The commands that write an entry. They have a rate of their own, over all sockets and HTTP."""
Command: TypeAlias = Authenticate | Subscribe | Unsubscribe | Write | Read | Typing | Watch | Ping

_COMMANDS: Final[dict[str, type[Command]]] = {
    "authenticate": Authenticate,
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "send": Send,
    "edit": Edit,
    "delete": Delete,
    "react": React,
    "unreact": React,
    "pin": Pin,
    "unpin": Pin,
    "remove_previews": RemovePreviews,
    "read": Read,
    "typing": Typing,
    "watch": Watch,
    "ping": Ping,
}


class BadCommand(Exception):
    """A frame that is not a command. `ref` is its ref, if the frame has a valid one."""

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
    except Invalid as error:
        raise BadCommand(error, ref) from None


def _ref_of(value: dict[str, Any]) -> str | None:
    ref = value.get("ref")
    return ref if isinstance(ref, str) and 1 <= len(ref) <= 64 else None  # noqa: PLR2004  the length of `Ref`
