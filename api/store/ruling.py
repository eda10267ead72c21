"""Decides what becomes of an entry that changes or answers a message, when it is stored. Pure; for both stores."""

from dataclasses import replace
from enum import Enum, auto
from typing import NamedTuple

from api.errors import Deleted, Invalid
from api.models.log import MAX_EMOJI, MAX_MENTIONS, MAX_PINS, Draft, Entry, EntryData, Json, Kind
from api.models.previews import previews_in, still_linked
from api.store.fold import State


class Ruling(Enum):
    """What a store does with such an entry."""

    STORE = auto()
    NOTHING = auto()
    """It would change nothing and has no ref, so nobody can ask for it again. It is not stored."""
    DELETED_BEFORE = auto()
    """It deletes what is deleted. It is not stored, and the delete that stands is its answer."""


class Target(NamedTuple):
    """The message that an entry changes or answers, as it is when the entry is stored."""

    message: Entry
    state: State
    has_reacted: bool = False
    """Whether the author of a reaction has reacted with its emoji."""
    pin_count: int = 0
    """How many messages of the room are pinned. Only a pin needs it."""


def seq_of_target(draft: Draft) -> int | None:
    """Return the seq of the message that a draft changes or answers, or None if it does neither."""
    seq = draft.data.get("reply_to" if draft.kind is Kind.MESSAGE else "target")
    return seq if isinstance(seq, int) else None


def completed(draft: Draft, target: Entry) -> Draft:
    """Return a draft with what the server adds to it from the message that it changes or answers.

    That is the thread of an answer: the thread of the message answered, or that message itself, which is its root then.
    An answer also mentions the author of that message, unless that is its own or one of the draft's `unmentioned`. A
    delete tells the thread of what it deletes, so that who does not have that message knows that it counts no more.
    """
    thread = target.data.get("thread")
    added: EntryData = {}
    if draft.kind is Kind.MESSAGE:
        added["thread"] = thread or target.seq
        if target.user_id not in {draft.user_id, *draft.unmentioned}:
            added["mentions"] = list[Json](dict.fromkeys((target.user_id, *_mentions_of(draft))))
    elif draft.kind is Kind.DELETE and thread is not None:
        added["thread"] = thread
    return replace(draft, data=draft.data | added) if added else draft


def require_few_mentions(draft: Draft) -> None:
    """Raise `Invalid` for a draft that mentions more users than a message may.

    It is decided when the draft is stored, so that the retry of a draft that was stored before is not refused.
    """
    if not has_few_mentions(draft):
        raise Invalid(f"A message mentions at most {MAX_MENTIONS} users", code="limit")


def has_few_mentions(draft: Draft) -> bool:
    """Say whether a draft mentions no more users than a message may."""
    return len(_mentions_of(draft)) <= MAX_MENTIONS


def _mentions_of(draft: Draft) -> list[Json]:
    mentions = draft.data.get("mentions")
    return mentions if isinstance(mentions, list) else []


def ruling(draft: Draft, target: Target) -> Ruling:
    """Decide about a draft by its target.

    Raises `Deleted` for a change of a deleted message, or an answer to one, and `Invalid` at a limit.
    """
    if target.state.deleted_by is not None:
        if draft.kind is Kind.DELETE:
            return Ruling.DELETED_BEFORE
        raise Deleted
    _require_space(draft, target)
    if draft.ref is None and not _changes(draft, target):
        return Ruling.NOTHING
    return Ruling.STORE


def is_new_emoji(draft: Draft, state: State) -> bool:
    """Say whether a draft reacts with an emoji that nobody has reacted with."""
    return (
        draft.kind is Kind.REACTION
        and draft.data["added"] is True
        and all(one.emoji != draft.data["emoji"] for one in state.reactions)
    )


def is_new_pin(draft: Draft, state: State) -> bool:
    """Say whether a draft pins a message that is not pinned."""
    return draft.kind is Kind.PIN and draft.data["pinned"] is True and state.pinned_by is None


def _require_space(draft: Draft, target: Target) -> None:
    if is_new_emoji(draft, target.state) and len(target.state.reactions) >= MAX_EMOJI:
        raise Invalid(f"A message has at most {MAX_EMOJI} different emoji", code="limit")
    if is_new_pin(draft, target.state) and target.pin_count >= MAX_PINS:
        raise Invalid(f"A room has at most {MAX_PINS} pinned messages", code="limit")


def _changes(draft: Draft, target: Target) -> bool:
    """Say whether a draft would change a message that is not deleted."""
    match draft.kind:
        case Kind.EDIT:
            body = target.state.body
            return draft.data["body"] != (target.message.data.get("body") if body is None else body)
        case Kind.REACTION:
            return draft.data["added"] != target.has_reacted
        case Kind.PIN:
            return draft.data["pinned"] != (target.state.pinned_by is not None)
        case Kind.PREVIEW:
            return _changes_previews(draft, target.state)
        case _:
            return True


def _changes_previews(draft: Draft, state: State) -> bool:
    """Say whether a draft would change the previews of a message.

    Once they are removed none does. Nor does one of links that an edit has taken away meanwhile, nor one of the links
    that have previews: the node that looks at a link after another one was cut off may not be the only one in the end.
    """
    if state.previews.removed or draft.data.get("removed") is True:
        return not state.previews.removed
    found = previews_in(draft.data)
    is_late = state.body is not None and still_linked(found, state.body) != found
    return [one.url for one in found] != [one.url for one in state.previews.items] and not is_late
