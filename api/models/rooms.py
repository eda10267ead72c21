"""Rooms and their members."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from api.models.log import Message

LOBBY_ID: Final = "lobby"
"""The public room that every signed-up user is a member of; it exists from the first start."""


class Role(StrEnum):
    """What a member may do in a room."""

    OWNER = "owner"
    MODERATOR = "moderator"
    MEMBER = "member"
    READER = "reader"


class Visibility(StrEnum):
    """Who may find and join a room."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Room:
    """A stored place where messages go."""

    id: str
    name: str
    topic: str
    visibility: Visibility
    created_at: int


@dataclass(frozen=True, slots=True)
class Member:
    """A user admitted to a room. `read_seq` is the last seq the user has seen; 0 before the first.

    `as_of` is for the store, which is shown the record again when its member appends.
    """

    room_id: str
    user_id: str
    username: str
    display_name: str
    role: Role
    joined_at: int
    read_seq: int
    as_of: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand at the moment at which a membership is to change."""

    role: Role | None  # of whom it is about; None: no member
    by_role: Role | None  # of who changes it
    is_last_owner: bool  # whether the room would be without an owner if they ceased to be one


MembershipRule: TypeAlias = Callable[[Standing], bool]
"""Says whether a membership is to change, False: there is nothing to do; raises what forbids it. Pure."""


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one user sees it in a list. `role` is None, and the counts are 0, for a non-member."""

    room: Room
    epoch: str
    seq: int
    role: Role | None
    read_seq: int
    unread_count: int
    last_message: Message | None
