"""Rooms, their members, and a user's view of a room."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from api.models.log import Message

LOBBY_ID: Final = "lobby"
"""The id of the public room that every user is a member of. It exists from the first start."""


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
    """A user admitted to a room. `read_seq` is the last seq that the user has seen, 0 before the first.

    `as_of` is for the store, which gets the record back when the member appends.
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
    """The facts about a membership at the moment of its change, for a `MembershipRule`."""

    role: Role | None  # of the user whose membership changes; None for a non-member
    by_role: Role | None  # of the user who changes it; None for a non-member
    is_last_owner: bool  # whether the user is the only owner of the room


MembershipRule: TypeAlias = Callable[[Standing], bool]
"""A pure function that decides about a change of a membership.

It returns False when there is nothing to change, and raises the error that forbids the change.
"""


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one user sees it in a list. For a non-member `role` is None, and the counts are 0."""

    room: Room
    epoch: str
    seq: int
    role: Role | None
    read_seq: int
    unread_count: int
    last_message: Message | None
