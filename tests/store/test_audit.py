"""What every store promises of the audit log."""

import pytest

from api.models.accounts import Audited, AuditEvent
from api.store.base.store import Store

pytestmark = pytest.mark.anyio


async def test_the_audit_log_is_read_from_its_end_and_forgets(store: Store, other: Store) -> None:
    events = [AuditEvent(number, f"e{number}", Audited.LOGGED_IN, "a", None, "::1") for number in range(1, 6)]
    for one in events:
        await store.audit.record(one, forget_before=0)
    first = await other.audit.all(cursor=None, limit=3)
    assert first.items == events[:1:-1]
    assert (await store.audit.all(cursor=first.next_cursor, limit=3)).items == events[1::-1]
    await store.audit.record(AuditEvent(9, "e9", Audited.ERASED, None, None, None), forget_before=5)
    assert [one.id for one in (await store.audit.all(cursor=None, limit=9)).items] == ["e9", "e5"]
