"""What the data of an entry holds, for every kind and every store. Pure."""

from typing import Any, Final

from api.errors import Invalid
from api.models.accounts import User
from api.models.log import Draft, Kind
from api.models.rooms import Role

_FIELDS: Final[dict[Kind, dict[str, tuple[type, ...]]]] = {
    Kind.MESSAGE: {"body": (str,), "reply_to": (int, type(None))},
    Kind.EDIT: {"target": (int,), "body": (str,)},
    Kind.DELETE: {"target": (int,)},
    Kind.REACTION: {"target": (int,), "emoji": (str,), "added": (bool,)},
    Kind.MEMBER: {"role": (str, type(None)), "by": (str,)},
    Kind.ROOM: {"name": (str,), "topic": (str,), "visibility": (str,)},
}


def has_shape(kind: Kind, data: Any) -> bool:
    """Say whether data holds the fields of its kind. Their exact types: True is not a seq."""
    return isinstance(data, dict) and all(
        name in data and type(data[name]) in types for name, types in _FIELDS[kind].items()
    )


def require_shape(draft: Draft) -> None:
    """Raises `Invalid` unless a draft's data holds the fields of its kind and no others."""
    if not has_shape(draft.kind, draft.data) or len(draft.data) != len(_FIELDS[draft.kind]):
        raise Invalid(f"these are not the fields of an entry of kind {draft.kind}")


def member_draft(user: User, role: Role | None, at: int, by: str) -> Draft:
    """Return the entry of a user who is given a role by somebody, or, with none, ceases to be a member."""
    data = {"role": None if role is None else role.value, "by": by}
    return Draft(Kind.MEMBER, user.id, user.username, at, ref=None, data={**data})
