"""Users export all their data and erase their accounts."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.accounts.export import Exported
from api.accounts.export import export as whole_export
from api.config import Settings
from api.errors import Unavailable
from api.jobs import erasure, leases
from api.jobs.leases import LeaseHolder
from api.models.accounts import ERASED_NAME, Account, User
from api.models.log import Entry, Kind
from api.models.rooms import LOBBY_ID
from api.store import open_store
from api.store.base.store import Store
from tests.accounts.test_sessions import log_in, works
from tests.node import PASSWORD, SECONDS, Node, Person, eventually, running
from tests.stranger import Stranger

pytestmark = pytest.mark.anyio


async def send(person: Person, room_id: str, *bodies: str) -> list[int]:
    answers = [
        await person.http.post(
            f"/rooms/{room_id}/messages", json={"ref": f"{room_id}-{len(body)}", "body": body}
        )
        for body in bodies
    ]
    assert {answer.status_code for answer in answers} == {201}
    return [answer.json()["seq"] for answer in answers]


async def make_room(owner: Person) -> str:
    answer = await owner.http.post("/rooms", json={"name": "Tea", "visibility": "public"})
    return str(answer.json()["id"])


async def export(person: Person) -> list[dict[str, Any]]:
    answer = await person.http.get("/users/me/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonl")
    return [json.loads(line) for line in answer.text.splitlines()]


async def erase(person: Person, password: str = PASSWORD) -> int:
    return (await person.http.request("DELETE", "/users/me", json={"password": password})).status_code


async def is_gone(node: Node, username: str) -> bool:
    """Say whether the name is free again, by taking it. Freeing it is the last step of erasing."""
    body = {"username": username, "password": PASSWORD}
    return (await node.client().post("/auth/signup", json=body)).status_code == 201


async def history(person: Person, room_id: str) -> list[dict[str, Any]]:
    answer = await person.http.get(f"/rooms/{room_id}/messages")
    return list(answer.json()["items"])


async def test_an_export_holds_all_that_the_user_wrote_and_owns_and_nothing_of_others(
    node: Node, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.accounts.export.PAGE", 2)
    room_id, left_id = await make_room(alice), await make_room(bob)
    for one in (room_id, left_id):
        await (bob if one == room_id else alice).http.post(f"/rooms/{one}/join")
        await send(alice, one, "one", "two2", "three")
        await send(bob, one, "not hers")
    await alice.http.post(f"/rooms/{left_id}/leave")
    records = await export(alice)
    assert (records[0]["type"], records[0]["id"], records[-1]) == ("account", alice.id, {"type": "end"})
    bodies = [(one["room_id"], one["body"]) for one in records if one["type"] == "message"]
    assert sorted(bodies) == sorted(
        (one, body) for one in (room_id, left_id) for body in ("one", "two2", "three")
    )
    joined = {one["room_id"]: one["role"] for one in records if one["type"] == "membership"}
    assert joined == {LOBBY_ID: "member", room_id: "owner"}
    assert len([one for one in records if one["type"] == "session"]) == 1
    assert {one["user_id"] for one in records if "user_id" in one} == {alice.id}
    assert "hash" not in json.dumps(records)


async def test_an_export_holds_the_blocks_and_the_reports_that_the_user_made(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.accounts.export.PAGE", 2)
    alice, *others = [await sqlite_node.sign_up(name) for name in ("alice", "bob", "carol", "dave")]
    for other in others:
        await alice.http.put(f"/users/me/blocks/{other.id}")
        await other.http.put(f"/users/me/blocks/{alice.id}")
    (seq,) = await send(others[0], LOBBY_ID, "loud")
    for person in (alice, others[1]):
        await person.http.post(f"/rooms/{LOBBY_ID}/messages/{seq}/report", json={"reason": person.username})
    records = await export(alice)
    blocked = [(one["user_id"], one["username"]) for one in records if one["type"] == "block"]
    assert blocked == [(other.id, other.username) for other in reversed(others)]
    (report,) = [one for one in records if one["type"] == "report"]
    assert (report["room_id"], report["seq"], report["reason"]) == (LOBBY_ID, seq, "alice")
    assert "loud" not in json.dumps(records)


async def test_an_erased_account_takes_its_blocks_reports_and_reasons_and_leaves_its_bans(
    node: Node, alice: Person, bob: Person, store_url: str
) -> None:
    carol = await node.sign_up("carol")
    room_id = await make_room(bob)
    await alice.http.post(f"/rooms/{room_id}/join")
    await bob.http.put(f"/rooms/{room_id}/members/{alice.id}", json={"role": "moderator"})
    (seq,) = await send(bob, room_id, "loud")
    assert (await alice.http.post(f"/rooms/{room_id}/messages/{seq}/report", json={"reason": "r"})).is_success
    assert (await alice.http.put(f"/rooms/{room_id}/bans/{carol.id}", json={"reason": "hers"})).is_success
    assert (await alice.http.put(f"/users/me/blocks/{bob.id}")).is_success
    assert (await bob.http.put(f"/users/me/blocks/{alice.id}")).is_success
    assert await erase(alice) == 204
    await eventually(lambda: is_gone(node, "alice"))
    assert (await bob.http.get("/users/me/blocks")).json()["items"] == []
    (ban,) = (await bob.http.get(f"/rooms/{room_id}/bans")).json()["items"]
    assert (ban["user"]["id"], ban["by"], ban["reason"]) == (carol.id, alice.id, None)
    opened = await open_store(store_url)
    try:
        assert (await opened.reports.all(state=None, cursor=None, limit=9)).items == []
        assert not await opened.blocks.any_among([alice.id, bob.id])
    finally:
        await opened.close()


async def test_an_export_ends_with_the_session_that_asked_for_it(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.accounts.export.PAGE", 1)
    await send(alice, LOBBY_ID, "one", "two2", "three")
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def paused(*arguments: Any) -> AsyncIterator[Exported]:
        async for record in whole_export(*arguments):
            yield record
            if isinstance(record, Entry) and record.kind == Kind.MESSAGE:
                begun.set()
                await going_on.wait()

    monkeypatch.setattr("api.accounts.accounts.export", paused)
    exporting = asyncio.create_task(export(alice))
    await begun.wait()
    assert (await alice.http.post("/auth/logout")).status_code == 204
    going_on.set()
    records = await exporting
    assert len([one for one in records if one["type"] == "message"]) == 1
    assert records[-1] == {"type": "error", "code": "unauthorized"}


@pytest.mark.parametrize("how", ["tombstone", "anonymise"])
async def test_an_erased_account_leaves_nothing_behind(store_url: str, how: str) -> None:
    async with running(Settings(store=store_url, erase=how)) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        room_id = await make_room(bob)
        await alice.http.post(f"/rooms/{room_id}/join")
        hers = await send(alice, room_id, "her secret", "another")
        await send(bob, room_id, "his")
        async with alice.socket() as socket, bob.socket() as listener:
            await listener.send(type="subscribe", room_id=room_id)
            await listener.until(type="live")
            assert await erase(alice, "wrong password") == 422
            assert await works(alice)
            assert await erase(alice) == 204
            assert await socket.closed() == 4501
            await listener.until(type="member", user_id=alice.id, role=None, username=ERASED_NAME)
        assert not await works(alice)
        await eventually(lambda: is_gone(node, "alice"))
        assert (await bob.http.get(f"/users/{alice.id}")).status_code == 404
        found = {item["seq"]: item for item in await history(bob, room_id)}
        assert {found[seq]["username"] for seq in hers} == {ERASED_NAME}
        bodies = ["her secret", "another"] if how == "anonymise" else ["", ""]
        assert [found[seq]["body"] for seq in hers] == bodies
        assert [found[seq]["deleted"] for seq in hers] == [how == "tombstone"] * 2
        log = (await bob.http.get(f"/rooms/{room_id}/log")).text
        assert "alice" not in log
        assert ("her secret" in log) == (how == "anonymise")
        members = (await bob.http.get(f"/rooms/{room_id}/members")).json()["items"]
        assert [one["username"] for one in members] == ["bob"]


STEPS = [
    "sessions.end_all",
    "members.leave",
    "erasure.entries_of",
    "log.append",
    "erasure.anonymise",
    "erasure.finish",
]


@pytest.mark.parametrize("step", STEPS)
async def test_an_erasing_that_is_cut_off_anywhere_is_finished_at_the_next_start(
    store_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(Settings(store=store_url)) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        hers = await send(alice, LOBBY_ID, "one", "two2", "three")
        await send(bob, LOBBY_ID, "his")
    store = await open_store(store_url)
    await store.erasure.begin(alice.id)
    with monkeypatch.context() as crashing:
        crash_after(store, step, crashing)
        with pytest.raises(Unavailable):
            await erasure.Erasure(store, LeaseHolder(store), "tombstone").erase_marked()
    assert await store.erasure.pending() == ([alice.id] if step != "erasure.finish" else [])
    await store.close()
    async with running(Settings(store=store_url)) as node:
        await eventually(lambda: is_gone(node, "alice"))
        reader = await log_in(node, "bob")
        http = node.client(Authorization=f"Bearer {reader.json()['access_token']}")
        log = (await http.get(f"/rooms/{LOBBY_ID}/log")).json()["items"]
    deletes = [entry["target"] for entry in log if entry["type"] == Kind.DELETE]
    assert sorted(deletes) == hers  # one for each message
    assert [entry["body"] for entry in log if entry["type"] == Kind.MESSAGE] == ["", "", "", "his"]
    assert {entry["username"] for entry in log if entry["user_id"] == alice.id} == {ERASED_NAME}


async def test_each_account_is_erased_by_one_of_two_nodes_whichever_was_asked(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.05)
    erased: list[str] = []
    erase_one = erasure.Erasure._erase

    async def noted(job: erasure.Erasure, account: Account) -> None:
        erased.append(account.user.id)
        await erase_one(job, account)

    monkeypatch.setattr(erasure.Erasure, "_erase", noted)
    settings = Settings(store=store_url, signup="open")
    async with running(settings) as one, running(settings) as two:
        people = [await (one, two)[n % 2].sign_up(f"person{n}") for n in range(6)]
        await asyncio.gather(*(send(person, LOBBY_ID, "a", "bb") for person in people))
        assert await asyncio.gather(*(erase(person) for person in people)) == [204] * 6
        for person in people:
            await eventually(lambda person=person: is_gone(two, person.username))  # type: ignore[misc]
    assert sorted(erased) == sorted(person.id for person in people)


async def test_the_erasure_of_a_process_that_has_died_is_taken_over(
    store: Store, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    user = User("user-alice", "alice", "Alice", created_at=1)
    await store.accounts.create(Account(user, "alice", "hash"))
    await store.erasure.begin(user.id)
    assert await store.leases.acquire(erasure.LEASE, "a process that has died") is not None
    waiting = asyncio.create_task(erasure.Erasure(store, LeaseHolder(store), "tombstone").erase_marked())
    assert await asyncio.wait({waiting}, timeout=0.2) == (set(), {waiting})
    assert await store.erasure.pending() == [user.id]
    await stranger.end_lease(erasure.LEASE)
    async with asyncio.timeout(SECONDS):
        await waiting
    assert await store.accounts.get(user.id) is None


async def test_an_account_that_cannot_be_erased_keeps_no_other_from_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("user-alice", "user-bob"):
        await store.accounts.create(Account(User(name, name, name, created_at=1), name, "hash"))
        await store.erasure.begin(name)
    first, second = await store.erasure.pending()
    finish = store.erasure.finish

    async def finish_all_but_the_first(user_id: str) -> None:
        if user_id == first:
            raise ValueError("a row that makes no sense")
        await finish(user_id)

    monkeypatch.setattr(store.erasure, "finish", finish_all_but_the_first)
    await erasure.Erasure(store, LeaseHolder(store), "tombstone").erase_marked()
    assert await store.erasure.pending() == [first]
    assert await store.accounts.get(second) is None


def crash_after(store: Store, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one method of a store's part do its work and then raise, like a crash after it."""
    part_name, name = step.split(".")
    part = getattr(store, part_name)
    method = getattr(part, name)

    async def crash(*arguments: Any, **options: Any) -> None:
        await method(*arguments, **options)
        raise Unavailable

    monkeypatch.setattr(part, name, crash)


async def test_a_room_whose_last_owner_is_erased_goes_to_its_longest_standing_moderator_or_member(
    node: Node, alice: Person
) -> None:
    heirs = {}
    people = {name: await node.sign_up(name) for name in ("first", "second", "third", "fourth")}
    for roles, heir in (
        ({"first": "member", "second": "moderator", "third": "moderator"}, "second"),
        ({"first": "reader", "second": "member", "third": "member"}, "second"),
        ({"first": "reader"}, None),
        ({"first": "member", "second": "owner"}, "second"),
    ):
        room_id = await make_room(alice)
        for name, role in roles.items():
            path = f"/rooms/{room_id}/members/{people[name].id}"
            assert (await alice.http.put(path, json={"role": role})).status_code == 200
        heirs[room_id] = (roles, heir)
    assert await erase(alice) == 204

    async def is_done() -> bool:
        return await is_gone(node, "alice")

    await eventually(is_done)
    for room_id, (roles, heir) in heirs.items():
        for name, role in roles.items():
            seen = (await people[name].http.get(f"/rooms/{room_id}")).json()["role"]
            assert seen == ("owner" if name == heir else role), (roles, name)


async def test_who_has_just_deleted_a_room_is_erased(node: Node, alice: Person) -> None:
    """The room is still being taken away then."""
    room_id = await make_room(alice)
    assert (await alice.http.delete(f"/rooms/{room_id}")).status_code == 204
    assert await erase(alice) == 204

    async def is_erased() -> bool:
        return await is_gone(node, "alice")

    await eventually(is_erased)


async def test_an_export_holds_the_bytes_of_the_users_own_files(
    node: Node, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.accounts.export.LINE_BYTES", 100_000)
    data = {"long.bin": bytes(range(256)) * 2_000, "short.txt": b"a few words"}
    ids = {name: await upload(alice, name, content) for name, content in data.items()}
    body = {"ref": "file", "body": "", "files": [ids["long.bin"]]}
    assert (await alice.http.post("/rooms/lobby/messages", json=body)).status_code == 201
    await upload(bob, "his.txt", b"not hers")
    records = await export(alice)
    assert records[-1] == {"type": "end"}
    found = {one["file_id"]: one["name"] for one in records if one["type"] == "file"}
    assert found == {file_id: name for name, file_id in ids.items()}
    lines = [one for one in records if one["type"] == "file_bytes"]
    assert len(lines) > len(data)
    taken = dict.fromkeys(data, b"")
    for line in lines:
        name = found[line["file_id"]]
        assert line["offset"] == len(taken[name])
        taken[name] += b64decode(line["data"])
    assert taken == data


async def test_an_export_goes_on_where_the_bytes_of_a_file_are_missing(
    node: Node, alice: Person, tmp_path: Path
) -> None:
    await upload(alice, "lost.txt", b"lost")
    (kept,) = [one for one in (tmp_path / "tailwire.files").rglob("*") if one.is_file()]
    kept.unlink()
    records = await export(alice)
    assert [one["name"] for one in records if one["type"] == "file"] == ["lost.txt"]
    assert (records[-1], [one for one in records if one["type"] == "file_bytes"]) == ({"type": "end"}, [])


async def upload(person: Person, name: str, content: bytes) -> str:
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    answer = await person.http.post("/rooms/lobby/files", content=content, headers=headers)
    return str(answer.json()["file_id"])
