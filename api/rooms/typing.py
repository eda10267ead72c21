"""Tells the members of a room who is typing."""

from api.limits.throttles import Throttles
from api.models.accounts import User
from api.models.changes import Tell, Typed
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.pairs import Pairs


class TypingService:
    """Tells who is typing. It is a hint, which clients forget after some seconds, and is stored nowhere."""

    def __init__(self, members: MemberService, pairs: Pairs, throttles: Throttles, tell: Tell) -> None:
        self._members = members
        self._pairs = pairs
        self._throttles = throttles
        self._tell = tell

    async def typing(self, room_id: str, user: User, *, origin: object | None = None) -> None:
        """Tell the others in a room that a member is typing there.

        Raises `RateLimited`, `Forbidden`, `NotFound`, and `Blocked` where they could not write to the other either.
        """
        await self._members.require(room_id, user.id, Operation.TYPE)
        await self._pairs.require_open(room_id)
        self._throttles.type(user.id)
        self._tell(Typed(room_id, user.id, user.username), origin)
