"""Who may sign up: everybody, who has an invite, nobody; and the first administrator by the setup link."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from websockets.asyncio.client import connect

from api import __version__
from api.accounts.setup import first_admin, setup_token
from api.config import Settings
from api.errors import UsernameTaken
from api.models.invites import invite_id
from api.models.rooms import LOBBY_ID
from api.store.base.store import Store
from tests.node import PASSWORD, Event, Node, Person, http_client, running
from tests.process import READY, START_SECONDS, result, serving, started

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

SETUP_LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/#/setup/([\w-]{24})")
BY_INVITE: Final = pytest.mark.settings(signup="invite")


async def sign_up(node: Node, username: str, **more: Any) -> httpx.Response:
    return await node.client().post("/auth/signup", json={"username": username, "password": PASSWORD} | more)


async def set_up(node: Node, token: str | None, username: str = "chief", **more: Any) -> httpx.Response:
    body = {"token": token, "username": username, "password": PASSWORD} | more
    return await node.client().post("/auth/setup", json=body)


def person(node: Node, answer: httpx.Response) -> Person:
    """Return the user who has just got an account."""
    assert answer.status_code == 201, answer.text
    body = answer.json()
    user, token = body["user"], body["access_token"]
    http = node.client(Authorization=f"Bearer {token}")
    return Person(node, user["username"], user["id"], token, body["refresh_token"], http)


@pytest.fixture
async def admin(node: Node, store: Store) -> Person:
    """The first administrator of `node`."""
    return person(node, await set_up(node, await setup_token(store)))


async def make_invite(by: Person, **wanted: Any) -> Event:
    answer = await by.http.post("/admin/invites", json=wanted)
    assert answer.status_code == 201, answer.text
    made: Event = answer.json()
    return made


async def events(admin: Person) -> list[tuple[str, str | None, str | None]]:
    found = (await admin.http.get("/admin/audit")).json()["items"]
    return [(one["event"], one["actor_id"], one["subject_id"]) for one in found]


# -- who may sign up


async def test_anybody_may_know_of_a_server_who_can_sign_up_there(node: Node, alice: Person) -> None:
    headers = {"Authorization": f"Bearer {alice.access_token}"}
    async with connect(node.ws_url, additional_headers=headers) as raw:
        ready = json.loads(await raw.recv())
    assert (await node.client().get("/server")).json() == {
        "name": "Tailwire",
        "version": __version__,
        "signup": "open",
        "features": ready["features"],
        "limits": ready["limits"],
    }


@pytest.mark.settings(signup="closed", name="The Den")
async def test_where_sign_up_is_closed_no_invite_opens_it(node: Node, admin: Person) -> None:
    code = (await make_invite(admin))["code"]
    for answer in (await sign_up(node, "alice"), await sign_up(node, "alice", invite=code)):
        assert (answer.status_code, answer.json()["code"]) == (403, "signup_closed")
    seen = (await node.client().get("/server")).json()
    assert (seen["signup"], seen["name"]) == ("closed", "The Den")


@BY_INVITE
@pytest.mark.stores("sqlite", "rethinkdb")
async def test_where_sign_up_is_by_invite_each_use_lets_one_person_in(node: Node, admin: Person) -> None:
    refused = await sign_up(node, "alice")
    assert (refused.status_code, refused.json()["code"]) == (403, "signup_closed")
    code = (await make_invite(admin, max_uses=2))["code"]
    for name in ("alice", "bob"):
        newcomer = person(node, await sign_up(node, name, invite=code))
        assert (await newcomer.http.get("/users/me")).json()["admin"] is False
        assert (await newcomer.http.get(f"/rooms/{LOBBY_ID}")).json()["role"] == "member"
    refused = await sign_up(node, "carol", invite=code)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_invite")


@BY_INVITE
async def test_nobody_learns_why_an_invite_is_not_valid(node: Node, store: Store, admin: Person) -> None:
    used, ended, expired, maker = [(await make_invite(admin))["code"] for _ in range(4)]
    person(node, await sign_up(node, "alice", invite=used))
    assert (await admin.http.delete(f"/admin/invites/{invite_id(ended)}")).status_code == 204
    for code, change in ((expired, {"expires_at": 1}), (maker, {"made_by": None, "for_setup": True})):
        invite = await store.invites.get(invite_id(code))
        assert invite is not None
        await store.invites.end(None, invite.id)
        await store.invites.create(replace(invite, **change), forget_before=0)
    answers = [await sign_up(node, "bob", invite=code) for code in (used, ended, expired, maker, "nonsense")]
    assert {answer.status_code for answer in answers} == {422}
    assert len({str(answer.json() | {"request_id": ""}) for answer in answers}) == 1


@BY_INVITE
async def test_who_has_no_valid_invite_does_not_learn_which_names_are_taken(
    node: Node, admin: Person
) -> None:
    answers = [await sign_up(node, name, invite="nonsense") for name in (admin.username, "alice")]
    assert [answer.json()["code"] for answer in answers] == ["bad_invite"] * 2
    code = (await make_invite(admin))["code"]
    assert (await sign_up(node, admin.username, invite=code)).json()["code"] == "username_taken"
    person(node, await sign_up(node, "alice", invite=code))


@pytest.mark.parametrize("invite", ["", "x" * 65, 7, ["code"]])
async def test_what_is_no_code_is_refused_by_its_form(sqlite_node: Node, invite: Any) -> None:
    answer = await sign_up(sqlite_node, "alice", invite=invite)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.settings(signup="invite", signups_per_address=3)
async def test_guesses_at_invites_are_throttled(sqlite_node: Node) -> None:
    answers = [await sign_up(sqlite_node, "alice", invite=f"guess-{n}") for n in range(4)]
    assert [one.status_code for one in answers] == [422, 422, 422, 429]


@BY_INVITE
async def test_a_sign_up_that_fails_gives_the_use_back(node: Node, admin: Person) -> None:
    code = (await make_invite(admin))["code"]
    for refused in (
        await sign_up(node, "chief", invite=code),
        await sign_up(node, "alice", invite=code, password="short"),
        await sign_up(node, "a", invite=code),
    ):
        assert refused.status_code in {409, 422}
        assert refused.json()["code"] != "bad_invite"
    person(node, await sign_up(node, "alice", invite=code))


@BY_INVITE
@pytest.mark.stores("sqlite", "rethinkdb")
async def test_of_many_who_want_one_name_at_once_only_who_gets_it_uses_the_invite(
    node: Node, admin: Person
) -> None:
    code = (await make_invite(admin, max_uses=9))["code"]
    answers = await asyncio.gather(*(sign_up(node, "alice", invite=code) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    (invite,) = (await admin.http.get("/admin/invites")).json()["items"]
    assert invite["uses_left"] == 8


@BY_INVITE
@pytest.mark.stores("sqlite", "rethinkdb")
async def test_of_many_who_sign_up_with_one_invite_on_two_nodes_at_once_one_gets_in(
    node: Node, store_url: str, admin: Person
) -> None:
    code = (await make_invite(admin))["code"]
    async with running(Settings(store=store_url, signup="invite")) as other:
        answers = await asyncio.gather(
            *(sign_up((node, other)[n % 2], f"user{n}", invite=code) for n in range(6))
        )
    assert sorted(answer.status_code for answer in answers) == [201, *[422] * 5]
    (invite,) = (await admin.http.get("/admin/invites")).json()["items"]
    assert invite["uses_left"] == 0
    assert len((await admin.http.get("/admin/users")).json()["items"]) == 2


# -- invites


@BY_INVITE
@pytest.mark.settings(url="https://chat.example.org/tea", signup="invite", hosts=("127.0.0.1",))
async def test_an_administrator_makes_lists_and_ends_invites(node: Node, admin: Person) -> None:
    made = await make_invite(admin, max_uses=3, expires_in=3_600)
    assert made["url"] == f"https://chat.example.org/tea/#/invite/{made['code']}"
    assert len(made["code"]) == 24
    listed = (await admin.http.get("/admin/invites")).json()
    assert listed == {
        "items": [{name: made[name] for name in made if name not in {"code", "url"}}],
        "next_cursor": None,
    }
    assert listed["items"][0] == {
        "invite_id": invite_id(made["code"]),
        "admin": False,
        "made_by": admin.id,
        "created_at": made["created_at"],
        "expires_at": made["expires_at"],
        "max_uses": 3,
        "uses_left": 3,
    }
    path = f"/admin/invites/{made['invite_id']}"
    assert [(await admin.http.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert (await sign_up(node, "alice", invite=made["code"])).json()["code"] == "bad_invite"
    assert (await events(admin))[:2] == [("invite_ended", admin.id, None), ("invited", admin.id, None)]


@BY_INVITE
@pytest.mark.stores("sqlite", "rethinkdb")
async def test_an_export_has_the_invites_that_a_user_made_without_their_codes(
    node: Node, admin: Person
) -> None:
    made = await make_invite(admin)
    lines = (await admin.http.get("/users/me/export")).text.splitlines()
    (invite,) = [one for one in map(json.loads, lines) if one["type"] == "invite"]
    assert invite == {"type": "invite"} | {
        name: made[name] for name in made if name not in {"code", "url", "made_by"}
    }


@BY_INVITE
async def test_only_administrators_make_and_see_invites(node: Node, admin: Person) -> None:
    made = await make_invite(admin)
    alice = person(node, await sign_up(node, "alice", invite=made["code"]))
    calls = [("POST", ""), ("GET", ""), ("DELETE", f"/{made['invite_id']}")]
    for http, status in ((alice.http, 404), (node.client(), 401)):
        answers = [
            await http.request(method, f"/admin/invites{rest}", json={} if method == "POST" else None)
            for method, rest in calls
        ]
        assert [answer.status_code for answer in answers] == [status] * 3


@pytest.mark.parametrize(
    "wanted",
    [
        {"max_uses": 0},
        {"max_uses": 1_001},
        {"max_uses": "1"},
        {"max_uses": None},
        {"expires_in": 59},
        {"expires_in": 31_536_001},
        {"admin": "yes"},
        {"role": "owner"},
    ],
)
async def test_an_invite_that_there_cannot_be_is_refused(node: Node, admin: Person, wanted: Event) -> None:
    assert (await admin.http.post("/admin/invites", json=wanted)).status_code == 422
    assert (await admin.http.get("/admin/invites")).json()["items"] == []


@BY_INVITE
async def test_an_invite_of_who_is_no_administrator_any_more_lets_nobody_in(
    node: Node, store: Store, admin: Person
) -> None:
    codes = [(await make_invite(admin, admin=True))["code"] for _ in range(2)]
    second = person(node, await sign_up(node, "second", invite=codes[0]))
    assert (await second.http.get("/users/me")).json()["admin"] is True
    assert ("promoted", admin.id, second.id) in await events(admin)
    for change in ({"admin": False}, {"admin": True, "disabled": True}):
        assert (await second.http.patch(f"/admin/users/{admin.id}", json=change)).status_code == 200
        assert (await sign_up(node, "third", invite=codes[1])).json()["code"] == "bad_invite"
    await store.accounts.set_flags(admin.id, disabled=False)
    person(node, await sign_up(node, "third", invite=codes[1]))


async def test_the_command_line_makes_an_invite_and_prints_its_link(
    node: Node, store_url: str, tmp_path: Path
) -> None:
    code, out, err = await result(
        {"TAILWIRE_STORE": store_url, "TAILWIRE_URL": "https://chat.example.org"},
        tmp_path,
        *("invite", "--admin", "--uses", "2", "--days", "1"),
    )
    link = re.fullmatch(r"https://chat\.example\.org/#/invite/([\w-]{24})\n", out)
    assert (code, err) == (0, "")
    assert link is not None
    chief = person(node, await sign_up(node, "chief", invite=link[1]))
    (invite,) = (await chief.http.get("/admin/invites")).json()["items"]
    assert (invite["made_by"], invite["max_uses"], invite["uses_left"]) == (None, 2, 1)


# -- the first administrator


@pytest.mark.settings(signup="closed")
@pytest.mark.stores("sqlite", "rethinkdb")
async def test_the_setup_link_makes_the_first_administrator_and_no_second(
    node: Node, store: Store, store_url: str
) -> None:
    token = await setup_token(store)
    assert token == await setup_token(store)
    async with running(Settings(store=store_url)) as other:
        answers = await asyncio.gather(*(set_up((node, other)[n % 2], token, f"chief{n}") for n in range(4)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    chief = person(node, made[0])
    assert (await chief.http.get("/users/me")).json()["admin"] is True
    # In the lobby an administrator has an owner's rights.
    assert (await chief.http.get(f"/rooms/{LOBBY_ID}")).json()["role"] == "owner"
    assert await events(chief) == [("set_up", chief.id, chief.id)]
    assert await setup_token(store) is None
    assert (await set_up(node, token, "late")).json()["code"] == "conflict"
    assert (await chief.http.get("/admin/invites")).json()["items"] == []


async def test_what_is_not_the_setup_link_makes_no_administrator(node: Node, store: Store) -> None:
    token = await setup_token(store)
    assert token is not None
    for wrong in ("nonsense", token[:-1] + ("a" if token[-1] != "a" else "b")):
        answer = await set_up(node, wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_invite")
    assert (await sign_up(node, "alice", invite=token)).json()["code"] == "bad_invite"
    person(node, await sign_up(node, "alice"))
    for refused in (
        await set_up(node, token, "alice"),
        await set_up(node, token, password="short"),
        await set_up(node, None),
        await set_up(node, token, admin=True),
    ):
        assert refused.status_code in {409, 422}
        assert refused.json()["code"] not in {"conflict", "bad_invite"}
    person(node, await set_up(node, token))


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_a_promotion_ends_the_setup_link_and_when_no_administrator_is_left_there_is_another(
    node: Node, store: Store, alice: Person
) -> None:
    first = await setup_token(store)
    await store.accounts.set_flags(alice.id, admin=True)
    assert await setup_token(store) is None
    assert (await set_up(node, first)).json()["code"] == "conflict"
    await store.accounts.set_flags(alice.id, admin=False)
    assert await setup_token(store) == first  # nobody has used it
    chief = person(node, await set_up(node, first))
    await store.accounts.set_flags(chief.id, admin=False)
    second = await setup_token(store)
    assert second not in {first, None}
    assert (await set_up(node, first, "again")).json()["code"] == "conflict"
    person(node, await set_up(node, second, "again"))


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_while_the_setup_link_is_being_used_there_is_no_second_one(node: Node, store: Store) -> None:
    """With two, each would make an administrator."""
    link = await setup_token(store)
    assert link is not None
    with suppress(UsernameTaken):
        async with first_admin(store, link, "being-made"):
            assert await setup_token(store) == link
            assert (await set_up(node, link)).json()["code"] == "conflict"
            raise UsernameTaken
    person(node, await set_up(node, link))
    assert await setup_token(store) is None


@asynccontextmanager
async def lines_of(setup: dict[str, str], directory: Path, *arguments: str) -> AsyncIterator[list[str]]:
    """Run `tailwire serve`, and return what it says on standard output up to its last line."""
    async with started(setup, directory, "serve", *arguments) as process:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            lines = [(await process.stdout.readline()).decode() for _ in range(3)]
        yield lines
        process.terminate()
        _, err = await process.communicate()
        link = SETUP_LINK.search(lines[2])
        assert link is None or link[1].encode() not in err, "the token stands in the log"


@pytest.mark.stores("rethinkdb")
async def test_of_nodes_that_start_together_one_prints_the_setup_link(store_url: str, tmp_path: Path) -> None:
    setup = {"TAILWIRE_STORE": store_url, "TAILWIRE_PORT": "0"}
    async with lines_of(setup, tmp_path) as first, lines_of(setup, tmp_path) as second:
        links = [SETUP_LINK.search(lines[2]) for lines in (first, second)]
    assert [link is not None for link in links] == [True, False]
    assert "tailwire setup-link" in second[2]


async def test_serve_prints_the_setup_link_until_there_is_an_administrator(tmp_path: Path) -> None:
    setup = {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}
    async with lines_of(setup, tmp_path, "--workers", "2") as lines:
        ready, link = READY.fullmatch(lines[0]), SETUP_LINK.search(lines[2])
        assert ready is not None
        assert link is not None
        assert link[0].startswith(ready[1])
        asked = await result(setup | {"TAILWIRE_URL": "https://a.example"}, tmp_path, "setup-link")
        assert asked == (0, f"https://a.example/#/setup/{link[1]}\n", "")
        async with http_client(ready[1]) as client:
            body = {"token": link[1], "username": "chief", "password": PASSWORD}
            assert (await client.post("/auth/setup", json=body)).status_code == 201
    code, out, err = await result(setup, tmp_path, "setup-link")
    assert (code, out) == (1, "")
    assert "administrator" in err
    async with serving(setup, tmp_path) as node:
        assert node.process is not None
        assert node.process.stdout is not None
        node.process.terminate()
        assert b"setup" not in await node.process.stdout.read()
