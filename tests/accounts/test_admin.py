"""Administration over HTTP and on the command line, and its traces in the audit log."""

import asyncio
import re
from pathlib import Path

import pytest

from api.config import Settings
from api.models.accounts import Audited
from api.store import open_store
from api.store.base.store import Store
from tests.accounts.test_sessions import NEW_PASSWORD, again, log_in, refresh, works
from tests.node import PASSWORD, Node, Person, running
from tests.process import result, serving

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]


@pytest.fixture
async def admin(node: Node, store_url: str, tmp_path: Path) -> Person:
    """An administrator, promoted on the command line while the server runs."""
    person = await node.sign_up("boss")
    code, out, err = await result({"TAILWIRE_STORE": store_url}, tmp_path, "user", "promote", "boss")
    assert (code, out, err) == (0, "boss is an administrator\n", "")
    return person


async def test_who_is_no_administrator_finds_nothing_there(node: Node, alice: Person) -> None:
    calls = [
        ("GET", "/admin/users", None),
        ("PATCH", f"/admin/users/{alice.id}", {"admin": True}),
        ("POST", f"/admin/users/{alice.id}/password", {"new_password": NEW_PASSWORD}),
        ("GET", f"/admin/users/{alice.id}/sessions", None),
        ("DELETE", f"/admin/users/{alice.id}/sessions", None),
        ("GET", "/admin/audit", None),
        ("GET", "/admin/nothing", None),
    ]
    answers = [await alice.http.request(method, path, json=body) for method, path, body in calls]
    assert [answer.status_code for answer in answers] == [404] * len(calls)
    assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1
    assert (await node.client().get("/admin/users")).status_code == 401


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_t14_a_disabled_account_is_shut_out_everywhere(
    node: Node, admin: Person, alice: Person
) -> None:
    wrong = (await log_in(node, "alice", "wrong password")).json()
    async with alice.socket() as socket:
        answer = await admin.http.patch(f"/admin/users/{alice.id}", json={"disabled": True})
        assert (answer.status_code, answer.json()["disabled"]) == (200, True)
        assert await socket.closed() == 4501
    assert not await works(alice)
    assert (await refresh(node, alice.refresh_token))[0] == 401
    refused = await log_in(node, "alice")
    assert refused.status_code == 401
    assert refused.json() | {"request_id": ""} == wrong | {"request_id": ""}
    await admin.http.patch(f"/admin/users/{alice.id}", json={"disabled": False})
    assert (await log_in(node, "alice")).status_code == 200
    assert not await works(alice)  # the session that was ended stays ended


async def test_an_administrator_lists_accounts_and_sessions_and_ends_them(
    node: Node, admin: Person, alice: Person
) -> None:
    page = (await admin.http.get("/admin/users", params={"limit": 1})).json()
    rest = (await admin.http.get("/admin/users", params={"cursor": page["next_cursor"]})).json()
    assert [(one["username"], one["admin"]) for one in page["items"] + rest["items"]] == [
        ("boss", True),
        ("alice", False),
    ]
    sessions = f"/admin/users/{alice.id}/sessions"
    assert len((await admin.http.get(sessions)).json()["items"]) == 1
    async with alice.socket() as socket:
        assert (await admin.http.delete(sessions)).status_code == 204
        assert await socket.closed() == 4501
    assert (await admin.http.get(sessions)).json()["items"] == []
    for path in ("/admin/users/nobody/sessions", "/admin/users/%00/sessions"):
        assert (await admin.http.get(path)).status_code == 404


async def test_a_password_is_reset_and_the_old_sessions_end(node: Node, admin: Person, alice: Person) -> None:
    path = f"/admin/users/{alice.id}/password"
    assert (await admin.http.post(path, json={"new_password": "short"})).status_code == 422
    assert await works(alice)
    assert (await admin.http.post(path, json={"new_password": NEW_PASSWORD})).status_code == 204
    assert not await works(alice)
    assert (await log_in(node, "alice")).status_code == 401
    assert (await log_in(node, "alice", NEW_PASSWORD)).status_code == 200


async def test_nobody_takes_their_own_rights_away(node: Node, admin: Person, alice: Person) -> None:
    for change in ({"admin": False}, {"disabled": True}):
        answer = await admin.http.patch(f"/admin/users/{admin.id}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await admin.http.patch(f"/admin/users/{alice.id}", json={"admin": True})).json()["admin"]
    answer = await alice.http.patch(f"/admin/users/{admin.id}", json={"admin": False})
    assert (answer.status_code, answer.json()["admin"]) == (200, False)
    assert (await admin.http.get("/admin/users")).status_code == 404


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_the_last_administrator_stays_also_when_two_act_at_once_on_two_nodes(
    store: Store, store_url: str
) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as other:
        boss, chief = await one.sign_up("boss"), await other.sign_up("chief")
        for change in ({"admin": False}, {"disabled": True}, {"admin": False, "disabled": True}):
            for person in (boss, chief):
                await store.accounts.set_flags(person.id, admin=True, disabled=False)
            boss, chief = await again(boss), await again(chief)
            answers = await asyncio.gather(
                boss.http.patch(f"/admin/users/{chief.id}", json=change),
                chief.http.patch(f"/admin/users/{boss.id}", json=change),
            )
            statuses = sorted(answer.status_code for answer in answers)
            assert statuses[0] == 200
            assert statuses[1] in {401, 404, 409}  # 401 and 404 where the other one was first
            accounts = (await store.accounts.all(cursor=None, limit=9)).items
            assert [one.admin and not one.disabled for one in accounts].count(True) == 1


async def test_the_last_administrator_cannot_erase_their_own_account(admin: Person, alice: Person) -> None:
    erase = {"password": PASSWORD}
    answer = await admin.http.request("DELETE", "/users/me", json=erase)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert await works(admin)
    assert "erased" not in (await admin.http.get("/admin/audit")).text
    await admin.http.patch(f"/admin/users/{alice.id}", json={"admin": True})
    assert (await admin.http.request("DELETE", "/users/me", json=erase)).status_code == 204
    assert (await alice.http.get("/admin/users")).status_code == 200


async def test_administrators_change_their_own_password_with_the_old_one_only(
    node: Node, admin: Person
) -> None:
    answer = await admin.http.post(f"/admin/users/{admin.id}/password", json={"new_password": NEW_PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await log_in(node, "boss")).status_code == 200
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await admin.http.put("/auth/password", json=change)).status_code == 204
    assert (await log_in(node, "boss", NEW_PASSWORD)).status_code == 200


async def test_ending_no_session_leaves_nothing_in_the_audit_log(admin: Person, alice: Person) -> None:
    for _ in range(3):
        assert (await alice.http.delete("/auth/sessions")).status_code == 204
    events = (await admin.http.get("/admin/audit")).json()["items"]
    assert Audited.SESSION_ENDED not in {event["event"] for event in events}


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_the_audit_log_tells_who_did_what_to_whom_and_no_secret(
    node: Node, admin: Person, alice: Person
) -> None:
    await log_in(node, "alice", "wrong password")
    await log_in(node, "hunter2-as-a-name", "wrong password")
    second = await again(alice)
    await second.http.post("/auth/logout")
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    await alice.http.put("/auth/password", json=change)
    await admin.http.patch(f"/admin/users/{alice.id}", json={"disabled": True})
    answer = await admin.http.get("/admin/audit", params={"limit": 100})
    told = [(one["event"], one["actor_id"], one["subject_id"]) for one in answer.json()["items"]]
    assert told == [
        ("disabled", admin.id, alice.id),
        ("password_changed", alice.id, alice.id),
        ("logged_out", alice.id, alice.id),
        ("logged_in", alice.id, alice.id),
        ("login_failed", None, None),
        ("login_failed", None, alice.id),
        ("signed_up", alice.id, alice.id),
        ("promoted", None, admin.id),
        ("signed_up", admin.id, admin.id),
    ]
    assert answer.json()["items"][0]["address"] == "127.0.0.1"
    for secret in (
        PASSWORD,
        NEW_PASSWORD,
        "wrong password",
        "hunter2",
        alice.refresh_token,
        alice.access_token,
    ):
        assert secret not in answer.text


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_the_command_line_does_the_same_beside_a_running_server(store_url: str, tmp_path: Path) -> None:
    settings = {"TAILWIRE_STORE": store_url, "TAILWIRE_PORT": "0"}

    async def run(*arguments: str) -> str:
        code, out, err = await result(settings, tmp_path, *arguments)
        assert (code, err) == (0, "")
        return out

    async with serving(settings, tmp_path) as node:
        made = re.fullmatch(
            r"made the account carol\npassword: (\S{20})\n",
            await run("user", "create", "carol", "--generate"),
        )
        assert made
        assert (await log_in(node, "carol", made[1])).status_code == 200
        alice = await node.sign_up("alice")
        assert (await run("user", "sessions", "alice")).count("python-httpx") == 1
        async with alice.socket() as socket:
            assert await run("user", "disable", "alice") == "disabled alice\n"
            assert await socket.closed() == 4501
        assert re.search(r"^alice  \S+  \S+  disabled$", await run("user", "list"), re.MULTILINE)
        await run("user", "enable", "alice")
        reset = await run("user", "reset-password", "alice", "--generate")
        assert (await log_in(node, "alice", reset.split()[-1])).status_code == 200
        assert await run("user", "sessions", "alice", "--end") == "ended 1 sessions of alice\n"
        await run("user", "promote", "carol")
        assert "carol" in await run("user", "demote", "carol")
        events = [line.split("  ")[1:4] for line in (await run("audit", "--limit", "3")).splitlines()]
    assert events == [
        ["demoted", "-", "carol"],
        ["promoted", "-", "carol"],
        ["session_ended", "-", "alice"],
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("disable", "nobody-here"), "There is no account with this name"),
        (("disable", "\u202e"), "There is no account with this name"),
        (("create", "admin", "--generate"), "username is reserved"),
    ],
)
async def test_the_command_line_says_what_is_wrong_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    settings = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}"}
    await (await open_store(settings["TAILWIRE_STORE"])).close()
    code, out, err = await result(settings, tmp_path, "user", *arguments)
    assert (code, out) == (1, "")
    assert re.fullmatch(rf"tailwire: {said}.*\n", err), err
