"""Reads the roles of users in a room, in the transaction that decides by them.

The functions take a cursor, and run inside a transaction.
"""

import apsw

from api.errors import MembershipChanged
from api.models.rooms import LOBBY_ID, OUTSIDE, Member, Membership, Role, rights_in


def membership_of(cursor: apsw.Cursor, room_id: str, user_id: str) -> Membership:
    """Return the state of a user in a room, also of one who is no member."""
    row = cursor.execute(
        "SELECT role, returns_as, banned_at IS NOT NULL FROM members WHERE room_id = ? AND user_id = ?",
        (room_id, user_id),
    ).fetchone()
    if row is None:
        return OUTSIDE
    role, returns_as, banned = row
    return Membership(role and Role(role), returns_as and Role(returns_as), bool(banned))


def role_of(cursor: apsw.Cursor, room_id: str, user_id: str) -> Role | None:
    """Return a user's role in a room, or None for a user who is no member."""
    return membership_of(cursor, room_id, user_id).role


def rights_of(cursor: apsw.Cursor, room_id: str, user_id: str) -> Role | None:
    """Return the role by which a user may do things in a room, or None for a user who is no member."""
    role = role_of(cursor, room_id, user_id)
    if role is None or room_id != LOBBY_ID:
        return role
    row = cursor.execute("SELECT admin FROM users WHERE id = ?", (user_id,)).fetchone()
    return rights_in(room_id, role, is_admin=row is not None and bool(row[0]))


def has_other_owner(cursor: apsw.Cursor, room_id: str, user_id: str) -> bool:
    """Say whether a room has an owner besides this user."""
    row = cursor.execute(
        "SELECT 1 FROM members WHERE room_id = ? AND role = 'owner' AND user_id <> ? LIMIT 1",
        (room_id, user_id),
    ).fetchone()
    return row is not None


def require_unchanged(cursor: apsw.Cursor, member: Member) -> None:
    """Raise `MembershipChanged` unless a member still has the role that `member` says."""
    if role_of(cursor, member.room_id, member.user_id) is not member.role:
        raise MembershipChanged
