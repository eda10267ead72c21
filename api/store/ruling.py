"""Decides what becomes of an entry that changes a message, at the moment when it is stored. Pure; for both stores."""

from collections.abc import Iterable
from enum import Enum, auto

from api.errors import Deleted
from api.models.log import Draft, Entry, Kind
from api.store.fold import Changed


class Ruling(Enum):
    """What a store does with such an entry."""

    STORE = auto()
    NOTHING = auto()
    """It would change nothing and has no ref, so nobody can ask for it again. It is not stored."""
    DELETED_BEFORE = auto()
    """It deletes what is deleted. It is not stored, and the delete that stands is its answer."""


def ruling(draft: Draft, message: Entry, changes: Iterable[Entry]) -> Ruling:
    """Decide about a draft by its target, a `message` entry, and by the entries that have changed it so far.

    Raises `Deleted` for a change of a deleted message.
    """
    now = Changed.by(message, changes)
    if now.is_deleted:
        if draft.kind is Kind.DELETE:
            return Ruling.DELETED_BEFORE
        raise Deleted
    if draft.ref is None and not _changes(draft, now):
        return Ruling.NOTHING
    return Ruling.STORE


def _changes(draft: Draft, now: Changed) -> bool:
    """Say whether a draft would change a message that is not deleted."""
    match draft.kind:
        case Kind.EDIT:
            return draft.data["body"] != now.body
        case Kind.REACTION:
            return draft.data["added"] != now.has_reaction(str(draft.data["emoji"]), draft.user_id)
        case _:
            return True
