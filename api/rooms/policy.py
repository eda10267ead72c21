"""The permissions in rooms: tables that the services of rooms check at every operation. Pure.

What a user may not see raises `NotFound`, as if it did not exist. What a user may see but not do raises `Forbidden`.
docs/permissions.md is made from the tables.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from api.errors import Archived, BadInvite, Banned, Forbidden, NotFound, UserBanned
from api.models.rooms import (
    LOBBY_ID,
    UNLIMITED,
    Member,
    Membership,
    MembershipRule,
    Role,
    Standing,
    Visibility,
    Writable,
    ending,
    is_direct,
    joining,
)
from api.rooms.operations import Operation


class Insider(StrEnum):
    """The kinds of members whose role says nothing about what they may do."""

    DIRECT = "direct"  # one of the people of a direct room


class Outsider(StrEnum):
    """The kinds of users who are not members of a room."""

    VISITOR = "visitor"  # a non-member of a public room
    BANNED = "banned"  # a non-member of a public room who is banned from it
    STRANGER = "stranger"  # a non-member of a private room, banned or not


Relation: TypeAlias = Role | Insider | Outsider
"""A user's relation to a room: a member's role, one of its people, or a kind of outsider."""


ROLES: Final[frozenset[Relation]] = frozenset(Role)
MEMBERS: Final[frozenset[Relation]] = ROLES | {Insider.DIRECT}
WRITERS: Final = MEMBERS - {Role.READER}
GOVERNORS: Final[frozenset[Relation]] = frozenset({Role.OWNER, Role.MODERATOR})

WHO_MAY: Final[Mapping[Operation, frozenset[Relation]]] = {
    Operation.SEE: MEMBERS | {Outsider.VISITOR, Outsider.BANNED},
    Operation.JOIN: ROLES | {Outsider.VISITOR},
    Operation.LEAVE: MEMBERS,
    Operation.LIST_MEMBERS: MEMBERS,
    Operation.READ_LOG: MEMBERS,
    Operation.SEARCH: MEMBERS,
    Operation.SUBSCRIBE: MEMBERS,
    Operation.MARK_READ: MEMBERS,
    Operation.SEND: WRITERS,
    Operation.SEND_RESTRICTED: GOVERNORS,
    Operation.UPLOAD: WRITERS,
    Operation.TYPE: WRITERS,
    Operation.EDIT: WRITERS,
    Operation.DELETE: MEMBERS,
    Operation.DELETE_OTHERS: GOVERNORS,
    Operation.REACT: WRITERS,
    Operation.PIN: GOVERNORS | {Insider.DIRECT},
    Operation.MENTION_ALL: WRITERS,
    Operation.NOTIFY: MEMBERS,
    Operation.PLACE: MEMBERS,
    Operation.INVITE: GOVERNORS,
    Operation.SET_ROLE: GOVERNORS,
    Operation.REMOVE_MEMBER: GOVERNORS,
    Operation.SET_TOPIC: GOVERNORS,
    Operation.SET_AVATAR: GOVERNORS,
    Operation.CHANGE_ROOM: frozenset({Role.OWNER}),
    Operation.DELETE_ROOM: frozenset({Role.OWNER}),
    Operation.BAN: GOVERNORS,
    Operation.MANAGE_HOOKS: GOVERNORS,
    Operation.SEE_INTEGRATIONS: MEMBERS,
    Operation.REPORT: MEMBERS,
    Operation.MANAGE_WEBHOOKS: frozenset({Role.OWNER}),
}

IN_ARCHIVED: Final = frozenset(
    {
        *(Operation.SEE, Operation.JOIN, Operation.LEAVE, Operation.LIST_MEMBERS, Operation.READ_LOG),
        *(Operation.SEARCH, Operation.SUBSCRIBE, Operation.MARK_READ, Operation.NOTIFY, Operation.PLACE),
        *(Operation.DELETE, Operation.DELETE_OTHERS, Operation.SET_ROLE, Operation.REMOVE_MEMBER),
        *(Operation.BAN, Operation.REPORT, Operation.CHANGE_ROOM, Operation.DELETE_ROOM),
        Operation.SEE_INTEGRATIONS,
    }
)
"""What is still done in an archived room: reading, leaving, deleting, changing members and taking the room back."""

GOVERNS: Final[Mapping[Role, frozenset[Role]]] = {
    Role.OWNER: frozenset(Role),
    Role.MODERATOR: frozenset({Role.MEMBER, Role.READER}),
    Role.MEMBER: frozenset(),
    Role.READER: frozenset(),
}
"""The roles that each role can give and take away. None can give a higher one, so nobody can raise themselves."""


MOST_WHOM_MEMBERS_MENTION: Final = 20
"""In a room of more members than this, only owners and moderators mention everybody with `@room`."""


class Facts(NamedTuple):
    """The facts about a user and a room that the policy reads. `role` is None for a non-member.

    `writable` and `is_direct` matter only for members, `visibility` and `banned` only for non-members. Callers that
    know which of them the user is may omit the rest.
    """

    role: Role | None
    visibility: Visibility = Visibility.PRIVATE
    writable: Writable = UNLIMITED
    is_direct: bool = False
    banned: bool = False

    @property
    def relation(self) -> Relation:
        """The relation of the user to the room."""
        if self.role is not None:
            return Insider.DIRECT if self.is_direct else self.role
        if self.visibility is not Visibility.PUBLIC:
            return Outsider.STRANGER
        return Outsider.BANNED if self.banned else Outsider.VISITOR


def facts_of(member: Member | None) -> Facts:
    """Return the facts about a member, or about one who is none."""
    if member is None:
        return Facts(None)
    return Facts(member.rights, writable=member.writable, is_direct=is_direct(member.room_id))


def require(operation: Operation, facts: Facts) -> None:
    """Check whether these facts allow an operation. Raises `Forbidden`, `Archived`, `Banned`, `NotFound`."""
    relation = facts.relation
    if relation not in WHO_MAY[operation]:
        if relation is Outsider.BANNED:
            raise Banned
        raise NotFound if isinstance(relation, Outsider) else Forbidden(_REFUSALS.get(operation, ""))
    if facts.writable.archived and operation not in IN_ARCHIVED:
        raise Archived
    if (
        operation in {Operation.SEND, Operation.UPLOAD, Operation.TYPE}
        and facts.writable.post_role is Role.MODERATOR
    ):
        require(Operation.SEND_RESTRICTED, Facts(facts.role))


def allows(operation: Operation, facts: Facts) -> bool:
    """Say whether these facts allow an operation."""
    try:
        require(operation, facts)
    except (Forbidden, NotFound):
        return False
    return True


def is_slowed(member: Member) -> bool:
    """Say whether a member waits between messages."""
    return member.writable.slow_seconds > 0 and member.rights not in GOVERNORS


def may_mention_all(role: Role, member_count: int) -> bool:
    """Return whether `@room` of a member with this role mentions everybody in a room of so many members."""
    if role not in WHO_MAY[Operation.MENTION_ALL]:
        return False
    return role in GOVERNORS or member_count <= MOST_WHOM_MEMBERS_MENTION


def require_governed_author(role: Role, author: Role | None) -> None:
    """Raise `Forbidden` unless a member with this role may act on messages of an author with that role.

    `author` is None for one who is no member any more, on whose messages everybody with such a right may act.
    """
    if author is not None and author not in GOVERNS[role]:
        raise Forbidden(_TOO_FAR)


# -- rules that the store calls in the transaction of a change of membership


def coming_in(role: Role) -> MembershipRule:
    """Return the rule for coming in by oneself, as `joining`. Raises `Banned` for who is banned."""

    def rule(standing: Standing) -> Membership | None:
        if standing.now.banned:
            raise Banned
        return joining(role)(standing)

    return rule


def leaving(room_id: str) -> MembershipRule:
    """Return the rule for leaving a room. Nobody can leave the lobby, or a room as its last owner."""

    def rule(standing: Standing) -> Membership | None:
        require(Operation.LEAVE, Facts(standing.role))
        require_not_lobby(room_id, "Nobody can leave the lobby")
        _require_an_owner_left(standing)
        return ending(standing)

    return rule


def setting_role(role: Role) -> MembershipRule:
    """Return the rule for giving a user a role in a room, which may add them to it.

    It is the only way in which who comes back as a reader gets another role.
    """

    def rule(standing: Standing) -> Membership | None:
        require(Operation.SET_ROLE, Facts(standing.by_role))
        if standing.now.banned:
            raise UserBanned
        _require_governed(standing, role)
        if role is not Role.OWNER:
            _require_an_owner_left(standing)
        return None if standing.role is role else Membership(role)

    return rule


def removing(room_id: str) -> MembershipRule:
    """Return the rule for removing another user from a room. Removing a non-member changes nothing."""

    def rule(standing: Standing) -> Membership | None:
        require(Operation.REMOVE_MEMBER, Facts(standing.by_role))
        require_not_lobby(room_id, "Nobody can be removed from the lobby")
        _require_governed(standing)
        _require_an_owner_left(standing)
        return ending(standing)

    return rule


def banning(room_id: str) -> MembershipRule:
    """Return the rule for banning another user from a room, who may be no member. It ends their membership."""

    def rule(standing: Standing) -> Membership | None:
        require(Operation.BAN, Facts(standing.by_role))
        require_not_lobby(
            room_id, "Nobody can be banned from the lobby: an administrator can disable the account"
        )
        _require_governed(standing)
        _require_an_owner_left(standing)
        return None if standing.now.banned else replace(standing.now.ended, banned=True)

    return rule


def ending_ban(standing: Standing) -> Membership | None:
    """End a ban, if there is one. It is a `MembershipRule`."""
    require(Operation.BAN, Facts(standing.by_role))
    return replace(standing.now, banned=False) if standing.now.banned else None


def require_may_give(role: Role, given: Role) -> None:
    """Raise `Forbidden` unless a member with this role may give the role `given`."""
    if given not in GOVERNS[role]:
        raise Forbidden(_TOO_FAR)


def given_by(maker: Role | None, role: Role) -> Role:
    """Return the role that an invite gives whose maker has the role `maker` now: what it says, or what is left of it.

    An invite gives at most what its maker may give. Raises `BadInvite` where they are no member any more, or may give
    no role at all.
    """
    may_give = GOVERNS[maker] if maker is not None else frozenset[Role]()
    lowered = next((one for one in (role, *_FROM_HIGH) if one in may_give and _is_at_most(one, role)), None)
    if lowered is None:
        raise BadInvite
    return lowered


def coming_by_invite(role: Role) -> MembershipRule:
    """Return the rule for coming in by an invite that says this role, by the present role of its maker.

    Who is a member stays as they are, and who comes back as a reader does so by an invite too. Raises `Banned`.
    """

    def rule(standing: Standing) -> Membership | None:
        given = given_by(standing.by_role, role)
        return coming_in(given)(standing)

    return rule


_FROM_HIGH: Final = tuple(Role)
"""All roles, the highest first."""


def _is_at_most(role: Role, other: Role) -> bool:
    return _FROM_HIGH.index(role) >= _FROM_HIGH.index(other)


def _require_governed(standing: Standing, *given: Role) -> None:
    """Raise `Forbidden` unless the caller's role governs the user's present role and the `given` one."""
    governed = GOVERNS[standing.by_role] if standing.by_role is not None else frozenset()
    taken = () if standing.role is None else (standing.role,)
    if not governed.issuperset((*taken, *given)):
        raise Forbidden(_TOO_FAR)


def _require_an_owner_left(standing: Standing) -> None:
    if standing.is_last_owner:
        raise Forbidden("A room keeps an owner: make somebody else one first")


def require_not_lobby(room_id: str, message: str) -> None:
    """Raise `Forbidden` with this text if a room is the lobby."""
    if room_id == LOBBY_ID:
        raise Forbidden(message)


_TOO_FAR: Final = "Your role in this room does not reach that far"
_REFUSALS: Final[Mapping[Operation, str]] = {
    **dict.fromkeys(
        (operation for operation, relations in WHO_MAY.items() if relations == WRITERS),
        "Readers of a room cannot write to it",
    ),
    Operation.BAN: "Only owners and moderators ban users",
    Operation.PIN: "Only owners and moderators pin messages",
    Operation.SEND_RESTRICTED: "Only owners and moderators write to this room",
    Operation.SET_TOPIC: "Only owners and moderators change the topic and slow mode",
    Operation.CHANGE_ROOM: "Only owners change this",
    Operation.DELETE_ROOM: "Only owners delete a room",
    Operation.MANAGE_WEBHOOKS: "Only owners manage webhooks",
    Operation.DELETE_OTHERS: "Only owners and moderators delete what others wrote",
    Operation.INVITE: "Only owners and moderators invite people",
    Operation.MANAGE_HOOKS: "Only owners and moderators make and end hooks",
}
