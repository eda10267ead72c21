"""What the token of a program must allow before it may do something. Pure."""

from typing import Final, NamedTuple

from api.models.accounts import Scope


class Needs(NamedTuple):
    """What one operation needs of a token: one of `scopes`, and where `all_rooms` says so that it is bound to no room.

    Without `scopes` no token may do it: it needs a log-in.
    """

    scopes: frozenset[Scope]
    all_rooms: bool = False


READ: Final = Needs(frozenset({Scope.READ}))
WRITE: Final = Needs(frozenset({Scope.WRITE}))
READ_OR_WRITE: Final = Needs(frozenset({Scope.READ, Scope.WRITE}))
MANAGE: Final = Needs(frozenset({Scope.MANAGE}))
MANAGE_ALL: Final = Needs(frozenset({Scope.MANAGE}), all_rooms=True)
LOG_IN: Final = Needs(frozenset())
