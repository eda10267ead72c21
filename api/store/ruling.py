"""Decides what becomes of an entry that changes a message, at the moment when it is stored. Pure; for both stores."""

from collections.abc import Iterable
from enum import Enum, auto

from api.errors import Deleted, Invalid
from api.models.log import MAX_EMOJI, MAX_PINS, Draft, Entry, Kind
from api.store.fold import Changed


class Ruling(Enum):
    """What a store does with such an entry."""

    STORE = auto()
    NOTHING = auto()
    """It would change nothing and has no ref, so nobody can ask for it again. It is not stored."""
    DELETED_BEFORE = auto()
    """It deletes what is deleted. It is not stored, and the delete that stands is its answer."""


def ruling(draft: Draft, message: Entry, changes: Iterable[Entry], pin_count: int = 0) -> Ruling:
    """Decide about a draft by its target, a `message` entry, and by the entries that have changed it so far.

    `pin_count` is the number of pinned messages of the room, which a pin needs. Raises `Deleted` for a change of a
    deleted message, and `Invalid` at a limit.
    """
    now = Changed.by(message, changes)
    if now.is_deleted:
        if draft.kind is Kind.DELETE:
            return Ruling.DELETED_BEFORE
        raise Deleted
    if draft.kind is Kind.REACTION and draft.data["added"]:
        _require_space(now, str(draft.data["emoji"]))
    if draft.kind is Kind.PIN and draft.data["pinned"] and now.pinned_by is None and pin_count >= MAX_PINS:
        raise Invalid(f"A room has at most {MAX_PINS} pinned messages", code="limit")
    if draft.ref is None and not _changes(draft, now):
        return Ruling.NOTHING
    return Ruling.STORE


def _require_space(now: Changed, emoji: str) -> None:
    if emoji not in now.reactions and len(now.reactions) >= MAX_EMOJI:
        raise Invalid(f"A message has at most {MAX_EMOJI} different emoji", code="limit")


def _changes(draft: Draft, now: Changed) -> bool:
    """Say whether a draft would change a message that is not deleted."""
    match draft.kind:
        case Kind.EDIT:
            return draft.data["body"] != now.body
        case Kind.REACTION:
            return draft.data["added"] != now.has_reaction(str(draft.data["emoji"]), draft.user_id)
        case Kind.PIN:
            return draft.data["pinned"] != (now.pinned_by is not None)
        case _:
            return True
