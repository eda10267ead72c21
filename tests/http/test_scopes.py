"""What the tokens of programs may do, tried on every route and every command that there are."""

import re
from typing import Any, Final, get_args

import pytest
from fastapi.routing import APIRoute

from api.accounts.scopes import READ, Needs
from api.config import Settings
from api.http.scopes import needs_of
from api.main import create_app
from api.models.accounts import Scope
from api.models.rooms import LOBBY_ID
from api.protocol.commands import Authenticate, Command, Ping
from tests.accounts.programs import ALL, a_bot, made_bot, made_token, make_admin, program
from tests.node import PASSWORD, Node, Person, Socket
from tests.rooms.test_direct import open_with
from tests.rooms.test_rooms import make_room as made_room
from tests.rooms.test_rooms import say
from tests.test_docs import routes_of_callers

pytestmark = [pytest.mark.anyio, pytest.mark.settings(signup="open", misses_per_minute=10_000)]

ROUTES: Final = routes_of_callers(create_app(Settings(store="sqlite:///unused")))
NO_LOG_IN: Final = "A token cannot do this: it needs a log-in"


async def make_room(owner: Person, name: str, visibility: str = "private") -> str:
    return str((await made_room(owner, name, visibility))["id"])


def needs(route: APIRoute) -> Needs:
    found = needs_of(route.endpoint)
    assert found is not None, f"{route.path} says nothing of what a token needs"
    return found


def has_body(route: APIRoute) -> bool:
    return route.body_field is not None


async def ask(person: Person, route: APIRoute, **ids: str) -> tuple[int, str, str]:
    """Send a request to a route with an empty body; return its status, the code of the answer and its detail."""
    method = next(iter(route.methods or ()))
    path = re.sub(r"{(\w+)}", lambda name: ids.get(name[1], "1"), route.path)
    answer = await person.http.request(method, path, json={} if has_body(route) else None)
    told = answer.json() if answer.status_code >= 400 else {}
    return answer.status_code, told.get("code", ""), told.get("detail", "")


def test_every_route_of_a_caller_and_every_command_says_what_a_token_needs() -> None:
    assert len(ROUTES) > 60
    for route in ROUTES:
        needs(route)
    for command in get_args(Command):
        assert "scopes" in vars(command), f"{command.__name__} says nothing of what a token needs"


def test_the_scopes_reach_what_their_names_say() -> None:
    for route in ROUTES:
        method = next(iter(route.methods or ()))
        is_closed = re.match(r"/(auth|admin)/|/bots/|/users/me/export", route.path) is not None
        if is_closed:
            assert not needs(route).scopes, route.path
        elif method == "GET" or route.path.startswith(("/consumers/", "/files/urls", "/sync")):
            assert needs(route) == READ, route.path
        else:
            assert needs(route) != READ, f"{method} {route.path}"
        if "{room_id}" in route.path:
            assert not needs(route).all_rooms, route.path  # its room bounds it


@pytest.mark.parametrize("has", [[], ["read"], ["write"], ["manage"], list(ALL)], ids=str)
async def test_a_token_opens_the_routes_of_its_scopes_and_no_others(
    sqlite_node: Node, has: list[str]
) -> None:
    owner = await sqlite_node.sign_up("olga")
    # No token has no scope, so the one without stands for what needs a log-in.
    machine = program(sqlite_node, owner, await made_token(owner, has or ALL))
    for route in ROUTES:
        scopes = needs(route).scopes
        if bool(has) == bool(scopes):
            status, code, detail = await ask(machine, route, room_id="no-such-room")
            if not scopes:
                assert (status, code, detail) == (403, "forbidden", NO_LOG_IN), route.path
            elif scopes.isdisjoint(has):
                missing = f"The token does not have the scope {' or '.join(sorted(scopes))}"
                assert (status, code, detail) == (403, "forbidden", missing), route.path
            else:
                assert "The token" not in detail, (route.path, detail)
                assert status != 401, route.path


async def test_a_token_for_one_room_finds_no_other_room_on_any_route(sqlite_node: Node) -> None:
    owner = await sqlite_node.sign_up("olga")
    inside, outside = await make_room(owner, "Inside"), await make_room(owner, "Outside")
    await say(owner, outside, "secret")
    machine = program(sqlite_node, owner, await made_token(owner, room_ids=[inside]))
    for route in ROUTES:
        if not needs(route).scopes:
            continue
        there = await ask(machine, route, room_id=outside, seq="1", user_id=owner.id)
        if "{room_id}" in route.path:
            nowhere = await ask(machine, route, room_id="no-such-room", seq="1", user_id=owner.id)
            assert there == nowhere, route.path
            assert there[:2] == (404, "not_found"), route.path
        elif needs(route).all_rooms:
            assert there == (403, "forbidden", "The token is bound to certain rooms"), route.path
        else:
            answer = await machine.http.get(
                route.path.replace("{user_id}", owner.id),
                params={"q": "ol"} if route.path == "/users" else {},
            )
            assert outside not in answer.text, route.path
            assert "Outside" not in answer.text, route.path
    assert (await machine.http.get(f"/rooms/{inside}")).status_code == 200


async def test_lists_of_a_token_for_certain_rooms_have_these_and_no_others(sqlite_node: Node) -> None:
    owner, other = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("otto")
    inside, outside = [await make_room(owner, name, "public") for name in ("Inside", "Outside")]
    for room_id in (inside, outside):
        await other.http.post(f"/rooms/{room_id}/join")
        await say(other, room_id, f"to @olga in {room_id}")
    machine = program(sqlite_node, owner, await made_token(owner, room_ids=[inside, "gone"]))

    async def listed(**query: str) -> list[str]:
        answer = await machine.http.get("/rooms", params=query)
        assert answer.status_code == 200
        return [one["id"] for one in answer.json()["items"]]

    assert await listed() == [inside]
    assert await listed(scope="public") == [inside]
    assert await listed(scope="public", q="side") == [inside]
    assert await listed(ids=f"{inside},{outside}") == [inside]
    mentions = (await machine.http.get("/mentions")).json()["items"]
    assert [one["room_id"] for one in mentions] == [inside]
    assert len((await owner.http.get("/mentions")).json()["items"]) == 2


# -- sockets


def command(model: type[Command], room_id: str) -> dict[str, Any]:
    """Return a command of this type, as good as it can be without its room."""
    values = {
        "room_id": room_id,
        "seq": 1,
        "ref": "the-ref",
        "body": "hello",
        "emoji": "👍",
        "user_ids": [],
        "token": "none",
    }
    kind = get_args(model.model_fields["type"].annotation)[0]
    return {"type": kind} | {name: values[name] for name in model.model_fields if name in values}


async def answer_of(socket: Socket, sent: dict[str, Any]) -> dict[str, Any]:
    await socket.send(**sent)
    while True:
        event = await socket.receive()
        if event["type"] in {"ack", "error"} and event["ref"] == sent["ref"]:
            return event


@pytest.mark.parametrize("has", ["read", "write", "manage"])
async def test_a_socket_carries_out_the_commands_of_the_scopes_of_its_token(
    sqlite_node: Node, has: str
) -> None:
    owner = await sqlite_node.sign_up("olga")
    machine = program(sqlite_node, owner, await made_token(owner, [has]))
    tried = set()
    async with machine.socket() as socket:
        for model in get_args(Command):
            if model is Authenticate:
                continue
            answer = await answer_of(socket, command(model, LOBBY_ID))
            is_allowed = Scope(has) in model.scopes
            assert (answer.get("message", "").startswith("The token does not")) is not is_allowed, answer
            tried.add(is_allowed)
            assert is_allowed or answer["code"] == "forbidden"
        assert (await answer_of(socket, command(Ping, LOBBY_ID)))["type"] == "ack"
    assert tried == {True, False}


async def test_a_socket_of_a_token_for_one_room_reaches_and_hears_of_no_other(sqlite_node: Node) -> None:
    owner, other = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("otto")
    inside, outside = await make_room(owner, "Inside"), await make_room(owner, "Outside")
    machine = program(sqlite_node, owner, await made_token(owner, room_ids=[inside]))
    async with machine.socket() as socket:
        for model in get_args(Command):
            if "room_id" in model.model_fields:
                there = await answer_of(socket, command(model, outside))
                nowhere = await answer_of(socket, command(model, "no-such-room"))
                assert (there["type"], there["code"]) == ("error", "not_found"), model
                assert there == nowhere
        # What concerns another room is not told, and what concerns this one is.
        for room_id in (outside, inside):
            joined = {"role": "member"}
            assert (await owner.http.put(f"/rooms/{room_id}/members/{other.id}", json=joined)).is_success
            await owner.http.put(f"/rooms/{room_id}/notifications", json={"level": "all"})
            await owner.http.put(f"/rooms/{room_id}/place", json={"favourite": True})
            await owner.http.put(f"/rooms/{room_id}/read", json={"seq": 1})
            await say(other, room_id, f"hello @olga in {room_id}")
        await open_with(other, owner)
        heard = list[dict[str, Any]]()
        while not heard or heard[-1]["type"] != "notice":
            heard.append(await socket.receive())
        assert {one["room_id"] for one in heard} == {inside}
        assert {"notifications", "place", "notice"} <= {one["type"] for one in heard}


# -- bots and their owners


async def test_nobody_sees_or_changes_the_bots_of_another(sqlite_node: Node) -> None:
    owner, other = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("otto")
    bot = await made_bot(owner, display_name="Engine")
    token = await made_token(owner, of=bot["id"])
    assert (await program(sqlite_node, bot, token).http.put("/consumers/reader")).status_code == 201
    assert (await other.http.get("/bots")).json()["items"] == []
    path = f"/bots/{bot['id']}"
    for method, where, body in (
        ("PATCH", path, {"display_name": "mine"}),
        ("DELETE", path, None),
        ("GET", f"{path}/tokens", None),
        ("POST", f"{path}/tokens", {"name": "x", "scopes": ["read"]}),
        ("DELETE", f"{path}/tokens/{token['token_id']}", None),
        ("DELETE", f"/auth/tokens/{token['token_id']}", None),
        ("GET", f"{path}/consumers", None),
        ("GET", f"{path}/consumers/reader", None),
        ("DELETE", f"{path}/consumers/reader", None),
    ):
        answer = await other.http.request(method, where, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), where
    # A person is no bot of theirs either.
    assert (await owner.http.get(f"/bots/{owner.id}/tokens")).status_code == 404
    renamed = await owner.http.patch(path, json={"display_name": "Analytical Engine"})
    assert renamed.json()["display_name"] == "Analytical Engine"
    assert (await owner.http.get("/bots")).json()["items"] == [renamed.json()]
    taken = await other.http.post("/bots", json={"username": "olga"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")
    assert (await other.http.post("/bots", json={"username": "admin"})).status_code == 422


async def test_a_bot_is_a_member_as_any_user_and_is_marked_wherever_it_is_shown(sqlite_node: Node) -> None:
    owner, other = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("otto")
    room_id = await make_room(owner, "Den")
    bot = await a_bot(owner)
    assert (await bot.http.get("/rooms")).json()["items"] == []
    for user in (bot, other):
        added = await owner.http.put(f"/rooms/{room_id}/members/{user.id}", json={"role": "member"})
        assert added.json()["is_bot"] == (user is bot)
    members = (await other.http.get(f"/rooms/{room_id}/members")).json()["items"]
    assert {one["username"]: one["is_bot"] for one in members} == {
        "olga": False,
        "otto": False,
        "engine": True,
    }
    async with other.socket() as socket, bot.socket() as robot:
        await socket.call(type="subscribe", room_id=room_id)
        await robot.call(type="subscribe", room_id=room_id)
        await say(other, room_id, "hello @engine")
        heard = await robot.until(type="message")
        assert (heard["mentions"], "is_bot" in heard) == ([bot.id], False)
        sent = await robot.call(type="send", room_id=room_id, body="hello @otto", reply_to=heard["seq"])
        assert (await socket.until(type="message", seq=sent["seq"]))["is_bot"] is True
    log = (await other.http.get(f"/rooms/{room_id}/log", params={"after": sent["seq"] - 1})).json()
    assert log["items"][0]["is_bot"] is True
    history = (await other.http.get(f"/rooms/{room_id}/messages")).json()["items"]
    assert [one["is_bot"] for one in history] == [False, True]
    opened = await open_with(other, bot)
    assert [one["is_bot"] for one in opened["users"] if one["id"] == bot.id] == [True]
    found = (await other.http.get("/users", params={"q": "engine"})).json()["items"]
    assert [one["is_bot"] for one in found] == [True]


async def test_an_owner_does_nothing_by_a_bot_that_they_may_not(sqlite_node: Node) -> None:
    host, owner = await sqlite_node.sign_up("hanna"), await sqlite_node.sign_up("olga")
    room_id = await make_room(host, "Den", "public")
    first, second = await a_bot(owner), await a_bot(owner, username="second")
    assert (await first.http.post(f"/rooms/{room_id}/join")).status_code == 200
    invited = (await host.http.post(f"/rooms/{room_id}/invites", json={})).json()["code"]
    assert (await host.http.put(f"/rooms/{room_id}/bans/{owner.id}", json={})).status_code == 204
    banned = {one["user"]["id"] for one in (await host.http.get(f"/rooms/{room_id}/bans")).json()["items"]}
    assert banned == {owner.id, first.id}
    for answer in (
        await first.http.get(f"/rooms/{room_id}/messages"),
        await first.http.post(f"/rooms/{room_id}/join"),
        await second.http.post(f"/rooms/{room_id}/join"),
        await second.http.post(f"/invites/{invited}/accept"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "banned")
    added = await host.http.put(f"/rooms/{room_id}/members/{second.id}", json={"role": "member"})
    assert (added.status_code, added.json()["code"]) == (409, "banned")
    assert (await host.http.put(f"/users/me/blocks/{owner.id}")).status_code == 204
    for opened in (await open_with(second, host, status=403), await open_with(host, second, status=403)):
        assert opened["code"] == "blocked"


async def test_the_use_of_tokens_is_counted_by_whose_they_are(sqlite_node: Node) -> None:
    owner = await sqlite_node.sign_up("olga")
    bot = await a_bot(owner)
    person = program(sqlite_node, owner, await made_token(owner))
    for _ in range(2):
        assert (await bot.http.get("/rooms")).status_code == 200
    assert (await person.http.get("/rooms")).status_code == 200
    stranger = sqlite_node.client(Authorization="Bearer twt_" + "x" * 43)
    assert (await stranger.get("/rooms")).status_code == 401
    metrics = (await sqlite_node.client().get("/metrics")).text
    for of, count in (("bot", 2), ("person", 1), ("refused", 1)):
        assert f'tailwire_token_uses_total{{of="{of}"}} {count}.0' in metrics


@pytest.mark.parametrize("visibility", ["private", "public"])
async def test_who_leaves_a_private_room_takes_their_bots_out(sqlite_node: Node, visibility: str) -> None:
    host, owner, other = [await sqlite_node.sign_up(name) for name in ("hanna", "olga", "otto")]
    room_id = await make_room(host, "Den", visibility)
    engine, others = await a_bot(owner), await a_bot(other, username="others")
    members = f"/rooms/{room_id}/members"

    async def add(*people: Person) -> None:
        for one in people:
            assert (await host.http.put(f"{members}/{one.id}", json={"role": "member"})).status_code == 200

    async def inside() -> set[str]:
        return {one["user_id"] for one in (await host.http.get(members)).json()["items"]}

    await add(others)
    for who in (owner, host):
        await add(owner, engine)
        async with engine.socket() as socket:
            await socket.send(type="subscribe", room_id=room_id)
            await socket.until(type="live")
            assert (await who.http.delete(f"{members}/{owner.id}")).status_code == 204
            if visibility == "public":
                assert await inside() == {host.id, engine.id, others.id}
            else:
                assert (await socket.until(type="membership"))["role"] is None
                assert await inside() == {host.id, others.id}
    status = (await engine.http.get(f"/rooms/{room_id}/log")).status_code
    assert status == (200 if visibility == "public" else 404)


@pytest.mark.stores("sqlite")
async def test_a_bot_has_no_password_and_is_never_an_administrator(node: Node, store_url: str) -> None:
    owner, admin = await node.sign_up("olga"), await node.sign_up("ada")
    await make_admin(store_url, admin)
    bot = await made_bot(owner)
    for password in ("", "None", PASSWORD):
        answer = await node.client().post("/auth/login", json={"username": "engine", "password": password})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    path = f"/admin/users/{bot['id']}"
    for answer in (
        await admin.http.patch(path, json={"admin": True}),
        await admin.http.post(f"{path}/password", json={"new_password": PASSWORD}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    shown = (await admin.http.get(path)).json()
    assert (shown["is_bot"], shown["owner_id"], shown["admin"]) == (True, owner.id, False)
    machine = program(node, admin, await made_token(admin))
    assert (await machine.http.get("/admin/users")).status_code == 403
