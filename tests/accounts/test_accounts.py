"""Sign-up, log-in, refresh and log-out over HTTP; rows A and T of the bad inputs."""

import asyncio
import unicodedata
from typing import Any

import pytest
from pydantic import SecretStr

from api.accounts.admin import Actor
from api.accounts.attempt_limits import MAX_WAITING
from api.accounts.endings import ignore_ended
from api.accounts.identity import Client
from api.accounts.passwords import Passwords
from api.accounts.signup import Newcomer
from api.accounts.wiring import AccountServices, wire_accounts
from api.config import Settings
from api.errors import InvalidCredentials, RateLimited, Unauthorized, UsernameTaken, WrongPassword
from api.limits.wiring import wire_limits
from api.models.accounts import Account, User
from api.store.base.store import Store
from api.store.reads import BatchedReads
from tests.node import PASSWORD, Node, running

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite"), pytest.mark.real_passwords]

JSON = {"content-type": "application/json"}
GOOD = {"username": "carol", "password": PASSWORD}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"username": 7}, "invalid", id="A7-int"),
        pytest.param({"username": None}, "invalid", id="A7-null"),
        pytest.param({"username": ["carol"]}, "invalid", id="A7-list"),
        pytest.param({"is_admin": True}, "extra_forbidden", id="A8-unknown-field"),
        pytest.param({"password": "s3cret!"}, "invalid", id="A14-A26-short"),
        pytest.param({"password": "x" * 1_025}, "invalid", id="A14-long"),
        pytest.param({"username": "carol-carol", "password": "carol-carol"}, "weak_password", id="A16-name"),
        pytest.param({"password": "iloveyou1"}, "weak_password", id="A16-common"),
        pytest.param({"password": "PassWord1"}, "weak_password", id="A16-common-in-capitals"),
        pytest.param({"password": "aaaaaaaa"}, "weak_password", id="A16-one-character"),
        pytest.param({"password": " " * 8}, "weak_password", id="A16-blanks"),
        pytest.param({"password": "\u2003\u00a0" * 4}, "weak_password", id="A16-other-blanks"),
        pytest.param({"password": "xyxyxyxyxyxy"}, "weak_password", id="A16-repetition"),
        pytest.param({"password": "mnopqrstuv"}, "weak_password", id="A16-alphabet"),
        pytest.param({"password": "lkjhgfdsa"}, "weak_password", id="A16-keys"),
        pytest.param({"password": "password1!"}, "weak_password", id="A16-common-and-more"),
        pytest.param({"password": "(Dragon-1987)"}, "weak_password", id="A16-common-and-a-year"),
        pytest.param({"password": "P@ssw0rd99"}, "weak_password", id="A16-common-with-signs-for-letters"),
        pytest.param({"password": "P@ssw0rd2024"}, "weak_password", id="A16-common-with-signs-and-a-year"),
        pytest.param({"password": "Tailwire2026!"}, "weak_password", id="A16-product"),
        pytest.param({"password": "tailwire tailwire"}, "weak_password", id="A16-product-twice"),
        pytest.param(
            {"username": "carol", "password": "carol12345"}, "weak_password", id="A16-name-and-more"
        ),
        pytest.param(
            {"username": "pass-phrase", "password": "PASS-PHRASE"}, "weak_password", id="A16-name-case"
        ),
        pytest.param({"username": "ca\u200brol"}, "invalid", id="A17-zero-width"),
        pytest.param({"username": "ca\ufe0frol"}, "invalid", id="A17-variation-selector"),
        pytest.param({"username": "ca\u3164rol"}, "invalid", id="A17-filler"),
        pytest.param({"username": "ca\u202erol"}, "invalid", id="A17-bidi"),
        pytest.param({"username": "ca\0rol"}, "invalid", id="A17-nul"),
        pytest.param({"username": ""}, "invalid", id="A18-0"),
        pytest.param({"username": "c" * 10_000}, "invalid", id="A18-10000"),
        pytest.param({"username": "carol" + "\u0301" * 9}, "invalid", id="A18-zalgo"),
        pytest.param({"username": "c"}, "invalid", id="A18-1"),
        pytest.param({"username": "c" * 33}, "invalid", id="A18-33"),
        pytest.param({"username": "a/b"}, "invalid", id="A19-slash"),
        pytest.param({"username": "__proto__"}, "invalid", id="A19-proto"),
        *(
            pytest.param({"username": odd}, "invalid", id=f"A19-{odd}")
            for odd in ("../", "%00", "{}", "<b>", "$where", "carol@home", "car ol")
        ),
        *(
            pytest.param({"username": word}, "invalid", id=f"A20-{word}")
            for word in ("Admin", "system", "null", "me", "L0bby", "\uff21\uff24\uff2d\uff29\uff2e")
        ),
        pytest.param({"username": "c\u0430rol"}, "invalid", id="two-scripts"),
        pytest.param({"username": "\u0661\u0662x"}, "invalid", id="digits-of-another-script"),
    ],
)
async def test_a_field_out_of_bounds_is_refused_and_never_repeated(
    sqlite_node: Node, changes: dict[str, Any], code: str
) -> None:
    sent = GOOD | changes
    client = sqlite_node.client()
    answer = await client.post("/auth/signup", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    if sent["password"] != sent["username"]:
        assert str(sent["password"]) not in answer.text
    assert (await client.post("/auth/signup", json=GOOD)).status_code == 201


async def test_a_refused_password_costs_no_hash(sqlite_node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(Passwords, "hash", lambda _self, password: hashed.append(password))
    for password in ("x" * 7, "x" * 1_025, "\u00e9" * 513, "password", "carol-carol"):
        body = {"username": "carol-carol", "password": password}
        assert (await sqlite_node.client().post("/auth/signup", json=body)).status_code == 422
    assert not hashed


@pytest.mark.settings(login_failures_per_address=1_000, signups_per_address=1_000)
@pytest.mark.parametrize("path", ["/auth/signup", "/auth/login"])
async def test_more_at_once_than_the_pool_takes_are_told_to_come_back(sqlite_node: Node, path: str) -> None:
    client = sqlite_node.client()
    answers = await asyncio.gather(
        *(client.post(path, json=GOOD | {"username": f"user{number}"}) for number in range(100))
    )
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert len(answers) - len(refused) >= MAX_WAITING
    for answer in refused:
        assert (answer.json()["code"], answer.headers["retry-after"]) == ("unavailable", "1")
    assert (await client.post("/auth/signup", json=GOOD)).status_code == 201


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_names_of_many_scripts_are_taken_and_found_in_any_spelling(node: Node) -> None:
    client = node.client()
    spellings = [
        ("Ng\u1ecdc", "ng\u1ecdc", "NG\u1eccC"),
        ("\u0410\u043d\u043d\u0430", "\u0430\u043d\u043d\u0430", "\u0410\u041d\u041d\u0410"),
        (
            "\u65e5\u672c\u30ab\u30ca\u30fc",
            "\u65e5\u672c\u30ab\u30ca\u30fc",
            "\u65e5\u672c\uff76\uff85\uff70",
        ),
        ("\uae40\ucca0\uc218", "\uae40\ucca0\uc218", unicodedata.normalize("NFD", "\uae40\ucca0\uc218")),
        (
            "\u0633\u0644\u0627\u0645\u0661",
            "\u0633\u0644\u0627\u0645\u0661",
            "\u0633\u0644\u0627\u0645\u0661",
        ),
        ("\u97d3" * 32, "\u97d3" * 32, "\u97d3" * 32),
    ]
    for typed, kept, other in spellings:
        made = await client.post("/auth/signup", json=GOOD | {"username": typed})
        assert (made.status_code, made.json()["user"]["username"]) == (201, kept)
        for spelling in (typed, kept, other):
            body = GOOD | {"username": spelling}
            assert (await client.post("/auth/login", json=body)).status_code == 200
            assert (await client.post("/auth/signup", json=body)).json()["code"] == "username_taken"


async def test_a_name_that_looks_like_another_is_taken_and_logs_nobody_in(node: Node) -> None:
    client = node.client()
    for name in ("scope", "mike"):
        assert (await client.post("/auth/signup", json=GOOD | {"username": name})).status_code == 201
    for alike in ("\u0455\u0441\u043e\u0440\u0435", "Sc0pe", "rnike"):
        taken = await client.post("/auth/signup", json=GOOD | {"username": alike})
        assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")
        assert (await client.post("/auth/login", json=GOOD | {"username": alike})).status_code == 401


CLIENT = Client(None, "")


async def services_on(store: Store, passwords: Passwords, **more: Any) -> AccountServices:
    settings = Settings(store="sqlite:///unused", **more)
    return await wire_accounts(
        settings,
        store,
        reads=BatchedReads(store),
        passwords=passwords,
        throttles=wire_limits(settings, store).throttles,
        caps=wire_limits(settings, store).caps,
        is_fed=lambda: False,
        on_ended=ignore_ended,
        on_erasing=lambda: None,
        on_room_deleted=lambda: None,
        tell=lambda _signal, _origin: None,
    )


async def test_an_account_from_before_names_had_looks_is_found_and_keeps_its_name(store: Store) -> None:
    passwords = Passwords()
    services = await services_on(store, passwords)
    user = User("old", "User1", "User1", created_at=1)
    await store.accounts.create(Account(user, "user1", await passwords.hash(PASSWORD)))
    assert (await services.sessions.log_in("uSER1", PASSWORD, CLIENT))[0] == user
    with pytest.raises(UsernameTaken):
        await services.signups.sign_up(Newcomer("USER1", PASSWORD, None), None, CLIENT)
    passwords.close()


async def test_a_hash_of_weaker_parameters_is_replaced_at_the_next_log_in(store: Store) -> None:
    weak = Passwords(memory_kib=8_192)
    strong = Passwords()
    services = await services_on(store, strong)
    user = User("alice", "alice", "Alice", created_at=1)
    await store.accounts.create(Account(user, "alice", await weak.hash(PASSWORD)))
    assert (await services.sessions.log_in("alice", PASSWORD, CLIENT))[0] == user
    account = await store.accounts.by_name("alice")
    assert account is not None
    assert "m=19456" in (account.password_hash or "")
    assert (await services.sessions.log_in("alice", PASSWORD, CLIENT))[0] == user
    weak.close()
    strong.close()


async def test_an_account_without_a_password_logs_nobody_in_and_is_given_one_by_an_administrator(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords, costs = Passwords(), list[bool]()
    services = await services_on(store, passwords, login_failures_per_account=9)
    user = User("machine", "machine", "Machine", created_at=1)
    await store.accounts.create(Account(user, "machine", None))
    monkeypatch.setattr(passwords._context, "dummy_verify", lambda: costs.append(True))
    for guess in ("", "None", PASSWORD):
        with pytest.raises(InvalidCredentials):
            await services.sessions.log_in("machine", guess, CLIENT)
    assert len(costs) == 3  # each guess took as long as a wrong password
    _, issued = await services.sessions.begin(user, CLIENT)
    identity = await services.authenticator.identify(issued.access_token, "")
    with pytest.raises(WrongPassword):
        await services.accounts.change_password(identity, "", PASSWORD, CLIENT)
    with pytest.raises(WrongPassword):
        await services.accounts.erase(identity, "", CLIENT)
    await services.admin.reset_password(user.id, PASSWORD, Actor())
    with pytest.raises(Unauthorized):  # a new password ends all sessions
        await services.authenticator.identify(issued.access_token, "")
    assert (await services.sessions.log_in("machine", PASSWORD, CLIENT))[0] == user
    passwords.close()


async def test_no_caller_of_the_services_logs_in_past_the_throttle(store: Store) -> None:
    passwords = Passwords()
    services = await services_on(store, passwords, login_failures_per_account=2)
    _, issued = await services.signups.sign_up(Newcomer("alice", PASSWORD, None), None, CLIENT)
    identity = await services.authenticator.identify(issued.access_token, "")
    for attempt in (
        lambda: services.sessions.log_in("alice", "wrong", CLIENT),
        lambda: services.sessions.log_in("alice", "wrong", CLIENT),
        lambda: services.accounts.erase(identity, "wrong", CLIENT),
        lambda: services.accounts.change_password(identity, "wrong", PASSWORD, CLIENT),
    ):
        with pytest.raises((InvalidCredentials, WrongPassword)):
            await attempt()
    with pytest.raises(RateLimited):
        await services.sessions.log_in("alice", PASSWORD, CLIENT)
    with pytest.raises(RateLimited):
        await services.accounts.erase(identity, PASSWORD, CLIENT)
    passwords.close()


async def test_the_oauth2_form_gives_tokens(sqlite_node: Node) -> None:
    await sqlite_node.sign_up("alice")
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD}
    answer = await sqlite_node.client().post("/auth/token", data=form)
    assert answer.status_code == 200
    me = sqlite_node.client(Authorization=f"Bearer {answer.json()['access_token']}")
    assert (await me.get("/users/me")).json()["username"] == "alice"


async def test_refreshing_twice_at_once_gives_the_same_and_reuse_later_ends_the_session(
    sqlite_node: Node,
) -> None:
    alice = await sqlite_node.sign_up("alice")
    client = sqlite_node.client()

    async def refresh(token: str) -> tuple[int, str | None]:
        answer = await client.post("/auth/refresh", json={"refresh_token": token})
        return answer.status_code, answer.json().get("refresh_token")

    one, other = await asyncio.gather(refresh(alice.refresh_token), refresh(alice.refresh_token))
    assert one == other
    status, second = one
    assert status == 200
    assert second is not None
    status, third = await refresh(second)
    assert (status, (await refresh(third or ""))[0]) == (200, 200)
    assert (await refresh(second))[0] == 401
    assert (await alice.http.get("/users/me")).status_code == 401


@pytest.mark.parametrize("token", ["", "garbage", "a.b", "\u00e9.x", "x" * 200])
async def test_a_refresh_token_that_is_none_is_refused(sqlite_node: Node, token: str) -> None:
    answer = await sqlite_node.client().post("/auth/refresh", json={"refresh_token": token})
    assert answer.status_code == 401


async def test_an_access_token_in_the_query_never_counts(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for name in ("token", "access_token"):
        assert (await alice.http.get("/users/me", params={name: alice.access_token})).status_code == 401
    assert (await alice.http.get("/users/me")).status_code == 200


async def test_a_change_of_secrets_ends_no_session(store_url: str) -> None:
    old, new = (SecretStr(name + "-secret-0123456789-abcdefghijkl") for name in ("old", "new"))
    settings = Settings(store=store_url, secret=old)
    async with running(settings) as node:
        alice = await node.sign_up("alice")
    answer, token = None, alice.refresh_token
    for update, access_holds in (
        ({"previous_secrets": (new,)}, True),
        ({"secret": new, "previous_secrets": (old,)}, True),
        ({"secret": new}, False),
    ):
        async with running(settings.model_copy(update=update)) as node:
            me = await node.client(Authorization=f"Bearer {alice.access_token}").get("/users/me")
            assert me.status_code == (200 if access_holds else 401)
            presented = token
            for _ in range(2):  # the second time as after a lost answer
                answer = await node.client().post("/auth/refresh", json={"refresh_token": presented})
                assert answer.status_code == 200
            assert answer is not None
            fresh = node.client(Authorization=f"Bearer {answer.json()['access_token']}")
            assert (await fresh.get("/users/me")).status_code == 200
            token = answer.json()["refresh_token"]


async def test_without_a_token_the_answer_says_what_is_wanted(sqlite_node: Node) -> None:
    answer = await sqlite_node.client().get("/users/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="tailwire"'


async def test_a_name_that_is_drawn_over_its_neighbours_is_refused(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for name, status in (("Z" + "\u0301" * 40, 422), ("Nguy\u1ec5n V\u0103n \u00c1i", 200)):
        answer = await alice.http.patch("/users/me", json={"display_name": name})
        assert answer.status_code == status
