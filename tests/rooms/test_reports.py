"""Reports of messages, and what administrators see of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.models.rooms import Role
from api.store import open_store
from api.store.base.store import Store
from tests.node import Event, Node, Person
from tests.process import result
from tests.rooms.test_bans import shown_user
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio

REASON = "a threat"


@pytest.fixture
async def admin(node: Node, behind: Store) -> Person:
    """An administrator, who is in no room of the others."""
    person = await node.sign_up("root-of-all")
    await behind.accounts.set_flags(person.id, admin=True)
    return person


@pytest.fixture
async def behind(node: Node, store_url: str) -> AsyncIterator[Store]:
    """The store of `node`."""
    opened = await open_store(store_url)
    yield opened
    await opened.close()


async def report(by: Person, room_id: str, seq: int, **body: object) -> httpx.Response:
    return await by.http.post(f"/rooms/{room_id}/messages/{seq}/report", json={"reason": REASON} | body)


async def reports(admin: Person, **query: str | int) -> list[Event]:
    answer = await admin.http.get("/admin/reports", params=query)
    assert answer.status_code == 200, answer.text
    found: list[Event] = answer.json()["items"]
    return found


async def read(admin: Person, report_id: str) -> Event:
    answer = await admin.http.get(f"/admin/reports/{report_id}")
    assert answer.status_code == 200, answer.text
    found: Event = answer.json()
    return found


async def test_a_reported_message_of_a_private_room_is_read_by_administrators_and_nothing_else_there(
    admin: Person, alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice, "Den", "private"))["id"]
    await give(alice, room_id, bob, Role.READER)
    await say(alice, room_id, "quiet")
    seq = await say(alice, room_id, "loud")
    for reason in (REASON, "another reason"):  # again, which changes nothing
        assert (await report(bob, room_id, seq, reason=reason)).status_code == 204
    (found,) = await reports(admin)
    assert found == {
        "id": found["id"],
        "room_id": room_id,
        "room_name": "Den",
        "seq": seq,
        "reason": REASON,
        "state": "open",
        "reporter": shown_user(bob),
        "at": found["at"],
    }
    shown = await read(admin, found["id"])
    assert shown["message"]["body"] == "loud"
    assert {name: value for name, value in shown.items() if name != "message"} == found
    for path in ("", "/messages", f"/messages/{seq}", "/log", "/members"):
        assert (await admin.http.get(f"/rooms/{room_id}{path}")).status_code == 404
    await alice.http.patch(f"/rooms/{room_id}/messages/{seq}", json={"body": "softer"})
    assert (await read(admin, found["id"]))["message"]["body"] == "softer"
    await alice.http.delete(f"/rooms/{room_id}/messages/{seq}")
    gone = (await read(admin, found["id"]))["message"]
    assert (gone["body"], gone["deleted"]) == ("", True)
    assert (await report(alice, room_id, seq)).json()["code"] == "deleted"


async def test_reports_are_closed_and_opened_again_and_listed_by_state(
    admin: Person, alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    seqs = [await say(alice, room_id, f"message {number}") for number in range(3)]
    for seq in seqs:
        assert (await report(alice, room_id, seq)).status_code == 204
    assert [one["seq"] for one in await reports(admin)] == seqs[::-1]
    page = (await admin.http.get("/admin/reports", params={"limit": 2})).json()
    rest = await reports(admin, cursor=page["next_cursor"])
    assert [one["seq"] for one in page["items"] + rest] == seqs[::-1]
    path = f"/admin/reports/{page['items'][1]['id']}"
    closed = await admin.http.patch(path, json={"state": "closed"})
    assert closed.json() == page["items"][1] | {"state": "closed"}
    assert [one["seq"] for one in await reports(admin, state="closed")] == [seqs[1]]
    assert [one["seq"] for one in await reports(admin, state="open")] == [seqs[2], seqs[0]]
    again = await admin.http.patch(path, json={"state": "open"})
    assert again.json()["state"] == "open"
    for person in (alice, bob):
        for answer in (
            await person.http.get("/admin/reports"),
            await person.http.get(path),
            await person.http.patch(path, json={"state": "closed"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_reports_and_their_reading_are_in_the_audit_log(
    admin: Person, behind: Store, alice: Person, bob: Person
) -> None:
    room_id = (await make_room(alice))["id"]
    await give(alice, room_id, bob, Role.MEMBER)
    seq = await say(alice, room_id, "loud")
    await report(bob, room_id, seq)
    await report(bob, room_id, seq)
    (found,) = await reports(admin)
    await read(admin, found["id"])
    await admin.http.patch(f"/admin/reports/{found['id']}", json={"state": "closed"})
    page = await behind.audit.all(cursor=None, limit=3)
    assert [(one.event, one.actor_id, one.subject_id) for one in page.items] == [
        ("report_closed", admin.id, bob.id),
        ("report_read", admin.id, alice.id),
        ("reported", bob.id, alice.id),
    ]
    assert {(one.room_id, one.address) for one in page.items} == {(room_id, "127.0.0.1")}


@pytest.mark.stores("sqlite")
async def test_only_messages_are_reported_and_only_of_the_right_epoch(admin: Person, alice: Person) -> None:
    room = await make_room(alice)
    seq = await say(alice, room["id"], "loud")
    for wrong in (1, seq + 1, 0, 2**60):  # seq 1 is a membership
        assert (await report(alice, room["id"], wrong)).json()["code"] == "not_found"
    assert (await report(alice, room["id"], seq, epoch="another")).json()["code"] == "reset"
    for reason in ("", "  ", "x" * 1_001, 5, None):
        assert (await report(alice, room["id"], seq, reason=reason)).status_code == 422
    assert (await report(alice, room["id"], seq, more=1)).json()["code"] == "extra_forbidden"
    assert await reports(admin) == []
    assert (await report(alice, room["id"], seq, epoch=room["epoch"])).status_code == 204
    (found,) = await reports(admin)
    path = f"/admin/reports/{found['id']}"
    for state in ("done", "", None, 1):
        assert (await admin.http.patch(path, json={"state": state})).status_code == 422
    assert (await admin.http.get("/admin/reports", params={"state": "done"})).status_code == 422
    for unknown in ("nothing", "x" * 200):
        assert (await admin.http.get(f"/admin/reports/{unknown}")).status_code == 404
        assert (
            await admin.http.patch(f"/admin/reports/{unknown}", json={"state": "open"})
        ).status_code == 404


async def test_the_command_line_reads_reports_and_closes_them(
    admin: Person, alice: Person, bob: Person, store_url: str, tmp_path: Path
) -> None:
    async def run(*arguments: str) -> str:
        code, out, err = await result({"TAILWIRE_STORE": store_url}, tmp_path, "report", *arguments)
        assert (code, err) == (0, "")
        return out

    room_id = (await make_room(alice, "Den", "private"))["id"]
    await give(alice, room_id, bob, Role.READER)
    said = {"ref": "rude", "body": "rude \x1b]0;words"}
    sent = await alice.http.post(f"/rooms/{room_id}/messages", json=said)
    assert sent.status_code == 201, sent.text
    seq = sent.json()["seq"]
    assert (await report(bob, room_id, seq)).status_code == 204
    (listed,) = await reports(admin)
    line = await run("list", "--state", "open")
    assert line.split("  ") == [listed["id"], listed["at"], "open", f"{room_id} {seq}", "bob", f"{REASON}\n"]
    assert (
        (await run("read", listed["id"]))
        .splitlines()[1]
        .endswith("alice: rude \N{REPLACEMENT CHARACTER}]0;words")
    )
    await run("close", listed["id"])
    assert await run("list", "--state", "open") == ""
    assert [one["state"] for one in await reports(admin)] == ["closed"]
    await run("reopen", listed["id"])
    told = (await admin.http.get("/admin/audit", params={"limit": 3})).json()["items"]
    assert [one["event"] for one in told] == ["report_reopened", "report_closed", "report_read"]
    await alice.http.delete(f"/rooms/{room_id}/messages/{seq}")
    assert "The message is deleted." in await run("read", listed["id"])
    code, _, err = await result({"TAILWIRE_STORE": store_url}, tmp_path, "report", "read", "nobody")
    assert (code, err.startswith("tailwire: ")) == (1, True)
