"""Lets users block others: no direct messages, mentions or additions to rooms from these."""

from typing import Final

from api.clock import now_ms
from api.errors import FieldError, Invalid
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record, User
from api.models.page import Page
from api.rooms.members import MemberService
from api.store.base.store import Store

MAX_BLOCKS: Final = 1_000
"""A user blocks at most this many others. Requests at the same moment can exceed it by their number."""


class BlockService:
    """Reads and changes blocks. Who is blocked is not told, and messages stay as they are: clients hide them."""

    def __init__(self, store: Store, members: MemberService, throttles: Throttles, record: Record) -> None:
        self._store = store
        self._members = members
        self._throttles = throttles
        self._record = record

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List whom a user has blocked, the newest block first. Raises `BadCursor`."""
        return await self._store.blocks.of_user(user_id, cursor=cursor, limit=limit)

    async def block(self, by: User, user_id: str, address: str | None) -> None:
        """Let a user block another. Repeating it changes nothing.

        Raises `RateLimited`, `NotFound` for an unknown user, and `Invalid` for oneself and at the limit.
        """
        self._throttles.send(by.id)
        if user_id == by.id:
            raise Invalid(errors=(FieldError(("path", "user_id"), "must be another user"),))
        user = await self._members.user(user_id)
        if await self._store.blocks.count_of_user(by.id) >= MAX_BLOCKS:
            raise Invalid(f"A user blocks at most {MAX_BLOCKS} others", code="limit")
        await self._store.blocks.add(by.id, user.id, at=now_ms())
        await self._record(Audited.BLOCKED, actor_id=by.id, subject_id=user_id, address=address)

    async def unblock(self, by: User, user_id: str, address: str | None) -> None:
        """End a block. Does nothing where there is none. Raises `RateLimited`."""
        self._throttles.send(by.id)
        await self._store.blocks.remove(by.id, user_id)
        await self._record(Audited.UNBLOCKED, actor_id=by.id, subject_id=user_id, address=address)
