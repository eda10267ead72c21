"""Invites to rooms: who makes them, what they give, what is seen of them without an account, and what uses them up."""

import asyncio
from typing import Any

import httpx
import pytest

from api.limits.throttles import PREVIEWS_PER_MINUTE
from api.models.invites import invite_id
from api.models.rooms import LOBBY_ID, Role
from api.rooms.policy import GOVERNS
from api.store import open_store
from tests.accounts.test_signup import BY_INVITE, admin, make_invite, sign_up
from tests.node import PASSWORD, Event, Node, Person, http_client
from tests.rooms.test_policy import give, two_nodes
from tests.rooms.test_rooms import listed, make_room, say, seen_room

__all__ = ["admin"]  # a fixture

pytestmark = pytest.mark.anyio


async def invite_to(room_id: str, by: Person, **wanted: Any) -> Event:
    answer = await by.http.post(f"/rooms/{room_id}/invites", json=wanted)
    assert answer.status_code == 201, answer.text
    made: Event = answer.json()
    return made


async def accept(person: Person, code: str) -> httpx.Response:
    return await person.http.post(f"/invites/{code}/accept")


def is_bad(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json().get("code")) == (422, "bad_invite")


async def den_of(owner: Person, visibility: str = "private") -> str:
    return str((await make_room(owner, "Den", visibility))["id"])


# -- making, listing and ending


async def test_an_invite_is_made_listed_without_its_code_used_and_ended(alice: Person, bob: Person) -> None:
    den = await den_of(alice)
    made = await invite_to(den, alice, max_uses=2, expires_in=60)
    code, url = made.pop("code"), made.pop("url")
    assert url.startswith("http://127.0.0.1:")
    assert url.endswith(f"/#/invite/{code}")
    assert made == {
        "invite_id": invite_id(code),
        "room_id": den,
        "role": "member",
        "made_by": alice.id,
        "created_at": made["created_at"],
        "expires_at": made["expires_at"],
        "max_uses": 2,
        "uses_left": 2,
    }
    answer = await accept(bob, code)
    assert (answer.status_code, answer.json()["id"], answer.json()["role"]) == (200, den, "member")
    page = (await alice.http.get(f"/rooms/{den}/invites")).json()
    assert page == {"items": [made | {"uses_left": 1}], "next_cursor": None}
    for name in (code, (await invite_to(den, alice))["invite_id"]):
        assert (await alice.http.delete(f"/rooms/{den}/invites/{name}")).status_code == 204
        assert (await alice.http.delete(f"/rooms/{den}/invites/{name}")).status_code == 404
    assert is_bad(await accept(bob, code))
    assert (await alice.http.get(f"/rooms/{den}/invites")).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"role": "admin"},
        {"role": None},
        {"max_uses": 0},
        {"max_uses": 1_001},
        {"max_uses": "2"},
        {"expires_in": 59},
        {"expires_in": 31_536_001},
        {"admin": True},
        {"room_id": LOBBY_ID},
    ],
)
async def test_an_invite_that_cannot_be_is_refused(sqlite_node: Node, body: Event) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = await den_of(alice)
    assert (await alice.http.post(f"/rooms/{den}/invites", json=body)).status_code == 422
    assert (await alice.http.get(f"/rooms/{den}/invites")).json()["items"] == []


@pytest.mark.stores("sqlite")
async def test_an_invite_of_another_room_is_not_ended_here(alice: Person, bob: Person) -> None:
    mine, his = await den_of(alice), await den_of(bob)
    code = (await invite_to(his, bob))["code"]
    assert (await alice.http.delete(f"/rooms/{mine}/invites/{code}")).status_code == 404
    assert (await accept(alice, code)).status_code == 200


# -- roles


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize("by", [Role.OWNER, Role.MODERATOR])
async def test_an_invite_gives_what_its_maker_may_give_and_nothing_more(node: Node, by: Role) -> None:
    owner, maker = await node.sign_up("olga"), await node.sign_up("maker")
    den = await den_of(owner)
    await give(owner, den, maker, by)
    for role in Role:
        answer = await maker.http.post(f"/rooms/{den}/invites", json={"role": role})
        if role not in GOVERNS[by]:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            continue
        guest = await node.sign_up(f"guest-{role}")
        assert (await accept(guest, answer.json()["code"])).json()["role"] == role


async def test_an_invite_gives_less_while_its_maker_may_give_less_and_ends_for_good_when_they_leave(
    store_url: str,
) -> None:
    async with two_nodes(store_url) as (one, other):
        owner, maker = await one.sign_up("olga"), await one.sign_up("maker")
        den = await den_of(owner)
        await give(owner, den, maker, Role.OWNER)
        codes = {role: (await invite_to(den, maker, role=role, max_uses=9))["code"] for role in Role}

        async def given(name: str) -> dict[Role, str | None]:
            """Return the roles that a newcomer gets by each of the invites, on the other node."""
            found: dict[Role, str | None] = {}
            for role, code in codes.items():
                guest = await other.sign_up(f"{name}-{role}")
                answer = await accept(guest, code)
                assert answer.is_success or is_bad(answer)
                assert is_bad(await guest.http.get(f"/invites/{code}")) is not answer.is_success
                found[role] = answer.json()["role"] if answer.is_success else None
            return found

        assert await given("a") == {role: role for role in Role}
        await give(owner, den, maker, Role.MODERATOR)
        lowered = {
            Role.OWNER: "member",
            Role.MODERATOR: "member",
            Role.MEMBER: "member",
            Role.READER: "reader",
        }
        assert await given("b") == lowered
        await give(owner, den, maker, Role.MEMBER)
        assert await given("c") == dict.fromkeys(Role)
        await give(owner, den, maker, Role.OWNER)
        assert await given("d") == {role: role for role in Role}
        for name, role in (("e", None), ("f", Role.OWNER)):
            await give(owner, den, maker, role)
            assert await given(name) == dict.fromkeys(Role)
        again = (await invite_to(den, maker))["code"]
        assert (await accept(await other.sign_up("guest"), again)).status_code == 200


async def test_who_left_as_a_reader_comes_back_as_one(alice: Person, bob: Person) -> None:
    den = await den_of(alice)
    await give(alice, den, bob, Role.READER)
    await give(alice, den, bob, None)
    assert (await accept(bob, (await invite_to(den, alice))["code"])).json()["role"] == "reader"


# -- uses


async def test_of_ten_who_come_at_once_with_one_use_one_gets_in(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        owner = await one.sign_up("olga")
        den = await den_of(owner)
        guests = [await (one, other)[n % 2].sign_up(f"guest{n}") for n in range(10)]
        for count in (1, 2):
            code = (await invite_to(den, owner))["code"]
            answers = await asyncio.gather(*(accept(guest, code) for guest in guests))
            let_in = [answer for answer in answers if answer.is_success]
            assert len(let_in) == 1
            assert all(is_bad(answer) for answer in answers if answer not in let_in)
            assert (await seen_room(owner, den))["member_count"] == 1 + count
            guests.pop(answers.index(let_in[0]))


async def test_a_retry_and_a_member_take_no_use(alice: Person, bob: Person) -> None:
    den = await den_of(alice)
    code = (await invite_to(den, alice))["code"]
    first = await accept(bob, code)
    for _ in range(2):
        assert (await accept(bob, code)).json() == first.json()
    other = (await invite_to(den, alice))["code"]
    assert (await accept(bob, other)).status_code == 200
    items = (await alice.http.get(f"/rooms/{den}/invites")).json()["items"]
    assert sorted(one["uses_left"] for one in items) == [0, 1]
    # Who has used one and left comes back by it, as it was for them.
    assert (await bob.http.post(f"/rooms/{den}/leave")).status_code == 204
    assert (await accept(bob, code)).status_code == 200


@pytest.mark.stores("sqlite")
@pytest.mark.settings(members_per_room=1)
async def test_a_room_that_is_full_takes_no_use(alice: Person, bob: Person) -> None:
    den = await den_of(alice)
    answer = await accept(bob, (await invite_to(den, alice))["code"])
    assert (answer.status_code, answer.json()["code"]) == (422, "limit")
    assert (await alice.http.get(f"/rooms/{den}/invites")).json()["items"][0]["uses_left"] == 1


async def test_unknown_used_up_ended_expired_void_and_forbidden_are_all_alike(
    alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    den = await den_of(alice)
    used, ended, expired = [(await invite_to(den, alice, expires_in=60))["code"] for _ in range(3)]
    ghost = await alice.node.sign_up("ghost")
    await give(alice, den, ghost, Role.MODERATOR)
    void = (await invite_to(den, ghost))["code"]
    await give(alice, den, ghost, None)
    same = {"x-request-id": "the-same"}
    assert (await alice.http.put(f"/rooms/{den}/bans/{bob.id}")).status_code == 204
    usable = (await invite_to(den, alice))["code"]
    forbidden = await bob.http.post(f"/invites/{usable}/accept", headers=same)
    carol = await alice.node.sign_up("carol")
    assert (await accept(carol, used)).status_code == 200
    assert (await alice.http.delete(f"/rooms/{den}/invites/{ended}")).status_code == 204
    monkeypatch.setattr("api.accounts.invites.now_ms", lambda: 2**50)
    monkeypatch.setattr("api.rooms.invites.now_ms", lambda: 2**50)
    stranger = alice.node.client()
    for client, method, path in ((stranger, "GET", ""), (bob.http, "POST", "/accept")):
        answers = [forbidden]
        answers += [
            await client.request(method, f"/invites/{code}{path}", headers=same)
            for code in ("unknown", "%00", "x" * 500, used, ended, expired, void)
        ]
        assert all(map(is_bad, answers))
        assert len({answer.content for answer in answers}) == 1
    assert await listed(bob) == [LOBBY_ID]


# -- without an account


async def test_who_has_the_code_sees_where_it_leads_and_uses_nothing(alice: Person) -> None:
    den = await den_of(alice)
    await say(alice, den, "secret")
    code = (await invite_to(den, alice))["code"]
    stranger = alice.node.client()
    assert (await stranger.head(f"/invites/{code}")).status_code == 200
    assert (await stranger.get(f"/invites/{code}")).json() == {
        "room_name": "Den",
        "member_count": 1,
        "invited_by": {"id": alice.id, "username": "alice", "display_name": "alice"},
    }
    assert (await stranger.post(f"/invites/{code}/accept")).status_code == 401
    assert (await alice.http.get(f"/rooms/{den}/invites")).json()["items"][0]["uses_left"] == 1


async def test_looking_at_invites_is_throttled(sqlite_node: Node) -> None:
    stranger = sqlite_node.client()
    answers = [await stranger.get("/invites/nothing") for _ in range(PREVIEWS_PER_MINUTE + 1)]
    assert [one.status_code for one in answers] == [422] * PREVIEWS_PER_MINUTE + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_who_signs_up_by_a_rooms_invite_lands_in_the_room(alice: Person) -> None:
    den = await den_of(alice)
    code = (await invite_to(den, alice, role="reader"))["code"]
    answer = await sign_up(alice.node, "newcomer", invite=code)
    assert answer.status_code == 201
    http = alice.node.client(Authorization=f"Bearer {answer.json()['access_token']}")
    room = (await http.get(f"/rooms/{den}")).json()
    assert (room["role"], room["member_count"]) == ("reader", 2)
    assert (await http.post(f"/invites/{code}/accept")).status_code == 200
    assert is_bad(await sign_up(alice.node, "another", invite=code))


@pytest.mark.stores("sqlite")
@BY_INVITE
async def test_a_rooms_invite_is_enough_where_sign_up_needs_one(node: Node, admin: Person) -> None:
    den = await den_of(admin)
    code = (await invite_to(den, admin))["code"]
    assert (await sign_up(node, "newcomer")).status_code == 403
    assert (await sign_up(node, "newcomer", invite=code)).status_code == 201
    of_server = (await make_invite(admin))["code"]
    seen = (await node.client().get(f"/invites/{of_server}")).json()
    assert (seen["room_name"], seen["member_count"]) == (None, None)
    assert seen["invited_by"]["username"] == "chief"
    assert is_bad(await accept(admin, of_server))


@pytest.mark.stores("sqlite")
@pytest.mark.settings(signup="closed")
async def test_a_rooms_invite_makes_no_account_where_sign_up_is_closed(node: Node, admin: Person) -> None:
    code = (await invite_to(await den_of(admin), admin))["code"]
    assert (await sign_up(node, "newcomer", invite=code)).status_code == 403


@pytest.mark.settings(url="https://chat.example/tea")
async def test_the_address_of_an_invite_is_made_of_the_setting_and_never_of_the_host(
    sqlite_node: Node,
) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = await den_of(alice)
    async with http_client(sqlite_node.url, headers=dict(alice.http.headers)) as http:
        made = await http.post(f"/rooms/{den}/invites", json={}, headers={"host": "chat.example"})
    assert made.json()["url"] == f"https://chat.example/tea/#/invite/{made.json()['code']}"


async def test_no_code_is_logged(sqlite_node: Node, capfd: pytest.CaptureFixture[str]) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = await den_of(alice)
    code = (await invite_to(den, alice))["code"]
    bob = await sqlite_node.sign_up("bob")
    await sqlite_node.client().get(f"/invites/{code}")
    await accept(bob, code)
    await alice.http.delete(f"/rooms/{den}/invites/{code}")
    logged = capfd.readouterr()
    assert code not in logged.out + logged.err
    assert PASSWORD not in logged.out + logged.err


@pytest.mark.stores("sqlite")
async def test_what_becomes_of_invites_is_in_the_audit_log(
    node: Node, alice: Person, bob: Person, store_url: str
) -> None:
    room_id = (await make_room(alice, "Den", "private"))["id"]
    invite = (await alice.http.post(f"/rooms/{room_id}/invites", json={})).json()
    for _ in range(2):  # a retry is no use
        assert (await bob.http.post(f"/invites/{invite['code']}/accept")).status_code == 200
    assert (await alice.http.delete(f"/rooms/{room_id}/invites/{invite['invite_id']}")).status_code == 204
    store = await open_store(store_url)
    try:
        page = await store.audit.all(cursor=None, limit=3)
    finally:
        await store.close()
    assert [(one.event, one.actor_id, one.subject_id) for one in page.items] == [
        ("invite_ended", alice.id, None),
        ("invite_used", bob.id, alice.id),
        ("invited", alice.id, None),
    ]
    assert {(one.room_id, one.address) for one in page.items} == {(room_id, "127.0.0.1")}
