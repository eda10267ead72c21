"""Decides which sessions of a user end when a new one begins. Both stores use it. Pure."""

from collections.abc import Sequence

from api.models.accounts import Session, SessionKind


def evicted(sessions: Sequence[Session], new: Session, most: int) -> list[Session]:
    """Return those of a user's `sessions` that end because `new`, which is one of them, began.

    These are the expired ones. If `new` is a log-in, they are also those of the other log-ins that are beyond `most`:
    first the never used, then by last use. The new session is not among them, and the newest only when all others are.
    So of two sessions that begin at once, on two nodes whose clocks differ, at least one stays.
    """
    expired = [one for one in sessions if one.expires_at <= new.created_at]
    if new.kind is not SessionKind.LOGIN:
        return expired
    live = [one for one in sessions if one.expires_at > new.created_at and one.kind is SessionKind.LOGIN]
    newest = max(live, key=_age, default=None)
    ranked = sorted(
        (one for one in live if one.id != new.id),
        key=lambda one: (one is newest, one.was_used, one.last_used_at, _age(one)),
    )
    return expired + ranked[: max(0, len(live) - most)]


def _age(session: Session) -> tuple[int, str]:
    return session.created_at, session.id
