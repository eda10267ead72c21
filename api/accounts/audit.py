"""The audit log of accounts and of moderation: who did what, and from where. It holds no secret and no text."""

from typing import Final

import structlog

from api.clock import MS_PER_DAY, now_ms
from api.errors import Unavailable
from api.ids import random_id
from api.models.accounts import Audited, AuditEvent
from api.store.base.store import Store

WITHOUT_ACTOR: Final = frozenset({Audited.LOGIN_FAILED, Audited.REFRESH_REUSED})
"""Events that are stored without an actor, because the account's user may not have caused them."""

log = structlog.get_logger("api.audit")


class Audit:
    """Writes events to the store, and deletes those older than `days`."""

    def __init__(self, store: Store, *, days: int) -> None:
        self._store = store
        self._kept_ms = days * MS_PER_DAY

    async def record(
        self,
        event: Audited,
        *,
        actor_id: str | None,
        subject_id: str | None,
        address: str | None,
        room_id: str | None = None,
    ) -> None:
        """Write an event; it is durable when this returns. Raises `Unavailable`. It is a `Record`."""
        now = now_ms()
        await self._store.audit.record(
            AuditEvent(now, random_id(), event, actor_id, subject_id, address, room_id),
            forget_before=now - self._kept_ms,
        )

    async def note(self, event: Audited, user_id: str | None, address: str | None) -> None:
        """Write what a user did with their own account. A failure is only logged, so that it keeps nobody out."""
        actor_id = None if event in WITHOUT_ACTOR else user_id
        try:
            await self.record(event, actor_id=actor_id, subject_id=user_id, address=address)
        except Unavailable:
            log.warning("audit_lost", audited=event)
