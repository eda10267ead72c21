"""What every store promises of deliveries."""

import pytest

from api.errors import BadCursor
from api.models.rooms import LOBBY_ID
from api.models.webhooks import Delivery, Outcome
from api.store.base import deliveries as module
from api.store.base.store import Store
from api.store.cluster import deliveries as cluster
from api.store.sqlite import deliveries as sqlite
from tests.store.make import make_delivery, make_webhook

pytestmark = pytest.mark.anyio


async def listed(store: Store, webhook_id: str, *, dead: bool = False, limit: int = 100) -> list[Delivery]:
    found: list[Delivery] = []
    cursor: str | None = None
    while True:
        page = await store.deliveries.of_webhook(webhook_id, dead=dead, cursor=cursor, limit=limit)
        found += page.items
        if (cursor := page.next_cursor) is None:
            return found


async def test_deliveries_are_listed_newest_first_and_dead_letters_by_themselves(
    store: Store, other: Store
) -> None:
    webhook, another = make_webhook(LOBBY_ID), make_webhook(LOBBY_ID, 1)
    for one in (webhook, another):
        await store.webhooks.create(one)
    tried = [make_delivery(webhook, number) for number in range(5)]
    failed = make_delivery(webhook, 3, at=40_000, attempt=2, outcome=Outcome.DOWN, status=None)
    dead = make_delivery(webhook, 2, is_dead=True, outcome=Outcome.REFUSED, status=400)
    await store.deliveries.add([*tried, failed, dead, make_delivery(another)])
    for limit in (2, 100):
        assert await listed(other, webhook.id, limit=limit) == [failed, *reversed(tried)]
    assert await listed(other, webhook.id, dead=True) == [dead]
    assert await listed(other, "\0") == await listed(other, "nobody") == []
    with pytest.raises(BadCursor):
        await other.deliveries.of_webhook(webhook.id, dead=False, cursor="x", limit=1)


async def test_a_dead_letter_takes_the_place_of_an_earlier_one_with_its_id(store: Store) -> None:
    webhook = make_webhook(LOBBY_ID)
    await store.webhooks.create(webhook)
    first = make_delivery(webhook, is_dead=True)
    again = make_delivery(webhook, is_dead=True, at=first.at + 9, attempt=7)
    await store.deliveries.add([first])
    await store.deliveries.add([again, make_delivery(webhook, 1, is_dead=True, at=1)])
    assert await listed(store, webhook.id, dead=True) == [
        again,
        make_delivery(webhook, 1, is_dead=True, at=1),
    ]


async def test_only_the_newest_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for backend in (sqlite, cluster):
        monkeypatch.setattr(backend, "KEPT", 10)
        monkeypatch.setattr(backend, "KEPT_DEAD", 20)
    webhook, another = make_webhook(LOBBY_ID), make_webhook(LOBBY_ID, 1)
    for one in (webhook, another):
        await store.webhooks.create(one)
    await store.deliveries.add([make_delivery(another, number) for number in range(15)])
    for dead, kept in ((False, 10), (True, 20)):
        made = [make_delivery(webhook, number, is_dead=dead) for number in range(4 * module.TIDY_EVERY)]
        for start in range(0, len(made), 7):
            await store.deliveries.add(made[start : start + 7])
            count = len(await listed(store, webhook.id, dead=dead))
            assert count <= kept + module.TIDY_EVERY
        assert (await listed(store, webhook.id, dead=dead))[:kept] == made[: -kept - 1 : -1]
    assert len(await listed(store, another.id)) == 15
