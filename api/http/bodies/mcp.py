"""What the tools of MCP take, and what they give, from which is left out what has its default."""

from typing import Annotated, Any, Final, Self

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from api.http.bodies.forms import Answer
from api.http.bodies.messages import MessageOut
from api.models.log import Around, History, Message
from api.models.rooms import Member, RoomView
from api.protocol.fields import (
    MAX_FOUND,
    MAX_WAIT_SECONDS,
    Body,
    Epoch,
    Id,
    Ref,
    Seq,
    Strict,
    timestamp,
)
from api.protocol.strict_json import MAX_SAFE_INTEGER

MOST_MESSAGES: Final = 50
"""The most messages in an answer, so that it fits into what a model can read at once."""

RoomId = Annotated[Id, Field(description="The room_id, as list_rooms gives it")]
MessageSeq = Annotated[Seq, Field(description="The seq of the message")]
Mark = Annotated[
    str | SkipJsonSchema[None], Field(max_length=512, description="next_cursor of the page before")
]
Count = Annotated[int, Field(ge=1, le=MOST_MESSAGES, description="The most messages to return")]
SeqBefore = Annotated[int, Field(ge=0, le=MAX_SAFE_INTEGER)]

# -- what they take


class ListRooms(Strict):
    """Of which rooms to tell."""

    cursor: Mark = None
    limit: Annotated[int, Field(ge=1, le=100, description="The most rooms to return")] = 50


class ReadRoom(Strict):
    """Which messages of a room to read."""

    room_id: RoomId
    before: Annotated[
        SeqBefore | SkipJsonSchema[None], Field(description="Only messages with a lower seq")
    ] = None
    after: Annotated[
        SeqBefore | SkipJsonSchema[None], Field(description="Only messages with a higher seq")
    ] = None
    around: Annotated[
        SeqBefore | SkipJsonSchema[None], Field(description="The messages before and after this seq")
    ] = None
    limit: Count = 20


class SearchMessages(Strict):
    """What to look for."""

    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=256,
            description='Words, "a phrase", a prefix*, -without, from:username, in:room, before:2026-11-29,'
            " after:2026-11-01, has:link, has:file, has:pin, mentions:me",
        ),
    ]
    room_id: Annotated[Id | SkipJsonSchema[None], Field(description="In this room alone")] = None
    cursor: Mark = None
    limit: Annotated[int, Field(ge=1, le=MAX_FOUND, description="The most messages to return")] = 10


class GetMessage(Strict):
    """Which message to read."""

    room_id: RoomId
    seq: MessageSeq


class ListMembers(Strict):
    """Of which members of a room to tell."""

    room_id: RoomId
    named: Annotated[
        str | SkipJsonSchema[None],
        Field(
            min_length=1,
            max_length=80,
            pattern=r"^[^\x00]+$",
            description="Only those with this in their username or display name",
        ),
    ] = None
    cursor: Mark = None
    limit: Annotated[int, Field(ge=1, le=100, description="The most members to return")] = 50


class Wait(Strict):
    """For what to wait."""

    room_id: RoomId
    after: Annotated[
        SeqBefore | SkipJsonSchema[None],
        Field(
            description="The seq of the last message that you have. Without it: the last one that there is now"
        ),
    ] = None
    epoch: Annotated[
        Epoch | SkipJsonSchema[None],
        Field(description="The epoch that came with it. If the server was restored since, you are told"),
    ] = None
    seconds: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS, description="How long to wait at most")] = 20
    limit: Count = 20


class SendMessage(Strict):
    """What to send."""

    room_id: RoomId
    body: Annotated[Body, Field(description="The text, in Markdown")]
    ref: Annotated[
        Ref,
        Field(
            description="Any text of your choice that is new for each message, such as a UUID. To try again after an"
            " error, send the same ref: the message is stored once"
        ),
    ]
    reply_to: Annotated[
        Seq | SkipJsonSchema[None], Field(description="The seq of the message that it answers")
    ] = None


# -- what they give


class ToolFile(Answer):
    """A file of a message."""

    file_id: str
    name: str
    type: str
    size: int


class ToolMessage(Answer):
    """A message as it is now. `reactions` counts those with each emoji."""

    room_id: str
    seq: int
    at: str
    user_id: str
    username: str
    body: str
    reply_to: int | None = None
    thread: int | None = None
    edited_at: str | None = None
    deleted: bool = False
    pinned: bool = False
    is_bot: bool = False
    shown_as: str | None = None
    mentions: tuple[str, ...] = ()
    mentions_all: bool = False
    reactions: dict[str, int] = Field(default_factory=dict)
    reply_count: int = 0
    files: tuple[ToolFile, ...] = ()

    @classmethod
    def of(cls, message: Message) -> Self:
        """Make it from its record."""
        told = MessageOut.of(message)
        return cls(
            **{name: getattr(told, name) for name in _SAME},
            shown_as=None if told.shown_as is None else told.shown_as.name,
            reactions={one.emoji: one.count for one in told.reactions},
            files=tuple(
                ToolFile(file_id=one.file_id, name=one.name, type=one.type, size=one.size)
                for one in told.files
            ),
        )


_SAME: Final = ToolMessage.model_fields.keys() - {"shown_as", "reactions", "files"}
"""The fields that are those of `MessageOut`."""


class ToolRoom(Answer):
    """A room of the user. `people` are the usernames in a direct room, which has no name."""

    room_id: str
    name: str
    kind: str
    epoch: str
    topic: str = ""
    visibility: str
    archived: bool = False
    role: str | None = None
    member_count: int
    unread_count: int = 0
    mention_count: int = 0
    people: tuple[str, ...] = ()
    last_message_seq: int = 0
    last_message_at: str | None = None

    @classmethod
    def of(cls, view: RoomView) -> Self:
        """Make it from its record."""
        last = view.last_message
        return cls(
            room_id=view.room.id,
            name=view.room.name,
            kind=view.room.kind,
            epoch=view.epoch,
            topic=view.room.topic,
            visibility=view.room.visibility,
            archived=view.room.archived,
            role=view.rights,
            member_count=view.member_count,
            unread_count=view.unread.count,
            mention_count=view.unread.mention_count,
            people=tuple(one.username for one in view.users),
            last_message_seq=0 if last is None else last.seq,
            last_message_at=None if last is None else timestamp(last.at),
        )


class ToolRooms(Answer):
    """Rooms of the user."""

    items: list[ToolRoom]
    next_cursor: str | None = None


class ToolMember(Answer):
    """A member of a room. `online` says whether they are connected, or were until a moment ago."""

    user_id: str
    username: str
    display_name: str
    role: str
    is_bot: bool = False
    online: bool = False

    @classmethod
    def of(cls, member: Member, *, online: bool) -> Self:
        """Make it from its record."""
        return cls(
            user_id=member.user_id,
            username=member.username,
            display_name=member.display_name,
            role=member.role,
            is_bot=member.is_bot,
            online=online,
        )


class ToolMembers(Answer):
    """Members of a room."""

    items: list[ToolMember]
    next_cursor: str | None = None


class ToolHistory(Answer):
    """Messages of a room, oldest first."""

    epoch: str
    items: list[ToolMessage]
    has_more: bool | None = None
    has_more_before: bool | None = None
    has_more_after: bool | None = None

    @classmethod
    def of(cls, history: History) -> Self:
        """Make it from a page of messages."""
        items = [ToolMessage.of(one) for one in history.items]
        return cls(epoch=history.epoch, items=items, has_more=history.has_more)

    @classmethod
    def around(cls, around: Around) -> Self:
        """Make it from what stands around a seq."""
        return cls(
            epoch=around.epoch,
            items=[ToolMessage.of(one) for one in around.items if isinstance(one, Message)],
            has_more_before=around.has_more_before,
            has_more_after=around.has_more_after,
        )


class ToolFound(Answer):
    """Messages that were found, newest first."""

    items: list[ToolMessage]
    next_cursor: str | None = None


class ToolSent(Answer):
    """A message that is stored. `is_new` is false where its ref was stored before."""

    is_new: bool
    message: ToolMessage


# -- what OpenAPI tells


class RpcResult(Answer):
    """The answer of JSON-RPC 2.0 to a request that was carried out."""

    jsonrpc: str
    id: str | int
    result: dict[str, Any]


class RpcRefusal(Answer):
    """The answer of JSON-RPC 2.0 to a request that was not carried out. `data` has our `code`."""

    jsonrpc: str
    id: str | int | None
    error: dict[str, Any]


RPC_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "jsonrpc": {"type": "string", "enum": ["2.0"]},
                        "id": {
                            "type": ["string", "integer"],
                            "description": "A notification has none, and no answer",
                        },
                        "method": {"type": "string"},
                        "params": {"type": "object"},
                    },
                    "required": ["jsonrpc", "method"],
                },
                "example": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            }
        },
    }
}
"""What OpenAPI tells of a request, which is read as JSON-RPC says and so by no model."""

RPC_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": what,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/RpcRefusal"}},
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    }
    for status, what in (
        (400, "No request of the protocol, or of a version that is not spoken"),
        (404, "There is no such method, in the version 2026-07-28"),
    )
}
"""The statuses with which errors of JSON-RPC come."""
