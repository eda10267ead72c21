"""Searching messages over HTTP, on each store: what is found, by whom, and what is found no more."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from api.config import Settings
from api.errors import Overloaded
from api.models.log import Message
from api.models.rooms import LOBBY_ID, Role
from api.rooms import search as search_module
from api.search.file import IndexFile
from api.search.index import Candidates, SearchIndex, Wanted
from api.search.match import matches
from api.store.base.log import MessagePlace
from api.store.sqlite.log import SqliteLog
from tests.accounts.programs import made_token, program
from tests.node import Node, Person, eventually, running
from tests.rooms.finding import bodies, found, is_ready, say, search, until_found
from tests.rooms.test_attachments import send as send_files
from tests.rooms.test_attachments import upload
from tests.rooms.test_blocks import block, unblock
from tests.rooms.test_direct import open_with
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room
from tests.search.table import GROUPS, ROWS, Group

pytestmark = [pytest.mark.anyio, pytest.mark.settings(searches_per_minute=10_000, commands_per_second=10_000)]


@pytest.mark.settings(
    searches_per_minute=10_000, commands_per_second=10_000, sends_per_second=1_000, sends_burst=1_000
)
async def test_a_search_finds_what_the_table_says(alice: Person) -> None:
    assert len(ROWS) >= 150
    rooms = {group.name: (await make_room(alice, group.name))["id"] for group in GROUPS}
    said = await asyncio.gather(*(_say_all(alice, rooms[one.name], one.messages) for one in GROUPS))
    seqs = dict(zip(rooms, said, strict=True))
    await until_found(alice, "-nothing", len(GROUPS[-1].messages), room_id=rooms[GROUPS[-1].name])

    async def wrong_in(group: Group) -> list[tuple[str, str, set[int]]]:
        of_room = {"room_id": rooms[group.name]}
        answers = [(query, await found(alice, query, **of_room)) for query, _ in group.rows]
        got = [(query, {seqs[group.name].index(one["seq"]) for one in items}) for query, items in answers]
        return [(group.name, *one) for one, row in zip(got, group.rows, strict=True) if one[1] != row[1]]

    assert not any(await asyncio.gather(*map(wrong_in, GROUPS)))


async def _say_all(author: Person, room_id: str, texts: Sequence[str]) -> list[int]:
    return [await say(author, room_id, text) for text in texts]


async def test_a_message_is_found_with_its_room_newest_first_and_page_by_page(alice: Person) -> None:
    tea, cake = (await make_room(alice, "Tea"))["id"], (await make_room(alice, "Cake"))["id"]
    said = [(room_id, await say(alice, room_id, f"green {at}")) for at in range(6) for room_id in (tea, cake)]
    await until_found(alice, "green", 12)
    items: list[Any] = []
    more: dict[str, Any] = {}
    while True:
        page = await search(alice, "green", limit=5, **more)
        items += page["items"]
        if page["next_cursor"] is None:
            break
        more = {"cursor": page["next_cursor"]}
    assert [(one["room_id"], one["seq"]) for one in items] == said[::-1]
    shown = (await alice.http.get(f"/rooms/{tea}/messages/{said[0][1]}")).json()
    assert items[-1] == shown
    assert page["terms"] == ["green"]
    first = await alice.http.get("/search", params={"q": "green", "limit": 5})
    assert first.headers["link"].endswith('; rel="next"')
    assert await bodies(alice, "green 3", room_id=tea) == ["green 3"]


async def test_only_what_the_caller_may_read_now_is_found(node: Node, alice: Person, bob: Person) -> None:
    private, public = (await make_room(alice, "A", "private"))["id"], (await make_room(alice, "B"))["id"]
    for room_id in (private, public):
        await say(alice, room_id, "treasure")
    await until_found(alice, "treasure", 2)
    assert await found(bob, "treasure") == []
    for room_id in (private, public, "no-such-room"):
        answer = await bob.http.get("/search", params={"q": "treasure", "room_id": room_id})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    await give(alice, private, bob, Role.READER)
    assert [one["room_id"] for one in await found(bob, "treasure")] == [private]
    await alice.http.delete(f"/rooms/{private}/members/{bob.id}")
    assert await found(bob, "treasure") == []
    await bob.http.post(f"/rooms/{public}/join")
    assert [one["room_id"] for one in await found(bob, "treasure")] == [public]
    await alice.http.put(f"/rooms/{public}/bans/{bob.id}", json={})
    assert await found(bob, "treasure") == []
    await alice.http.patch(f"/rooms/{public}", json={"archived": True})
    assert len(await found(alice, "treasure")) == 2, "an archived room can be read"
    await alice.http.delete(f"/rooms/{private}")
    assert [one["room_id"] for one in await found(alice, "treasure")] == [public]


async def test_what_was_edited_or_deleted_is_found_no_more_at_once(alice: Person) -> None:
    room_id = (await make_room(alice))["id"]
    edited, deleted = await say(alice, room_id, "first draft"), await say(alice, room_id, "first thoughts")
    await until_found(alice, "first", 2)
    await alice.http.patch(f"/rooms/{room_id}/messages/{edited}", json={"body": "second draft"})
    await alice.http.delete(f"/rooms/{room_id}/messages/{deleted}")
    assert await found(alice, "first") == []
    assert await bodies(alice, "draft") == ["second draft"]
    assert [one["body"] for one in await until_found(alice, "second")] == ["second draft"]


async def test_what_a_blocked_user_wrote_is_not_found_while_the_block_stands(
    alice: Person, bob: Person
) -> None:
    await say(bob, LOBBY_ID, "words of bob")
    await until_found(alice, "words")
    await block(alice, bob)
    assert await found(alice, "words") == []
    assert len(await found(bob, "words")) == 1
    await unblock(alice, bob)
    assert len(await found(alice, "words")) == 1


async def test_people_are_named_by_what_they_are_shown_as_too(node: Node, alice: Person, bob: Person) -> None:
    for person in (alice, bob):
        answer = await person.http.patch("/users/me", json={"display_name": "Zoë  Doe"})
        assert answer.status_code == 200, answer.text
    carol = await node.sign_up("carol")
    dora = await node.sign_up("dora")
    await dora.http.patch("/users/me", json={"display_name": "carol"})
    room_id = (await make_room(alice, "Den"))["id"]
    hook = (await alice.http.post(f"/rooms/{room_id}/hooks", json={"name": "Deploys"})).json()
    await node.client().post("/hooks/" + hook["url"].rpartition("/")[2], json={"text": "by a hook"})
    for person in (alice, bob, carol, dora):
        await say(person, LOBBY_ID, f"by {person.username}")
    await until_found(alice, "by", 5)
    for query, wanted in {
        'from:"zoe  DOE"': {"by alice", "by bob"},
        '-from:"Zoë  Doe"': {"by carol", "by dora", "by a hook"},
        "from:carol": {"by carol"},
        "from:deploys": {"by a hook"},
        "from:Zoë": set[str](),
        "from:z": set[str](),
    }.items():
        assert set(await bodies(alice, f"by {query}")) == wanted, query


async def test_filters_name_people_rooms_marks_and_days(node: Node, alice: Person, bob: Person) -> None:
    room_id = (await make_room(alice, "Project Ä"))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    root = await say(alice, room_id, "see https://example.org")
    reply = {"ref": "r", "body": "thanks @alice", "reply_to": root}
    await bob.http.post(f"/rooms/{room_id}/messages", json=reply)
    await say(alice, LOBBY_ID, "in the lobby")
    direct = (await open_with(alice, bob))["id"]
    await say(bob, direct, "between us")
    await alice.http.put(f"/rooms/{room_id}/messages/{root}/pin")
    await until_found(alice, "has:pin")
    everything = set(await bodies(alice, "-nothing"))
    assert len(everything) == 4
    for query, wanted in {
        "from:bob": {"thanks @alice", "between us"},
        "from:@BOB": {"thanks @alice", "between us"},
        "from:me": {"see https://example.org", "in the lobby"},
        "from:me from:bob": everything,
        "-from:bob": {"see https://example.org", "in the lobby"},
        "from:nobody": set[str](),
        'in:"project a"': {"see https://example.org", "thanks @alice"},
        "in:#lobby": {"in the lobby"},
        f"in:{room_id}": {"see https://example.org", "thanks @alice"},
        "in:@bob": {"between us"},
        "in:@nobody": set[str](),
        "-in:lobby -in:@bob": {"see https://example.org", "thanks @alice"},
        "has:link": {"see https://example.org"},
        "has:pin": {"see https://example.org"},
        "-has:pin from:me": {"in the lobby"},
        "has:file": set[str](),
        "is:thread": {"thanks @alice"},
        "mentions:me": {"thanks @alice"},
        "-mentions:me from:bob": {"between us"},
        "after:2026-01-01": everything,
        "before:2026-01-01": set[str](),
        "after:2999": set[str](),
        "before:2999 between": {"between us"},
    }.items():
        assert set(await bodies(alice, query)) == wanted, query


async def test_a_day_is_one_of_the_callers_time_zone(alice: Person) -> None:
    await say(alice, LOBBY_ID, "late at night")
    (message,) = await until_found(alice, "night")
    day = message["at"][:10]
    assert len(await found(alice, f"night after:{day}")) == 1
    assert await found(alice, f"night before:{day}") == []
    hour = int(message["at"][11:13])
    # In a zone that is ahead, or behind, the message is of the next or the last day.
    zone, is_next = ("Pacific/Kiritimati", True) if hour >= 10 else ("Pacific/Pago_Pago", False)
    await alice.http.patch("/users/me", json={"time_zone": zone})
    in_zone = await found(alice, f"night before:{day}" if not is_next else f"night after:{day}")
    assert len(in_zone) == 1


async def test_a_token_searches_the_rooms_to_which_it_is_bound(node: Node, alice: Person) -> None:
    tea, cake = (await make_room(alice, "Tea"))["id"], (await make_room(alice, "Cake"))["id"]
    for room_id in (tea, cake):
        await say(alice, room_id, "biscuit")
    await until_found(alice, "biscuit", 2)
    bound = program(node, alice, await made_token(alice, ["read"], room_ids=[tea]))
    assert [one["room_id"] for one in await found(bound, "biscuit")] == [tea]
    assert await found(bound, f"biscuit in:{cake}") == []
    answer = await bound.http.get("/search", params={"q": "biscuit", "room_id": cake})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    writer = program(node, alice, await made_token(alice, ["write"]))
    assert (await writer.http.get("/search", params={"q": "biscuit"})).status_code == 403


async def test_a_page_of_candidates_that_may_not_be_shown_is_short_and_has_a_next_one(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MOST_LOOKS", 1)
    monkeypatch.setattr(search_module, "MORE", 1)
    await say(alice, LOBBY_ID, "echo of alice")
    for at in range(6):
        await say(bob, LOBBY_ID, f"echo {at}")
    await until_found(alice, "echo", 7)
    await block(alice, bob)
    cursor, pages = None, list[int]()
    while True:
        page = await search(alice, "echo", limit=2, **({} if cursor is None else {"cursor": cursor}))
        pages.append(len(page["items"]))
        if (cursor := page["next_cursor"]) is None:
            break
    assert sum(pages) == 1
    assert len(pages) > 1


@pytest.mark.stores("sqlite")
async def test_a_cursor_is_good_for_its_own_search_alone(alice: Person, bob: Person) -> None:
    for at in range(3):
        await say(alice, LOBBY_ID, f"note {at}")
    await until_found(alice, "note", 3)
    cursor = (await search(alice, "note", limit=1))["next_cursor"]
    assert len(await found(alice, "note", limit=2, cursor=cursor)) == 2
    for person, query, more in (
        (alice, "not*", {}),
        (bob, "note", {}),
        (alice, "note", {"room_id": LOBBY_ID}),
    ):
        answer = await person.http.get("/search", params={"q": query, "cursor": cursor, **more})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")
    for made_up in ("", "x", "0.", "ff.ff", cursor + "0", cursor.upper(), "-1." + "0" * 16):
        answer = await alice.http.get("/search", params={"q": "note", "cursor": made_up})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor"), made_up


@pytest.mark.stores("sqlite")
@pytest.mark.settings(searches_per_minute=3)
async def test_searches_are_counted_apart_from_those_of_users(alice: Person) -> None:
    for _ in range(3):
        assert (await alice.http.get("/users", params={"q": "al"})).status_code == 200
        assert (await alice.http.get("/search", params={"q": ""})).status_code == 422
    for _ in range(3):
        assert (await alice.http.get("/search", params={"q": "x"})).status_code in {200, 503}
    answer = await alice.http.get("/search", params={"q": "x"})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert "retry-after" in answer.headers


@pytest.mark.stores("sqlite")
@pytest.mark.settings(search=False)
async def test_a_node_without_search_says_so(node: Node, alice: Person, tmp_path: Path) -> None:
    answer = await alice.http.get("/search", params={"q": "x"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "search" not in (await node.client().get("/server")).json()["features"]
    assert (await node.client().get("/readyz")).json()["search"] is None
    assert not list(tmp_path.glob("*search*"))  # noqa: ASYNC240  a moment
    assert "tailwire_search" not in (await node.client().get("/metrics")).text


async def test_the_metrics_and_the_probe_tell_of_the_index(node: Node, alice: Person) -> None:
    assert "search" in (await node.client().get("/server")).json()["features"]
    await say(alice, LOBBY_ID, "counted")
    await until_found(alice, "counted")
    assert (await node.client().get("/readyz")).json()["search"] == {"writing": True, "done": 1, "lag": 0}
    lines = (await node.client().get("/metrics")).text.splitlines()
    values = dict(line.split() for line in lines if line.startswith("tailwire_search") and "{" not in line)
    assert values["tailwire_search_done"] == "1.0"
    assert values["tailwire_search_lag_entries"] == "0.0"
    assert float(values["tailwire_search_entries_total"]) >= 2
    assert float(values["tailwire_search_bytes"]) > 0
    assert values["tailwire_search_rebuilds_total"] == "1.0"
    assert any(line.startswith('tailwire_searches_total{outcome="done"}') for line in lines)
    assert any(line.startswith("tailwire_search_seconds_count") for line in lines)


# -- what a search may cost


@pytest.mark.stores("sqlite")
async def test_the_texts_of_what_was_found_are_looked_at_beside_the_event_loop(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set[int]()

    def noted(wanted: Wanted, message: Message) -> bool:
        threads.add(threading.get_ident())
        return matches(wanted, message)

    monkeypatch.setattr(search_module, "matches", noted)
    await say(alice, LOBBY_ID, "long words")
    await until_found(alice, "long")
    assert threads
    assert threading.get_ident() not in threads


@pytest.mark.stores("sqlite")
async def test_a_page_that_takes_long_is_short_and_has_a_next_one(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MORE", 1)
    for at in range(6):
        await say(bob, LOBBY_ID, f"echo {at}")
    await until_found(alice, "echo", 6)
    await block(alice, bob)
    looks, find = list[int](), SearchIndex.find

    async def limited(index: SearchIndex, wanted: Wanted, *, below: int | None, limit: int) -> Candidates:
        looks.append(limit)
        if len(looks) > most_looks:
            raise Overloaded
        return await find(index, wanted, below=below, limit=limit)

    monkeypatch.setattr(SearchIndex, "find", limited)
    most_looks = 1
    page = await search(alice, "echo", limit=2)
    assert (page["items"], len(looks)) == ([], 2)
    assert page["next_cursor"] is not None
    looks.clear()
    most_looks = 9
    monkeypatch.setattr(search_module, "MAX_SECONDS", 0.0)
    page = await search(alice, "echo", limit=2, cursor=page["next_cursor"])
    assert (page["items"], len(looks)) == ([], 1)
    assert page["next_cursor"] is not None


@pytest.mark.stores("sqlite")
async def test_no_more_searches_wait_than_are_answered_soon(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "AT_ONCE", 1)
    monkeypatch.setattr(search_module, "MOST_WAITING", 1)
    settings = Settings(store=store_url, signup="open", searches_per_minute=10_000)
    async with running(settings) as node:
        alice, *_ = people = [await node.sign_up(name) for name in ("alice", "bob", "carol")]
        await say(alice, LOBBY_ID, "echo")
        await until_found(alice, "echo")
        find, go_on, waiting = SearchIndex.find, asyncio.Event(), asyncio.Event()

        async def slow(index: SearchIndex, wanted: Wanted, *, below: int | None, limit: int) -> Candidates:
            waiting.set()
            await go_on.wait()
            return await find(index, wanted, below=below, limit=limit)

        monkeypatch.setattr(SearchIndex, "find", slow)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(one.http.get("/search", params={"q": "echo"})) for one in people]
            await waiting.wait()
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            assert [one.result().json()["code"] for one in done] == ["unavailable"]
            go_on.set()
        assert sorted(one.result().status_code for one in asked) == [200, 200, 503]


@pytest.mark.stores("sqlite")
async def test_one_page_of_a_user_is_made_at_a_time(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MOST_WAITING_OF_USER", 1)
    await say(alice, LOBBY_ID, "echo")
    await until_found(alice, "echo")
    find, go_on, asked = SearchIndex.find, asyncio.Event(), list[str]()

    async def slow(index: SearchIndex, wanted: Wanted, *, below: int | None, limit: int) -> Candidates:
        asked.append(wanted.terms[0].shown)
        await go_on.wait()
        return await find(index, wanted, below=below, limit=limit)

    async def both_ask() -> bool:
        return sorted(asked) == ["bob", "echo"]

    monkeypatch.setattr(SearchIndex, "find", slow)
    async with asyncio.TaskGroup() as group:
        of_alice = [group.create_task(alice.http.get("/search", params={"q": "echo"})) for _ in range(3)]
        of_bob = group.create_task(bob.http.get("/search", params={"q": "bob"}))
        done, _ = await asyncio.wait(of_alice, return_when=asyncio.FIRST_COMPLETED)
        assert [one.result().json()["code"] for one in done] == ["unavailable"]
        await eventually(both_ask)
        go_on.set()
    assert sorted(one.result().status_code for one in of_alice) == [200, 200, 503]
    assert of_bob.result().status_code == 200


@pytest.mark.stores("sqlite")
async def test_no_more_messages_are_read_for_a_page_than_it_has_unless_some_may_not_be_shown(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MORE", 2)
    for at in range(4):
        await say(bob if at == 1 else alice, LOBBY_ID, f"echo {at}")
    await until_found(alice, "echo", 4)
    read, counts = SqliteLog.messages, list[int]()

    async def counted(log: SqliteLog, places: Sequence[MessagePlace]) -> dict[MessagePlace, Message]:
        counts.append(len(places))
        return await read(log, places)

    monkeypatch.setattr(SqliteLog, "messages", counted)
    assert await bodies(alice, "echo", limit=2) == ["echo 3", "echo 2"]
    assert counts == [2]
    await block(alice, bob)
    counts.clear()
    assert await bodies(alice, "echo", limit=3) == ["echo 3", "echo 2", "echo 0"]
    assert counts == [3, 1]


# -- names of files


async def test_a_message_is_found_by_the_names_of_its_files_until_it_is_deleted(
    alice: Person, bob: Person
) -> None:
    files = [
        (await upload(alice, name=name))["file_id"] for name in ("Jahresbericht 2026.pdf", "東京の地図.txt")
    ]
    sent = await send_files(alice, *files, body="both of them")
    seq = sent.json()["seq"]
    assert [one["seq"] for one in await until_found(bob, "jahresbericht")] == [seq]
    for query, is_wanted in {
        '"jahresbericht 2026"': True,
        "jahres*": True,
        "京": True,
        "地図 them": True,
        "has:file bericht": False,
        "them -pdf": False,
        '"them jahresbericht"': False,
    }.items():
        assert [one["seq"] for one in await found(bob, query)] == [seq] * is_wanted, query
    await alice.http.patch(f"/rooms/{LOBBY_ID}/messages/{seq}", json={"ref": "e", "body": "none"})
    assert [one["body"] for one in await until_found(bob, "none jahresbericht")] == ["none"]
    await alice.http.delete(f"/rooms/{LOBBY_ID}/messages/{seq}")
    assert await found(bob, "jahresbericht") == []


# -- many processes and nodes


async def test_two_nodes_of_one_machine_share_an_index_and_one_writes_it(
    store_url: str, tmp_path: Path
) -> None:
    settings = Settings(store=store_url, signup="open", search_path=tmp_path / "search.db")
    async with running(settings) as one:
        await eventually(lambda: is_ready(one))
        async with running(settings) as other:
            alice = await other.sign_up("alice")
            await say(alice, LOBBY_ID, "shared words")
            await until_found(alice, "shared")
            assert (await other.client().get("/readyz")).json()["search"]["writing"] is False
            again = program(one, alice, await made_token(alice, ["read"]))
            await until_found(again, "shared")
    async with running(settings) as later:  # the file is used as it is
        await eventually(lambda: is_ready(later))
        assert "tailwire_search_rebuilds_total 0.0" in (await later.client().get("/metrics")).text


@pytest.mark.stores("sqlite")
async def test_when_the_process_that_writes_ends_another_goes_on(store_url: str) -> None:
    settings = Settings(store=store_url, signup="open")
    other = IndexFile(settings.search_index, "of another process")
    assert other.lock()
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        await say(alice, LOBBY_ID, "after the change")
        assert (await node.client().get("/readyz")).json()["search"]["writing"] is False
        other.unlock()  # as the end of a process does
        await until_found(alice, "change")


async def test_two_nodes_on_two_machines_find_the_same_page_by_page(store_url: str, tmp_path: Path) -> None:
    def settings(name: str) -> Settings:
        return Settings(
            store=store_url, signup="open", search_path=tmp_path / name, searches_per_minute=10_000
        )

    async with running(settings("one.db")) as one, running(settings("other.db")) as other:
        alice = await one.sign_up("alice")
        twin = program(other, alice, await made_token(alice, ["read"]))
        said = [await say(alice, LOBBY_ID, f"wave {at}") for at in range(12)]
        await until_found(alice, "wave", 12)
        await until_found(twin, "wave", 12)
        items: list[int] = []
        more: dict[str, Any] = {}
        people = [alice, twin]
        while True:
            page = await search(people[0], "wave", limit=5, **more)
            people.reverse()
            items += [one["seq"] for one in page["items"]]
            if page["next_cursor"] is None:
                break
            more = {"cursor": page["next_cursor"]}
        assert items == said[::-1]
        await alice.http.delete(f"/rooms/{LOBBY_ID}/messages/{said[0]}")
        assert len(await found(twin, "wave", limit=20)) == 11


# -- what may happen to the file


@pytest.mark.parametrize("how", ["deleted", "emptied", "of another version", "no database"])
@pytest.mark.stores("sqlite")
async def test_an_index_that_was_lost_or_spoiled_while_the_node_was_down_is_made_again(
    store_url: str, tmp_path: Path, how: str
) -> None:
    settings = Settings(store=store_url, signup="open")
    path = settings.search_index
    assert path == tmp_path / "tailwire.search.db"
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        await say(alice, LOBBY_ID, "lasting words")
        await until_found(alice, "lasting")
    if how == "deleted":
        path.unlink()
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "no database":
        path.write_bytes(b"x" * 10_000)
    else:
        with closing(apsw.Connection(str(path))) as connection:
            connection.pragma("user_version", 0)
    async with running(settings) as node:
        again = program(node, alice, {"token": alice.access_token})
        await until_found(again, "lasting")
        assert "tailwire_search_rebuilds_total 1.0" in (await node.client().get("/metrics")).text


@pytest.mark.stores("sqlite")
async def test_an_index_that_is_taken_away_under_the_node_is_made_again(
    node: Node, alice: Person, tmp_path: Path
) -> None:
    path = tmp_path / "tailwire.search.db"
    await say(alice, LOBBY_ID, "lasting words")
    await until_found(alice, "lasting")
    path.unlink()
    await eventually(lambda: _was_made(node, 2))
    await until_found(alice, "lasting")
    await say(alice, LOBBY_ID, "later words")
    await until_found(alice, "later")


async def _was_made(node: Node, count: int) -> bool:
    return f"tailwire_search_rebuilds_total {count}.0" in (await node.client().get("/metrics")).text


@pytest.mark.stores("sqlite")
async def test_a_place_that_cannot_be_written_keeps_nothing_else_from_working(
    store_url: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory")
    settings = Settings(store=store_url, signup="open", search_path=tmp_path / "file" / "search.db")
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        await say(alice, LOBBY_ID, "words")
        answer = await alice.http.get("/search", params={"q": "words"})
        assert (answer.status_code, answer.json()["code"], answer.json()["done"]) == (503, "indexing", 0)
        assert answer.headers["retry-after"] == "5"
        assert (await node.client().get("/readyz")).status_code == 200
