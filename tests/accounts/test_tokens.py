"""The tokens of programs: what they open, how they are kept, and that their end closes sockets on all nodes."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.accounts import identity
from api.accounts.checked import CHECKED_SECONDS, CheckedTokens
from api.clock import now_ms
from api.config import Settings
from api.limits.throttles import TOKEN_GUESSES_PER_MINUTE
from api.models.rooms import LOBBY_ID
from tests.accounts.programs import a_bot, made_bot, made_token, make_admin, program
from tests.accounts.test_sessions import again, works
from tests.node import PASSWORD, Node, Person, eventually, running
from tests.process import result
from tests.rooms.test_bans import at

pytestmark = pytest.mark.anyio

ON_THIS_NODE, ON_ANOTHER = 1.0, 5.0
"""The bounds of a revocation, in seconds."""
ONE_MINUTE: Final = 60


@pytest.fixture
async def nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes on one database."""
    settings = Settings(store=store_url, signup="open")
    async with running(settings) as one, running(settings) as other:
        yield one, other


async def test_a_token_works_over_http_and_on_sockets_and_is_shown_once(node: Node, alice: Person) -> None:
    token = await made_token(alice, ["read", "write"])
    assert token["token"].startswith("twt_")
    assert len(token["token"]) == len("twt_") + 43
    machine = program(node, alice, token)
    assert (await machine.http.get("/users/me")).json()["id"] == alice.id
    async with connect(node.ws_url) as raw:
        await raw.send(json.dumps({"type": "authenticate", "token": token["token"]}))
        ready = json.loads(await raw.recv())
    assert (ready["session_id"], ready["expires_at"]) == (token["token_id"], None)
    async with machine.socket() as socket:
        await socket.call(type="subscribe", room_id=LOBBY_ID)
        await socket.send(type="send", room_id=LOBBY_ID, body="by a program", ref="1")
        assert (await socket.until(type="message"))["body"] == "by a program"
        await socket.send(type="authenticate", token=token["token"], ref="again")
        assert (await socket.until(type="ack", ref="again"))["type"] == "ack"
    listed = (await alice.http.get("/auth/tokens")).json()["items"]
    assert listed == [
        {name: value for name, value in token.items() if name != "token"}
        | {"last_used_at": listed[0]["last_used_at"]}
    ]
    assert token["last_used_at"] is None
    assert listed[0]["last_used_at"] >= token["created_at"]


async def test_what_is_no_token_opens_nothing_and_says_nothing(
    node: Node, alice: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = (await made_token(alice))["token"]
    refused = []
    for wrong in (
        secret[:-1],
        secret + "A",
        secret.replace("twt_", "TWT_"),
        "twt_",
        "twt_" + "A" * 43,
        "twt_\udcff",
    ):
        answer = await node.client().get(
            "/users/me", headers={b"authorization": b"Bearer " + wrong.encode(errors="replace")}
        )
        refused.append(answer.status_code)
        assert answer.status_code == 401
        assert wrong not in answer.text or wrong == "twt_"
    in_query = await node.client().get(f"/users/me?access_token={secret}", headers={})
    assert in_query.status_code == 401
    assert secret not in in_query.text
    posted = await node.client().post("/auth/refresh", json={"refresh_token": secret})
    assert posted.status_code == 401
    with pytest.raises(InvalidStatus) as denied:
        async with connect(node.ws_url, additional_headers={"Authorization": "Bearer twt_wrong"}):
            pass
    assert denied.value.response.status_code == 401
    assert await works(program(node, alice, {"token": secret}))
    said = capsys.readouterr()
    assert secret not in said.out + said.err


async def test_a_token_ends_when_its_time_is_over(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = program(node, alice, await made_token(alice, expires_in=ONE_MINUTE))
    for_ever = program(node, alice, await made_token(alice))
    assert await works(machine)
    async with machine.socket() as socket:
        later = now_ms() + ONE_MINUTE * 1_000
        monkeypatch.setattr(identity, "now_ms", lambda: later)
        monkeypatch.setattr("api.realtime.heartbeats.now_ms", lambda: later + 26_000)
        assert (await socket.closed()) == 4401
    assert not await works(machine)
    assert await works(for_ever)


Ending: TypeAlias = Callable[[Person, Person, dict[str, Any]], Awaitable[int]]


async def end_the_token(owner: Person, _admin: Person, ids: dict[str, Any]) -> int:
    tokens = (await owner.http.get(f"/bots/{ids['bot']}/tokens")).json()["items"]
    return (await owner.http.delete(f"/bots/{ids['bot']}/tokens/{tokens[0]['token_id']}")).status_code


async def erase_the_bot(owner: Person, _admin: Person, ids: dict[str, Any]) -> int:
    return (await owner.http.delete(f"/bots/{ids['bot']}")).status_code


async def erase_the_owner(owner: Person, _admin: Person, _ids: dict[str, Any]) -> int:
    return (await owner.http.request("DELETE", "/users/me", json={"password": PASSWORD})).status_code


async def disable_the_owner(owner: Person, admin: Person, _ids: dict[str, Any]) -> int:
    return (await admin.http.patch(f"/admin/users/{owner.id}", json={"disabled": True})).status_code


async def disable_the_bot(_owner: Person, admin: Person, ids: dict[str, Any]) -> int:
    return (await admin.http.patch(f"/admin/users/{ids['bot']}", json={"disabled": True})).status_code


async def end_by_an_administrator(owner: Person, admin: Person, _ids: dict[str, Any]) -> int:
    return (await admin.http.delete(f"/admin/users/{owner.id}/sessions")).status_code


@pytest.mark.parametrize(
    "end",
    [
        end_the_token,
        erase_the_bot,
        erase_the_owner,
        disable_the_owner,
        disable_the_bot,
        end_by_an_administrator,
    ],
)
async def test_what_ends_a_token_closes_its_sockets_on_all_nodes_within_the_bounds(
    nodes: tuple[Node, Node], store_url: str, end: Ending
) -> None:
    one, other = nodes
    owner, admin = await one.sign_up("olga"), await one.sign_up("ada")
    await make_admin(store_url, admin)
    bot = await a_bot(owner)
    there = at(other, bot)
    assert await works(there)
    async with bot.socket() as here, there.socket() as far:
        assert await end(owner, admin, {"bot": bot.id}) in {200, 204}
        began = time.monotonic()
        assert await here.closed() == 4501
        assert time.monotonic() - began < ON_THIS_NODE
        assert not await works(bot)
        assert await far.closed() == 4501
        assert time.monotonic() - began < ON_ANOTHER

        async def is_refused() -> bool:
            return not await works(there)

        await eventually(is_refused, ON_ANOTHER - (time.monotonic() - began))


@pytest.mark.stores("sqlite")
async def test_log_ins_and_tokens_end_apart_unless_an_administrator_ends_all(
    node: Node, alice: Person, store_url: str
) -> None:
    machine = program(node, alice, await made_token(alice))
    second = await again(alice)
    assert len((await alice.http.get("/auth/sessions")).json()["items"]) == 2
    token_id = (await alice.http.get("/auth/tokens")).json()["items"][0]["token_id"]
    assert (await alice.http.delete(f"/auth/sessions/{token_id}")).status_code == 404
    session_id = (await alice.http.get("/auth/sessions")).json()["items"][0]["id"]
    assert (await alice.http.delete(f"/auth/tokens/{session_id}")).status_code == 404
    assert (await alice.http.delete("/auth/sessions")).status_code == 204
    assert (await works(second), await works(machine)) == (False, True)
    changed = {"current_password": PASSWORD, "new_password": "staple of another kind"}
    assert (await alice.http.put("/auth/password", json=changed)).status_code == 204
    assert await works(machine)
    admin = await node.sign_up("ada")
    await make_admin(store_url, admin)
    reset = {"new_password": "staple of a third kind"}
    assert (await admin.http.post(f"/admin/users/{alice.id}/password", json=reset)).status_code == 204
    assert not await works(machine)


@pytest.mark.stores("sqlite")
@pytest.mark.settings(tokens_per_user=2, bots_per_user=1, sessions_per_user=2)
async def test_there_are_only_so_many_and_none_of_them_ends_a_log_in(node: Node, alice: Person) -> None:
    second = await again(alice)
    first = await made_token(alice)
    await made_token(alice)
    over = await alice.http.post("/auth/tokens", json={"name": "third", "scopes": ["read"]})
    assert (over.status_code, over.json()["code"]) == (422, "limit")
    assert (await works(alice), await works(second)) == (True, True)
    assert (await alice.http.delete(f"/auth/tokens/{first['token_id']}")).status_code == 204
    await made_token(alice)
    bot = await made_bot(alice)
    over = await alice.http.post("/bots", json={"username": "another"})
    assert (over.status_code, over.json()["code"]) == (422, "limit")
    assert (await alice.http.delete(f"/bots/{bot['id']}")).status_code == 204


@pytest.mark.stores("sqlite")
@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"name": "x"},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["admin"]},
        {"name": "x", "scopes": ["read"] * 4},
        {"name": "x", "scopes": "read"},
        {"name": "", "scopes": ["read"]},
        {"name": "x" * 81, "scopes": ["read"]},
        {"name": "x\u202ey", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "room_ids": []},
        {"name": "x", "scopes": ["read"], "room_ids": ["a b"]},
        {"name": "x", "scopes": ["read"], "room_ids": [1]},
        {"name": "x", "scopes": ["read"], "room_ids": [f"room-{n}" for n in range(101)]},
        {"name": "x", "scopes": ["read"], "expires_in": 59},
        {"name": "x", "scopes": ["read"], "expires_in": True},
        {"name": "x", "scopes": ["read"], "expires_in": "3600"},
        {"name": "x", "scopes": ["read"], "expires_in": 10**12},
        {"name": "x", "scopes": ["read"], "more": 1},
    ],
)
async def test_a_bad_token_is_refused_and_none_is_made(
    node: Node, alice: Person, bad: dict[str, Any]
) -> None:
    answer = await alice.http.post("/auth/tokens", json=bad)
    assert answer.status_code == 422
    assert (await alice.http.get("/auth/tokens")).json() == {"items": []}


@pytest.mark.stores("sqlite")
async def test_guesses_are_throttled_and_do_not_keep_out_who_goes_on(node: Node, alice: Person) -> None:
    machine = program(node, alice, await made_token(alice))
    guesser = node.client(Authorization="Bearer twt_" + "A" * 43)
    for _ in range(TOKEN_GUESSES_PER_MINUTE):
        assert await works(machine)
        assert (await guesser.get("/users/me")).status_code == 401
    assert await works(machine)
    answers = {(await guesser.get("/users/me")).status_code for _ in range(3)}
    assert answers <= {401, 429}
    assert 429 in answers
    assert await works(machine)  # it was checked a moment ago
    assert await works(alice)  # access tokens are signed, and nobody can make up many


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_checked_token_counts_for_a_second_until_it_ends_and_not_while_the_feed_is_away() -> None:
    clock, fed = Clock(), [True]
    checked = CheckedTokens[str](lambda: fed[0], clock=clock)
    checked.put("one", "proof", "user", "alice", began=clock())
    assert checked.get("one") == ("proof", "user", "alice", clock())
    clock.now += CHECKED_SECONDS
    assert checked.get("one") is None
    checked.put("one", "proof", "user", "alice", began=clock())
    fed[0] = False
    assert checked.get("one") is None
    checked.put("one", "proof", "user", "alice", began=clock())
    fed[0] = True
    assert checked.get("one") is None
    began = clock()
    clock.now += 0.1
    checked.forget("one")
    checked.put("one", "proof", "user", "alice", began=began)  # it was read before its end was told
    assert checked.get("one") is None
    checked.put("two", "proof", "user", "alice", began=clock())
    checked.forget_all_of("user")
    assert checked.get("two") is None
    began = clock()
    clock.now += 0.1
    checked.forget_all_of("user")
    checked.put("two", "proof", "user", "alice", began=began)  # it was read before the account was another
    assert checked.get("two") is None
    clock.now += 0.1
    checked.put("two", "proof", "user", "alice", began=clock())
    assert checked.get("two") is not None


@pytest.mark.stores("sqlite")
async def test_tokens_and_bots_are_in_the_export_without_their_secrets(node: Node, alice: Person) -> None:
    own = await made_token(alice)
    bot = await made_bot(alice)
    of_bot = await made_token(alice, ["read"], of=bot["id"])
    text = (await alice.http.get("/users/me/export")).text
    lines = [json.loads(line) for line in text.splitlines()]
    tokens = {one["token_id"]: one for one in lines if one["type"] == "token"}
    assert tokens.keys() == {own["token_id"], of_bot["token_id"]}
    assert [one["id"] for one in lines if one["type"] == "bot"] == [bot["id"]]
    assert [one["type"] for one in lines].count("session") == 1
    assert "twt_" not in text


async def test_with_an_account_go_its_tokens_its_bots_and_theirs(
    node: Node, alice: Person, bob: Person
) -> None:
    bot = await a_bot(alice)
    machine = program(node, alice, await made_token(alice))
    await bot.http.post(f"/rooms/{LOBBY_ID}/join")
    sent = await bot.http.post(f"/rooms/{LOBBY_ID}/messages", json={"ref": "1", "body": "by a bot"})
    assert sent.json()["is_bot"]
    assert (await alice.http.request("DELETE", "/users/me", json={"password": PASSWORD})).status_code == 204
    assert (await works(bot), await works(machine)) == (False, False)

    async def is_gone() -> bool:
        answer = await bob.http.get(f"/rooms/{LOBBY_ID}/messages/{sent.json()['seq']}")
        return (answer.json()["body"], answer.json()["username"]) == ("", "erased")

    await eventually(is_gone)
    assert [(await bob.http.get(f"/users/{one.id}")).status_code for one in (alice, bot)] == [404, 404]


@pytest.mark.stores("sqlite")
async def test_what_is_done_with_bots_and_tokens_is_in_the_audit_log(
    node: Node, alice: Person, store_url: str
) -> None:
    admin = await node.sign_up("ada")
    await make_admin(store_url, admin)
    bot = await made_bot(alice)
    token = await made_token(alice, of=bot["id"])
    await alice.http.delete(f"/bots/{bot['id']}/tokens/{token['token_id']}")
    await alice.http.delete(f"/bots/{bot['id']}")
    log = await admin.http.get("/admin/audit", params={"user_id": alice.id})
    events = [(one["event"], one["actor_id"], one["subject_id"]) for one in log.json()["items"]]
    assert events[:4] == [
        (event, alice.id, bot["id"]) for event in ("erased", "token_ended", "token_made", "bot_made")
    ]


@pytest.mark.stores("sqlite")
async def test_the_command_line_shows_and_ends_the_tokens_of_a_bot(
    node: Node, alice: Person, store_url: str, tmp_path: Path
) -> None:
    bot, settings = await a_bot(alice, ["read"]), {"TAILWIRE_STORE": store_url}
    code, shown, _ = await result(settings, tmp_path, "user", "tokens", "engine")
    token_id, *_, scopes, first, last = shown.split()
    assert (code, scopes, f"{first} {last}") == (0, "read", "'a program'")
    async with bot.socket() as socket:
        ended = await result(settings, tmp_path, "user", "tokens", "engine", "--end-one", token_id)
        assert ended[0] == 0
        assert f"ended the token {token_id} of engine" in ended[1] + ended[2]
        assert await socket.closed() == 4501
