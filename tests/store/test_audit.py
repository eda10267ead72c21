"""What every store promises of the audit log."""

import pytest

from api.errors import BadCursor
from api.models.accounts import Audited, AuditEvent, AuditFilter
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


@pytest.mark.parametrize(
    ("matching", "ids"),
    [
        (AuditFilter(), ["e6", "e5", "e4", "e3", "e2", "e1"]),
        (AuditFilter(event=Audited.DISABLED), ["e4", "e2"]),
        (AuditFilter(user_id="a"), ["e6", "e4", "e3", "e1"]),
        (AuditFilter(Audited.LOGGED_IN, "a"), ["e3", "e1"]),
        (AuditFilter(user_id="nobody"), []),
        (AuditFilter(event=Audited.ERASED), []),
    ],
)
async def test_the_audit_log_is_filtered_by_kind_and_by_who_did_or_met_it(
    store: Store, matching: AuditFilter, ids: list[str]
) -> None:
    for one in (
        AuditEvent(1, "e1", Audited.LOGGED_IN, "a", "a", None),
        AuditEvent(2, "e2", Audited.DISABLED, "b", "c", None),
        AuditEvent(3, "e3", Audited.LOGGED_IN, "a", "a", None),
        AuditEvent(4, "e4", Audited.DISABLED, "b", "a", None),
        AuditEvent(5, "e5", Audited.LOGGED_IN, "b", "b", None),
        AuditEvent(6, "e6", Audited.PROMOTED, "a", "c", None),
    ):
        await store.audit.record(one, forget_before=0)
    found, cursor = list[str](), None
    while True:
        page = await store.audit.all(matching, cursor=cursor, limit=2)
        found += [one.id for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
        if matching != AuditFilter():
            with pytest.raises(BadCursor):
                await store.audit.all(cursor=cursor, limit=2)
    assert found == ids
