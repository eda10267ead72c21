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
from tests.node import PASSWORD, Node, Person, eventually, running
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
        ("POST", "/admin/users", {"username": "carol", "password": NEW_PASSWORD}),
        ("GET", f"/admin/users/{alice.id}", None),
        ("DELETE", f"/admin/users/{alice.id}", None),
        ("PATCH", f"/admin/users/{alice.id}", {"admin": True}),
        ("POST", f"/admin/users/{alice.id}/password", {"new_password": NEW_PASSWORD}),
        ("GET", f"/admin/users/{alice.id}/sessions", None),
        ("DELETE", f"/admin/users/{alice.id}/sessions", None),
        ("DELETE", f"/admin/users/{alice.id}/sessions/any", None),
        ("GET", "/admin/audit", None),
        ("GET", "/admin/status", None),
        ("GET", "/admin/settings", None),
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


async def test_an_administrator_ends_one_session_of_a_user_and_leaves_the_others(
    node: Node, admin: Person, alice: Person
) -> None:
    second = await again(alice)
    sessions = f"/admin/users/{alice.id}/sessions"
    newest, oldest = (one["id"] for one in (await admin.http.get(sessions)).json()["items"])
    own = (await admin.http.get("/auth/sessions")).json()["items"][0]["id"]
    for wrong in (own, "none", "%00"):
        assert (await admin.http.delete(f"{sessions}/{wrong}")).status_code == 404
    async with second.socket() as socket:
        assert (await admin.http.delete(f"{sessions}/{newest}")).status_code == 204
        assert await socket.closed() == 4501
    assert [one["id"] for one in (await admin.http.get(sessions)).json()["items"]] == [oldest]
    assert await works(alice)
    assert await works(admin)


@pytest.mark.settings(signup="closed")
async def test_an_administrator_makes_an_account_where_nobody_may_sign_up(
    store_url: str, node: Node, tmp_path: Path
) -> None:
    settings = {"TAILWIRE_STORE": store_url}
    made = await result(settings, tmp_path, "user", "create", "boss", "--generate")
    await result(settings, tmp_path, "user", "promote", "boss")
    boss = (await log_in(node, "boss", made[1].split()[-1])).json()["access_token"]
    client = node.client(Authorization=f"Bearer {boss}")
    account = {"username": "Carol", "password": NEW_PASSWORD, "display_name": "Carol C."}
    answer = await client.post("/admin/users", json=account)
    assert answer.status_code == 201
    carol = answer.json()
    assert (carol["username"], carol["display_name"], carol["admin"]) == ("carol", "Carol C.", False)
    assert (await client.get(f"/admin/users/{carol['id']}")).json() == carol
    refused = [
        (account, 409, "username_taken"),
        (account | {"username": "dora", "password": "password"}, 422, "weak_password"),
        (account | {"username": "admin"}, 422, "invalid"),
        (account | {"username": "dora", "display_name": "\u202e"}, 422, "invalid"),
        (account | {"username": "dora", "admin": True}, 422, "extra_forbidden"),
        ({"username": "dora"}, 422, "invalid"),
    ]
    for body, status, code in refused:
        told = await client.post("/admin/users", json=body)
        assert (told.status_code, told.json()["code"]) == (status, code), body
    welcome = (await log_in(node, "carol", NEW_PASSWORD)).json()
    rooms = await node.client(Authorization=f"Bearer {welcome['access_token']}").get("/rooms")
    assert [room["id"] for room in rooms.json()["items"]] == ["lobby"]
    events = (await client.get("/admin/audit", params={"event": "created"})).json()["items"]
    assert [(one["actor_username"], one["subject_username"]) for one in events] == [
        ("boss", "carol"),
        (None, "boss"),
    ]


async def test_accounts_are_searched_over_http(admin: Person, alice: Person, bob: Person) -> None:
    async def found(**query: str) -> list[str]:
        answer = await admin.http.get("/admin/users", params=query)
        assert answer.status_code == 200
        return [one["username"] for one in answer.json()["items"]]

    await admin.http.patch(f"/admin/users/{bob.id}", json={"disabled": True})
    assert await found(q="LIC") == ["alice"]
    assert await found(q=bob.id) == ["bob"]
    assert await found(state="admin") == ["boss"]
    assert await found(q="b", state="disabled") == ["bob"]
    assert await found(q="(") == []
    cursor = (await admin.http.get("/admin/users", params={"limit": 1})).json()["next_cursor"]
    for query in ({"q": ""}, {"q": "a\0"}, {"q": "a" * 65}, {"state": "all"}, {"q": "b", "cursor": cursor}):
        assert (await admin.http.get("/admin/users", params=query)).status_code == 422, query


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_an_account_is_erased_by_an_administrator_as_by_its_user(
    node: Node, admin: Person, alice: Person, bob: Person
) -> None:
    said = await bob.http.post("/rooms/lobby/messages", json={"ref": "r", "body": "private words"})
    path = f"/admin/users/{bob.id}"
    async with bob.socket() as socket:
        assert (await admin.http.delete(path)).status_code == 204
        assert await socket.closed() == 4501
    assert not await works(bob)

    async def is_erased() -> bool:
        return (await admin.http.get(path)).status_code == 404

    await eventually(is_erased)
    message = (await alice.http.get(f"/rooms/lobby/messages/{said.json()['seq']}")).json()
    assert (message["deleted"], message["body"], message["username"]) == (True, "", "erased")
    assert (await admin.http.delete(path)).status_code == 404
    (event,) = (await admin.http.get("/admin/audit", params={"event": "erased"})).json()["items"]
    assert (event["actor_username"], event["subject_id"], event["subject_username"]) == ("boss", bob.id, None)


async def test_administrators_erase_neither_themselves_nor_the_last_one(admin: Person, alice: Person) -> None:
    answer = await admin.http.delete(f"/admin/users/{admin.id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    await admin.http.patch(f"/admin/users/{alice.id}", json={"admin": True})
    assert (await alice.http.patch(f"/admin/users/{admin.id}", json={"disabled": True})).status_code == 200
    assert (await alice.http.delete(f"/admin/users/{alice.id}")).status_code == 409
    assert (await alice.http.delete(f"/admin/users/{admin.id}")).status_code == 204
    assert await works(alice)


async def test_the_audit_log_is_filtered_over_http(admin: Person, alice: Person, bob: Person) -> None:
    async def told(**query: str) -> list[str]:
        answer = await admin.http.get("/admin/audit", params=query)
        assert answer.status_code == 200
        return [one["event"] for one in answer.json()["items"]]

    await admin.http.patch(f"/admin/users/{bob.id}", json={"disabled": True})
    assert await told(user_id=bob.id) == ["disabled", "signed_up"]
    assert await told(user_id=bob.id, event="disabled") == ["disabled"]
    assert await told(event="promoted") == ["promoted"]
    for query in ({"event": "any"}, {"user_id": ""}, {"user_id": "a b"}, {"event": "Disabled"}):
        assert (await admin.http.get("/admin/audit", params=query)).status_code == 422, query


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


async def test_the_command_line_does_what_the_administrators_screen_does(
    store_url: str, node: Node, admin: Person, alice: Person, tmp_path: Path
) -> None:
    async def run(*arguments: str) -> str:
        code, out, err = await result({"TAILWIRE_STORE": store_url}, tmp_path, *arguments)
        assert (code, err) == (0, "")
        return out

    made = await run("user", "create", "carol", "--generate", "--display-name", "Carol C.")
    assert made.startswith("made the account carol\n")
    found = (await admin.http.get("/admin/users", params={"q": "carol c"})).json()["items"]
    assert [one["username"] for one in found] == ["carol"]
    assert (await run("user", "list", "--search", "LIC")).split()[0] == "alice"
    assert (await run("user", "list", "--state", "admin")).count("\n") == 1
    session = (await run("user", "sessions", "alice")).split()[0]
    assert (
        await run("user", "sessions", "alice", "--end-one", session)
        == f"ended the session {session} of alice\n"
    )
    assert not await works(alice)
    await run("invite", "--uses", "3")
    line = (await run("invites")).split()
    assert line[3:] == ["3", "of", "3", "left"]
    assert await run("invites", "--end", line[0]) == f"ended the invite {line[0]}\n"
    assert await run("invites") == ""
    code, _, err = await result(
        {"TAILWIRE_STORE": store_url}, tmp_path, "user", "erase", "alice", said=b"no\n"
    )
    assert (code, err) == (1, "tailwire: nothing was erased\n")
    assert "is being erased" in await run("user", "erase", "alice", "--yes")
    told = (await run("audit", "--event", "erased", "--user", "alice")).split()
    assert told[1:4] == ["erased", "-", "alice"]

    async def status_says(pattern: str) -> bool:
        return re.search(pattern, await run("status"), re.MULTILINE) is not None

    # A server that has just started says once that its feed is not live yet.
    well = r"^\S+:\d+  \S+  since \S+  0 connections  lag \d+ ms  \d+ s ago$"
    await eventually(lambda: status_says(well))
    settings = await run("settings")
    assert f"TAILWIRE_STORE  {store_url}  environment\n" in settings
    assert "TAILWIRE_SECRET  unset  store\n" in settings


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("disable", "nobody-here"), "There is no account with this name"),
        (("disable", "\u202e"), "There is no account with this name"),
        (("create", "admin", "--generate"), "username is reserved"),
        (("create", "carol", "--generate", "--display-name", "\u200b"), "display_name must show something"),
        (("list", "--state", "asleep"), "state must be one of admin, disabled, erasing"),
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
