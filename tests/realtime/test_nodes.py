"""How the nodes are: each says it through the store, and any of them tells administrators of all."""

from typing import Any

import pytest
from pydantic import SecretStr

from api import __version__
from api.config import Settings
from api.realtime import nodes
from api.store.base.store import Store
from tests.node import Node, Person, eventually, running

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "SAY_SECONDS", 0.05)


@pytest.fixture
async def admin(node: Node, store: Store) -> Person:
    person = await node.sign_up("boss")
    await store.accounts.set_flags(person.id, admin=True)
    return person


async def status(person: Person) -> dict[str, Any]:
    answer = await person.http.get("/admin/status")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_a_node_tells_how_it_is_and_how_the_others_were(
    node: Node, admin: Person, store: Store, store_url: str
) -> None:
    alone = await status(admin)
    assert (alone["status"], alone["version"]) == ("ready", __version__)
    assert alone["store"]["kind"] == store_url.partition(":")[0]
    assert alone["store"]["up"]
    (own,) = alone["nodes"]
    assert (own["current"], own["age_ms"], own["connections"], own["tasks"]) == (True, 0, 0, [])
    assert own["feed"]["live"]
    async with running(Settings(store=store_url, signup="open")) as other:
        alice = await other.sign_up("alice")
        async with alice.socket() as socket:
            await socket.send(type="subscribe", room_id="lobby")
            await socket.until(type="live")

            async def is_seen() -> bool:
                told = (await status(admin))["nodes"]
                return [(one["current"], one["connections"], one["rooms"]) for one in told] == [
                    (True, 0, 0),
                    (False, 1, 1),
                ]

            await eventually(is_seen)
    assert len((await status(admin))["nodes"]) == 1  # a node that ends is forgotten at once


async def test_leases_are_told_with_who_holds_them(node: Node, admin: Person, store: Store) -> None:
    assert await store.leases.acquire("work", "somebody")
    (lease,) = [lease for lease in (await status(admin))["leases"] if lease["name"] == "work"]
    assert lease == {"name": "work", "held": True, "node_id": None, "lag": None}


@pytest.mark.stores("sqlite")
@pytest.mark.settings(
    secret=SecretStr("9f3c1be07a5d42d8816eab2c94f7d05e"),
    previous_secrets=(SecretStr("0b1d7c3e5f9a8264c7e1f3a5b9d20846"),),
    metrics_token=SecretStr("a-token-of-7uQw9"),
    name="The Den",
)
async def test_administrators_see_the_settings_in_force_and_no_secret(node: Node, admin: Person) -> None:
    answer = await admin.http.get("/admin/settings")
    assert answer.status_code == 200
    by_name = {one["name"]: one for one in answer.json()["items"]}
    name = by_name["TAILWIRE_NAME"]
    assert (name["value"], name["source"], name["set"]) == ("The Den", "environment", True)
    assert by_name["TAILWIRE_PORT"]["source"] == "default"
    for secret in ("TAILWIRE_SECRET", "TAILWIRE_PREVIOUS_SECRETS", "TAILWIRE_METRICS_TOKEN"):
        shown = by_name[secret]
        assert (shown["value"], shown["secret"], shown["set"]) == (None, True, True)
    for secret in ("9f3c1be07a5d", "0b1d7c3e5f9a", "7uQw9"):
        assert secret not in answer.text
    assert answer.json()["open_doors"] == []
