"""Files on two running nodes whose keys were changed one after the other: an address of one opens on the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.node import Node, Person
from tests.process import serving
from tests.rooms.test_attachments import TEXT, send, upload, url_of
from tests.test_clocks import on_a_machine

pytestmark = pytest.mark.anyio

OLD, NEW = "the-secret-of-before-0123456789-abcdefgh", "the-secret-of-today-9876543210-hgfedcba"


def at(person: Person, node: Node) -> Person:
    """Return the same person at another node."""
    client = node.client(Authorization=f"Bearer {person.access_token}")
    return Person(node, person.username, person.id, person.access_token, person.refresh_token, client)


@pytest.fixture
def shared(store_url: str, tmp_path: Path) -> dict[str, str]:
    """What both nodes have in common."""
    return {
        "TAILWIRE_STORE": store_url,
        "TAILWIRE_PORT": "0",
        "TAILWIRE_FILES": str(tmp_path / "files"),
        "TAILWIRE_FILES_SHARED": "true",
        "TAILWIRE_USER_FILES_MIB": "1",
        "TAILWIRE_SIGNUP": "open",
        "TAILWIRE_SEARCH": "off",
    }


EARLIER = {"TAILWIRE_SECRET": OLD, "TAILWIRE_PREVIOUS_SECRETS": NEW}
LATER = {"TAILWIRE_SECRET": NEW, "TAILWIRE_PREVIOUS_SECRETS": OLD}


@pytest.fixture
async def nodes(shared: dict[str, str], tmp_path: Path) -> AsyncIterator[list[Node]]:
    """Two processes: one signs with the earlier key still, and knows the new one; one signs with the new one."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(shared | keys, tmp_path)) for keys in (EARLIER, LATER)]


async def test_an_address_by_an_earlier_key_opens_at_the_other_node_until_its_message_is_deleted(
    nodes: list[Node],
) -> None:
    earlier, later = nodes
    alice, stranger = await earlier.sign_up("alice"), await later.sign_up("stranger")
    room = (await alice.http.post("/rooms", json={"name": "Den", "visibility": "private"})).json()["id"]
    file_id = (await upload(alice, room_id=room))["file_id"]
    seq = (await send(alice, file_id, room_id=room)).json()["seq"]
    by_old, by_new = await url_of(alice, file_id), await url_of(at(alice, later), file_id)
    assert by_old != by_new
    for node in nodes:
        for path in (by_old, by_new):
            answer = await node.client().get(path)
            assert (answer.status_code, answer.content) == (200, TEXT)
    for person in (stranger, at(stranger, earlier)):
        asked = await person.http.post("/files/urls", json={"file_ids": [file_id]})
        assert (asked.status_code, asked.json()["code"]) == (404, "not_found")
    assert (await alice.http.delete(f"/rooms/{room}/messages/{seq}")).status_code == 204
    for node in reversed(nodes):  # at once, at the node that knows of the delete by the store alone
        for path in (by_old, by_new):
            assert (await node.client().get(path)).status_code == 404


async def test_who_is_removed_at_one_node_opens_what_they_have_at_the_other_and_gets_no_more(
    nodes: list[Node],
) -> None:
    alice, bob = await nodes[0].sign_up("alice"), await nodes[1].sign_up("bob")
    room = (await alice.http.post("/rooms", json={"name": "Den", "visibility": "private"})).json()["id"]
    await alice.http.put(f"/rooms/{room}/members/{bob.id}", json={"role": "member"})
    file_id = (await upload(alice, room_id=room))["file_id"]
    await send(alice, file_id, room_id=room)
    path = await url_of(bob, file_id)
    assert (await alice.http.delete(f"/rooms/{room}/members/{bob.id}")).status_code == 204
    for node in nodes:
        assert (await node.client().get(path)).status_code == 200
        asked = await at(bob, node).http.post("/files/urls", json={"file_ids": [file_id]})
        assert (asked.status_code, asked.json()["code"]) == (404, "not_found")


async def test_a_quota_holds_when_ten_uploads_come_to_two_nodes_at_the_same_time(nodes: list[Node]) -> None:
    alice, data = await nodes[0].sign_up("alice"), b"x" * 300_000
    people = [at(alice, node) for node in nodes]
    answers = await asyncio.gather(
        *(people[number % 2].http.post("/rooms/lobby/files", content=data) for number in range(10))
    )
    assert sorted(one.status_code for one in answers) == [201] * 3 + [507] * 7
    assert {one.json()["code"] for one in answers if one.status_code == 507} == {"quota"}


@pytest.mark.stores("sqlite")  # there a node goes by the clock of its machine, which can be set
async def test_an_address_opens_at_the_other_node_for_its_minutes_and_no_longer(
    nodes: list[Node], shared: dict[str, str], tmp_path: Path
) -> None:
    alice = await nodes[0].sign_up("alice")
    path = await url_of(alice, (await upload(alice))["file_id"])
    for minutes, status in ((4, 200), (11, 404)):  # it opens for at least five, and at most ten
        async with serving(shared | LATER, tmp_path, program=on_a_machine(minutes)) as later:
            assert (await later.client().get(path)).status_code == status, minutes
