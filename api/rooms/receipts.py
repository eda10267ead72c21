"""Decides who is told how far the members of a room have read, and tells it."""

from typing import Final

from api.models.accounts import User
from api.models.changes import ReadMoved, ReceiptRaised, Tell
from api.models.rooms import ReadMark
from api.rooms.pairs import Pairs
from api.store.base.members import MemberStore

MOST_MEMBERS: Final = 50
"""In a room of more members than this nobody is told how far others have read."""


class Receipts:
    """Tells what users have read: always to their own other connections, and to the other members of small rooms."""

    def __init__(self, members: MemberStore, pairs: Pairs, tell: Tell, *, are_on: bool) -> None:
        self._members = members
        self._pairs = pairs
        self._tell = tell
        self._are_on = are_on

    async def are_shown_in(self, room_id: str) -> bool:
        """Return whether the members of a room are told how far the others have read.

        Two people of whom one has blocked the other are not, as long as the block stands.
        """
        if not self._are_on or not await self._pairs.is_open(room_id):
            return False
        return await self._members.count_of_room(room_id, at_most=MOST_MEMBERS + 1) <= MOST_MEMBERS

    async def read(self, room_id: str, user: User, mark: ReadMark, origin: object | None) -> None:
        """Tell of a mark that was stored. The connection `origin` knows it."""
        if not mark.has_moved:
            return
        moved = (room_id, user.id, user.username, mark.epoch, mark.seq)
        self._tell(ReadMoved(*moved), origin)
        if mark.raises_receipt and await self.are_shown_in(room_id):
            self._tell(ReceiptRaised(*moved), None)
