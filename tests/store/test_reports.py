"""What every store promises of reports."""

from dataclasses import replace

import pytest

from api.errors import NotFound
from api.models.accounts import User
from api.models.moderation import Report, ReportState
from api.models.rooms import Room
from api.store.base.store import Store
from tests.store.calls import all_pages

pytestmark = pytest.mark.anyio


def report_of(user: User, room: Room, number: int = 1) -> Report:
    return Report(f"report-{number}", room.id, "epoch", number, user.id, f"reason {number}", at=number)


async def test_a_report_is_stored_once(store: Store, other: Store, den: Room, bob: User) -> None:
    report = report_of(bob, den)
    assert await store.reports.create(report)
    assert not await other.reports.create(replace(report, reason="another"))
    for each in (store, other):
        assert await each.reports.get(report.id) == report
        assert await each.reports.get("none") is None


async def test_reports_are_listed_the_newest_first_by_state_and_by_user(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    made = [report_of(bob if number % 2 else alice, den, number) for number in range(1, 6)]
    for report in made:
        await store.reports.create(report)
    closed = await store.reports.set_state(made[2].id, ReportState.CLOSED)
    assert closed == replace(made[2], state=ReportState.CLOSED)
    now = [closed if one.id == closed.id else one for one in reversed(made)]

    async def listed(state: ReportState | None) -> list[Report]:
        return await all_pages(lambda cursor: store.reports.all(state=state, cursor=cursor, limit=2), limit=2)

    assert await listed(None) == now
    assert await listed(ReportState.OPEN) == [one for one in now if one is not closed]
    assert await listed(ReportState.CLOSED) == [closed]
    of_bob = await all_pages(lambda cursor: store.reports.of_user(bob.id, cursor=cursor, limit=2), limit=2)
    assert of_bob == [one for one in now if one.reporter_id == bob.id]
    assert await store.reports.set_state(closed.id, ReportState.OPEN) == made[2]
    with pytest.raises(NotFound):
        await store.reports.set_state("none", ReportState.OPEN)


async def test_reports_go_with_the_account_that_made_them(
    store: Store, den: Room, alice: User, bob: User
) -> None:
    mine, theirs = report_of(bob, den, 1), report_of(alice, den, 2)
    await store.reports.create(mine)
    await store.reports.create(theirs)
    await store.erasure.begin(bob.id)
    await store.erasure.finish(bob.id)
    assert (await store.reports.all(state=None, cursor=None, limit=9)).items == [theirs]
