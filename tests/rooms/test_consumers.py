"""Consumers: everything once and in order in each room, from a position that the server keeps, on two nodes too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from api.config import Settings
from api.models.rooms import LOBBY_ID, Role
from api.store import backup_store, restore_store
from tests.accounts.programs import made_bot, made_token, program
from tests.bad_inputs.answers import is_problem, is_served
from tests.node import PASSWORD, Event, Node, Person, eventually, running
from tests.rooms.test_message_changes import read, two_nodes
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio

WAIT: Final = 8
"""Seconds that a poll waits in these tests: far longer than anything takes to be told, and shorter than a test may."""


def on(person: Person, node: Node) -> Person:
    """Return a person who talks to another node."""
    http = node.client(Authorization=f"Bearer {person.access_token}")
    return Person(node, person.username, person.id, person.access_token, person.refresh_token, http)


async def logged_in(node: Node, person: Person) -> Person:
    """Log in on a node, as after a restore."""
    login = await node.client().post("/auth/login", json={"username": person.username, "password": PASSWORD})
    token = login.json()["access_token"]
    return Person(node, person.username, person.id, token, "", node.client(Authorization=f"Bearer {token}"))


async def make(person: Person, name: str = "bot", **fields: Any) -> Event:
    answer = await person.http.put(f"/consumers/{name}", json=fields)
    assert answer.status_code == 201, answer.text
    made: Event = answer.json()
    return made


async def poll(person: Person, name: str = "bot", **query: Any) -> Event:
    found: Event = await read(person, f"/consumers/{name}/entries", **query)
    return found


async def ack(person: Person, page: Event, name: str = "bot") -> None:
    answer = await person.http.post(f"/consumers/{name}/ack", json={"token": page["token"]})
    assert answer.status_code == 204, answer.text


async def drain(person: Person, name: str = "bot", **query: Any) -> list[Event]:
    """Read and acknowledge until nothing is left, and return all of it."""
    found: list[Event] = []
    for _ in range(100):
        page = await poll(person, name, **query)
        if not page["items"]:
            assert (page["token"], page["has_more"]) == (None, False)
            return found
        found += page["items"]
        await ack(person, page, name)
    raise AssertionError("what was acknowledged comes again and again")


async def log_of(person: Person, room_id: str) -> list[Event]:
    """Return the log of a room in the form in which a consumer gives it."""
    page = await read(person, f"/rooms/{room_id}/log", limit=500)
    return [one | {"epoch": page["epoch"]} for one in page["items"]]


def of_room(items: list[Event], room_id: str) -> list[Event]:
    return [one for one in items if one["room_id"] == room_id]


@asynccontextmanager
async def waiting(
    person: Person, name: str = "bot", *, seconds: int = WAIT
) -> AsyncIterator[asyncio.Task[Event]]:
    """Begin a poll, and go on once it waits."""
    before = await polls(person.node)
    task = asyncio.create_task(poll(person, name, wait=seconds))
    try:
        await eventually(lambda: _has_more(person.node, before))
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _has_more(node: Node, than: int) -> bool:
    return await polls(node) > than


async def polls(node: Node) -> int:
    """Return how many polls are under way on a node."""
    async with httpx.AsyncClient(base_url=node.url, trust_env=False) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return int(float(next(line for line in lines if line.startswith("tailwire_polls "))[15:]))


# -- making and ending


async def test_a_consumer_is_made_shown_changed_and_ended(alice: Person, bob: Person) -> None:
    made = await make(alice, room_ids=[LOBBY_ID], start="now")
    assert made == {
        "name": "bot",
        "room_ids": [LOBBY_ID],
        "start": "now",
        "created_at": made["created_at"],
        "acked_at": None,
    }
    assert await read(alice, "/consumers/bot") == made | {"lag": 0}
    await say(bob, LOBBY_ID, "one")
    assert (await read(alice, "/consumers/bot"))["lag"] == 1
    again = await alice.http.put("/consumers/bot")
    assert (again.status_code, again.json()) == (200, made | {"room_ids": None})
    await make(alice, "another")
    assert await read(alice, "/consumers") == {
        "items": [
            made
            | {"name": "another", "room_ids": None, "start": "beginning"}
            | _times(await read(alice, "/consumers/another")),
            again.json(),
        ]
    }
    await ack(alice, await poll(alice))
    shown = await read(alice, "/consumers/bot")
    assert (shown["lag"], shown["acked_at"] is not None) == (0, True)
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/entries")):
        is_problem(await bob.http.request(method, f"/consumers/bot{path}"), 404, "not_found")
    assert (await alice.http.delete("/consumers/bot")).status_code == 204
    is_problem(await alice.http.delete("/consumers/bot"), 404, "not_found")
    is_problem(await alice.http.get("/consumers/bot/entries"), 404, "not_found")
    await make(alice)
    assert of_room(await drain(alice), LOBBY_ID) == await log_of(alice, LOBBY_ID)  # it begins anew


def _times(made: Event) -> Event:
    return {"created_at": made["created_at"]}


@pytest.mark.settings(consumers_per_user=2)
async def test_a_user_has_no_more_consumers_than_they_may(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    await make(alice, "one")
    await make(alice, "two")
    is_problem(await alice.http.put("/consumers/three", json={}), 422, "limit")
    assert (await alice.http.put("/consumers/two", json={})).status_code == 200


# -- reading


async def test_everything_comes_once_and_in_order_after_any_absence(alice: Person, bob: Person) -> None:
    await make(alice)
    den = str((await make_room(alice, "Den", "private"))["id"])
    await give(alice, den, bob, Role.MEMBER)
    assert await drain(alice) != []
    seq = await say(bob, den, "first")
    await alice.http.put(f"/rooms/{den}/messages/{seq}/pin")
    await bob.http.patch(f"/rooms/{den}/messages/{seq}", json={"body": "second", "ref": "e"})
    await bob.http.put(f"/rooms/{den}/messages/{seq}/reactions/%F0%9F%91%8D")
    for number in range(7):
        await say(bob, LOBBY_ID, f"m{number}")
    await bob.http.delete(f"/rooms/{den}/messages/{seq}")
    found = await drain(alice, limit=3)
    for room_id in (den, LOBBY_ID):
        seqs = [one["seq"] for one in of_room(found, room_id)]
        assert of_room(found, room_id) == (await log_of(alice, room_id))[seqs[0] - 1 :]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert [one["type"] for one in of_room(found, den)] == ["message", "pin", "edit", "reaction", "delete"]
    assert await drain(alice) == []


async def test_what_is_not_acknowledged_comes_again_and_an_ack_counts_once(
    alice: Person, bob: Person
) -> None:
    await make(alice, start="now")
    await say(bob, LOBBY_ID, "one")
    page = await poll(alice, limit=1)
    await say(bob, LOBBY_ID, "two")
    again = await poll(alice, limit=1)
    assert (again["items"], page["has_more"], again["has_more"]) == (page["items"], False, True)
    both = await poll(alice)
    assert [one["body"] for one in both["items"]] == ["one", "two"]
    await ack(alice, both)
    for old in (page, again, both):
        await ack(alice, old)
    assert await drain(alice) == []
    assert (await read(alice, "/consumers/bot"))["lag"] == 0


async def test_a_token_that_is_forged_or_of_another_consumer_is_refused(alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        await make(person)
    await make(alice, "another")
    token = (await poll(alice))["token"]
    changed = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    for person, name, wrong in (
        *((alice, "bot", one) for one in (changed, token[1:], token + "A", "x", "ä", "=" * 9, "A" * 32_768)),
        (alice, "another", token),
        (bob, "bot", token),
    ):
        is_problem(await person.http.post(f"/consumers/{name}/ack", json={"token": wrong}), 422, "bad_cursor")
    for body in ({}, {"token": ""}, {"token": 1}, {"token": None}):
        is_problem(await alice.http.post("/consumers/bot/ack", json=body), 422, "invalid")
    is_problem(
        await alice.http.post("/consumers/bot/ack", json={"token": token, "x": 1}), 422, "extra_forbidden"
    )
    assert len(of_room(await drain(alice), LOBBY_ID)) == len(await log_of(alice, LOBBY_ID))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/consumers/a%20b", {}),
        ("PUT", f"/consumers/{'a' * 65}", {}),
        ("PUT", "/consumers/a", {"start": "end"}),
        ("PUT", "/consumers/a", {"room_ids": ["a b"]}),
        ("PUT", "/consumers/a", {"room_ids": "lobby"}),
        ("PUT", "/consumers/a", {"room_ids": ["lobby"] * 1_001}),
        ("GET", "/consumers/bot/entries?wait=31", None),
        ("GET", "/consumers/bot/entries?wait=-1", None),
        ("GET", "/consumers/bot/entries?wait=0.5", None),
        ("GET", "/consumers/bot/entries?limit=0", None),
        ("GET", "/consumers/bot/entries?limit=501", None),
    ],
)
async def test_bad_values_are_refused(sqlite_node: Node, method: str, path: str, body: Any) -> None:
    alice = await sqlite_node.sign_up("alice")
    await make(alice)
    is_problem(await alice.http.request(method, path, json=body), 422, "invalid")
    await is_served(alice)


@pytest.mark.settings(sends_burst=100)
async def test_a_loud_room_keeps_no_quiet_one_waiting(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    quiet = [str((await make_room(alice, f"Quiet {number}"))["id"]) for number in range(6)]
    await make(alice, start="now")
    for number in range(15):
        await say(alice, LOBBY_ID, f"loud {number}")
    for room_id in quiet:
        await say(alice, room_id, f"quiet in {room_id}")
    first = (await poll(alice, limit=10))["items"]
    assert {one["room_id"] for one in first} == {*quiet, LOBBY_ID}
    assert [one["body"] for one in of_room(first, LOBBY_ID)] == [f"loud {number}" for number in range(4)]
    narrow = [(await poll(alice, limit=2))["items"] for _ in range(4)]
    assert {one["room_id"] for page in narrow for one in page} == {*quiet, LOBBY_ID}
    assert len(await drain(alice, limit=2)) == 15 + len(quiet)
    await make(alice, "all")
    assert [len((await poll(alice, "all", limit=limit))["items"]) for limit in (7, 8, 20)] == [7, 8, 20]


@pytest.mark.settings(sends_burst=100)
async def test_a_page_ends_by_its_bytes_and_loses_nothing(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    dens = [str((await make_room(alice, f"Den {number}"))["id"]) for number in range(9)]
    await make(alice, start="now")
    for number, den in enumerate(dens * 7):
        long = {"ref": f"{number}", "body": "\N{GRINNING FACE}" * 4_000}
        assert (await alice.http.post(f"/rooms/{den}/messages", json=long)).status_code == 201
    first = await poll(alice, limit=500)
    assert 0 < len(first["items"]) < 63
    assert first["has_more"]
    found = await drain(alice, limit=500)
    assert len(found) == 63
    assert {room_id: len(of_room(found, room_id)) for room_id in dens} == dict.fromkeys(dens, 7)


# -- whose rooms


async def test_nothing_comes_of_a_room_that_its_reader_is_not_in(alice: Person, bob: Person) -> None:
    den = str((await make_room(alice, "Den"))["id"])
    await make(bob, room_ids=[den, "nowhere"])
    await say(alice, den, "before")
    assert await drain(bob) == []
    await bob.http.post(f"/rooms/{den}/join")
    assert await drain(bob) == await log_of(bob, den)
    await give(alice, den, bob, None)
    await say(alice, den, "away")
    assert await drain(bob) == []
    ban = f"/rooms/{den}/bans/{bob.id}"
    assert (await alice.http.put(ban, json={})).status_code == 204
    assert await drain(bob) == []
    assert (await alice.http.delete(ban)).status_code == 204
    await bob.http.post(f"/rooms/{den}/join")
    away = await drain(bob)
    assert (away[0]["type"], away[0]["role"], away[1]["body"]) == ("member", None, "away")
    assert away == (await log_of(bob, den))[-len(away) :]


async def test_a_consumer_that_starts_now_begins_in_a_later_room_where_its_user_came(
    alice: Person, bob: Person
) -> None:
    await say(alice, LOBBY_ID, "before")
    await make(bob, start="now")
    den = str((await make_room(alice, "Den"))["id"])
    for number in range(5):
        await say(alice, den, f"old {number}")
    await bob.http.post(f"/rooms/{den}/join")
    await say(alice, den, "new")
    assert (await read(bob, "/consumers/bot"))["lag"] == 2
    came, new = await drain(bob)
    assert (came["type"], came["user_id"], new["body"]) == ("member", bob.id, "new")


async def test_the_end_of_a_room_is_told_and_its_position_goes(alice: Person, bob: Person) -> None:
    den = str((await make_room(alice, "Den"))["id"])
    await bob.http.post(f"/rooms/{den}/join")
    await make(bob)
    await drain(bob)
    await say(alice, den, "last")
    assert (await poll(bob, wait=WAIT))["items"] != []
    assert (await alice.http.delete(f"/rooms/{den}")).status_code == 204
    page = await poll(bob)
    assert page["items"] == [
        {"type": "membership", "room_id": den, "role": None, "reason": "deleted", "by": None}
    ]
    assert await poll(bob) == page
    await ack(bob, page)
    assert await drain(bob) == []


async def test_a_bot_reads_with_a_token_and_no_further_than_it_reaches(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    den, tea = [str((await make_room(alice, name))["id"]) for name in ("Den", "Tea")]
    bot = await made_bot(alice)
    for room_id in (den, tea):
        path = f"/rooms/{room_id}/members/{bot['id']}"
        assert (await alice.http.put(path, json={"role": "member"})).status_code == 200
    whole, bound, writing = [
        program(sqlite_node, bot, await made_token(alice, scopes, of=bot["id"], **rooms))
        for scopes, rooms in ((["read"], {}), (["read"], {"room_ids": [den]}), (["write"], {}))
    ]
    await make(whole, start="now")
    assert (await make(whole, name="both", room_ids=[tea, den]))["room_ids"] == [tea, den]
    for path in ("/consumers", "/consumers/both"):
        shown = await read(bound, path)
        assert (shown["items"][1] if "items" in shown else shown)["room_ids"] == [den]
    for path in ("/consumers/both", "/consumers/bot"):
        is_problem(await bound.http.put(path, json={"room_ids": [den]}), 403, "forbidden")
        is_problem(await bound.http.delete(path), 403, "forbidden")
    assert (await make(bound, name="own"))["room_ids"] == [den]
    changed = await bound.http.put("/consumers/own", json={"room_ids": [tea]})
    assert (changed.status_code, changed.json()["room_ids"]) == (200, [])
    assert (await bound.http.delete("/consumers/own")).status_code == 204
    await say(alice, den, "in the den")
    await say(alice, tea, "at tea")
    for path in ("", "/entries"):
        is_problem(await writing.http.get(f"/consumers/bot{path}"), 403, "forbidden")
    assert (await read(bound, "/consumers/bot"))["lag"] == 1
    assert [one["body"] for one in await drain(bound)] == ["in the den"]
    assert [one["body"] for one in await drain(whole)] == ["at tea"]
    async with waiting(bound) as poll_of_bound:
        await say(alice, tea, "more tea")
        await say(alice, den, "again")
        assert [one["body"] for one in (await poll_of_bound)["items"]] == ["again"]


# -- waiting


async def test_what_a_bound_token_acknowledges_counts_for_its_rooms_only(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = str((await make_room(alice, "Den"))["id"])
    await make(alice)
    bound = program(sqlite_node, alice, await made_token(alice, ["read"], room_ids=[den]))
    page = await poll(alice)
    assert {one["room_id"] for one in page["items"]} == {den, LOBBY_ID}
    await ack(bound, page)
    assert (await poll(alice))["items"] == of_room(page["items"], LOBBY_ID)


async def test_a_poll_waits_until_something_is_written_on_another_node(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice, bob = await one.sign_up("alice"), await other.sign_up("bob")
        den = str((await make_room(bob, "Den", "private"))["id"])
        await make(alice)
        await drain(alice)
        there = on(alice, other)
        assert await drain(there) == []
        async with waiting(alice) as here, waiting(there) as elsewhere:
            await say(bob, LOBBY_ID, "hello")
            pages = [await here, await elsewhere]
            assert [one["body"] for one in pages[0]["items"]] == ["hello"]
            assert pages[0]["items"] == pages[1]["items"]
        await ack(there, pages[0])
        async with waiting(alice) as here:
            await give(bob, den, alice, Role.READER)
            page = await here
            assert page["items"] == (await log_of(bob, den))[: len(page["items"])]
        await ack(alice, page)
        rest = (await log_of(bob, den))[len(page["items"]) :]
        assert await drain(alice) == rest
        async with waiting(there) as elsewhere:
            await give(bob, den, alice, None)
            await say(bob, den, "secret")
            await say(bob, LOBBY_ID, "open")
            assert [one["body"] for one in (await elsewhere)["items"]] == ["open"]
        assert (await poll(alice, wait=WAIT))["items"] != []
        assert [one["body"] for one in await drain(alice)] == ["open"]
        assert await poll(alice, wait=1) == {"items": [], "token": None, "has_more": False}


async def test_a_poll_waits_on_while_its_consumer_is_acknowledged_or_gets_other_rooms(
    sqlite_node: Node,
) -> None:
    alice = await sqlite_node.sign_up("alice")
    tea = str((await make_room(alice))["id"])
    await make(alice, start="now", room_ids=[tea])
    await say(alice, tea, "before")
    page = await poll(alice)
    assert (await alice.http.put("/consumers/bot", json={"room_ids": ["nowhere"]})).status_code == 200
    async with waiting(alice) as here:
        await ack(alice, page)
        assert (await alice.http.put("/consumers/bot", json={"room_ids": [LOBBY_ID]})).status_code == 200
        await say(alice, LOBBY_ID, "again")
        assert [one["body"] for one in (await here)["items"]] == ["again"]


@pytest.mark.settings(polls_per_user=2)
async def test_polls_that_wait_are_counted_and_hold_nothing_up(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    for person in (alice, bob):
        await make(person, start="now")
    async with waiting(alice) as one, waiting(alice) as two, waiting(bob):
        is_problem(await alice.http.get("/consumers/bot/entries?wait=1"), 429, "rate_limited")
        for _ in range(20):
            await is_served(alice)
        assert await polls(node) == 3
        await say(bob, LOBBY_ID, "hello")
        assert (await one)["items"] == (await two)["items"] != []
    await eventually(lambda: _is(polls(node), 0))  # bob's client has gone
    assert (await poll(alice, wait=1))["items"] != []


async def _is(found: Any, wanted: object) -> bool:
    return bool(await found == wanted)


async def test_a_poll_ends_with_its_session_and_with_its_consumer(node: Node) -> None:
    alice = await node.sign_up("alice")
    await make(alice, start="now")
    login = await node.client().post("/auth/login", json={"username": "alice", "password": PASSWORD})
    phone = Person(
        node,
        "alice",
        alice.id,
        login.json()["access_token"],
        "",
        node.client(Authorization=f"Bearer {login.json()['access_token']}"),
    )
    poll_of_phone = asyncio.create_task(phone.http.get("/consumers/bot/entries", params={"wait": WAIT}))
    await eventually(lambda: _has_more(node, 0))
    assert (await phone.http.post("/auth/logout")).status_code == 204
    is_problem(await poll_of_phone, 401, "unauthorized")
    ended = asyncio.create_task(alice.http.get("/consumers/bot/entries", params={"wait": WAIT}))
    await eventually(lambda: _has_more(node, 0))
    await alice.http.delete("/consumers/bot")
    await say(alice, LOBBY_ID, "again")
    is_problem(await ended, 404, "not_found")


async def test_a_poll_ends_with_the_token_of_its_bot_on_every_node(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        bot = await made_bot(alice)
        token = await made_token(alice, ["read"], of=bot["id"])
        await make(program(one, bot, token), start="now")
        began = [await polls(node) for node in (one, other)]
        waits = [
            asyncio.create_task(
                program(node, bot, token).http.get("/consumers/bot/entries", params={"wait": 30})
            )
            for node in (one, other)
        ]
        for node, before in zip((one, other), began, strict=True):
            await eventually(lambda node=node, before=before: _has_more(node, before))  # type: ignore[misc]
        ended = await alice.http.delete(f"/bots/{bot['id']}/tokens/{token['token_id']}")
        assert ended.status_code == 204
        async with asyncio.timeout(WAIT):
            for answer in await asyncio.gather(*waits):
                is_problem(answer, 401, "unauthorized")


async def test_a_server_that_ends_answers_the_polls_that_wait(tmp_path: Path) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open")
    loop = asyncio.get_running_loop()
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        await make(alice, start="now")
        clients, node.clients = node.clients, []  # they stay open while the server ends
        task = asyncio.create_task(alice.http.get("/consumers/bot/entries", params={"wait": 30}))
        await eventually(lambda: _has_more(node, 0))
        began = loop.time()
    assert (await task).json() == {"items": [], "token": None, "has_more": False}
    assert loop.time() - began < 3
    for client in clients:
        await client.aclose()


async def test_after_a_restore_the_reader_is_told_and_goes_on_where_both_lives_part(tmp_path: Path) -> None:
    url, copy = f"sqlite:///{tmp_path / 'tailwire.db'}", tmp_path / "copy.db"
    settings = Settings(store=url, signup="open")
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        await make(alice, start="now")
        await say(alice, LOBBY_ID, "kept")
        await ack(alice, await poll(alice))
        backup_store(url, copy)
        await say(alice, LOBBY_ID, "lost")
        page = await poll(alice)
        late = page["token"]
        await ack(alice, page)
        kept, lost = page["items"][0]["seq"] - 1, page["items"][0]["epoch"]
    restore_store(url, copy, force=True)
    async with running(settings) as node:
        again = await logged_in(node, alice)
        await ack(again, {"token": late})  # of an earlier life, which says nothing about this one
        await say(again, LOBBY_ID, "new")
        page = await poll(again, wait=WAIT)
        reset, new = of_room(page["items"], LOBBY_ID)
        assert (reset["type"], reset["seq"], reset["epoch"] != lost) == ("reset", kept, True)
        assert (new["body"], new["seq"], new["epoch"]) == ("new", kept + 1, reset["epoch"])
        await ack(again, page)
        await ack(again, {"token": late})
        assert await drain(again) == []


async def test_after_a_restore_a_reader_is_told_that_had_acknowledged_nothing_in_the_copy(
    tmp_path: Path,
) -> None:
    """What it was given after the copy was taken is known to nobody but itself."""
    url, copy = f"sqlite:///{tmp_path / 'tailwire.db'}", tmp_path / "copy.db"
    settings = Settings(store=url, signup="open")
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        await make(alice)
        kept = await say(alice, LOBBY_ID, "kept")
        backup_store(url, copy)
        lost = await say(alice, LOBBY_ID, "lost")
        read = await drain(alice)
        assert [one["seq"] for one in of_room(read, LOBBY_ID)][-2:] == [kept, lost]
    restore_store(url, copy, force=True)
    async with running(settings) as node:
        again = await logged_in(node, alice)
        await say(again, LOBBY_ID, "new")
        before = await drain(again)
        assert [one["type"] for one in before].count("reset") == 1
        reset, *entries = of_room(before, LOBBY_ID)
        assert (reset["type"], reset["seq"]) == ("reset", 0)
        assert entries == await log_of(again, LOBBY_ID)
        assert {one["epoch"] for one in [reset, *entries]}.isdisjoint({one["epoch"] for one in read})
        await make(again, "later")
        assert await drain(again, "later") == entries
        den = str((await make_room(again, "Den"))["id"])
        assert await drain(again) == await log_of(again, den)


async def test_an_export_has_the_consumers_of_a_user(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    made = await make(alice, room_ids=[LOBBY_ID])
    lines = (await alice.http.get("/users/me/export")).text.splitlines()
    assert len([line for line in lines if '"type":"consumer"' in line and f'"{made["name"]}"' in line]) == 1


async def test_an_owner_sees_how_far_the_consumers_of_a_bot_are_and_ends_them(alice: Person) -> None:
    bot = await made_bot(alice)
    machine = program(alice.node, bot, await made_token(alice, of=bot["id"]))
    assert (await machine.http.post(f"/rooms/{LOBBY_ID}/join")).status_code == 200
    await make(machine, "echo")
    await make(machine, "audit", room_ids=[LOBBY_ID])
    path = f"/bots/{bot['id']}/consumers"
    assert [one["name"] for one in (await read(alice, path))["items"]] == ["audit", "echo"]
    behind = await read(alice, f"{path}/echo")
    assert behind == await read(machine, "/consumers/echo")
    assert behind["lag"] > 0
    await drain(machine, "echo")
    assert (await read(alice, f"{path}/echo"))["lag"] == 0
    assert (await alice.http.delete(f"{path}/echo")).status_code == 204
    is_problem(await alice.http.get(f"{path}/echo"), 404, "not_found")
    is_problem(await machine.http.get("/consumers/echo/entries"), 404, "not_found")
    # Neither a person nor the bot's own token is a bot's owner.
    is_problem(await alice.http.get(f"/bots/{alice.id}/consumers"), 404, "not_found")
    assert (await machine.http.get(path)).status_code == 403
