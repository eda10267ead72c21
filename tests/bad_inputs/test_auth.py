"""Rows A: the endpoints of accounts. Each test ends with a good request that is served."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from api.accounts import attempt_limits
from api.accounts.attempt_limits import MAX_WAITING
from api.clock import now_ms
from api.config import Settings
from api.server import http as server_http
from tests.bad_inputs.answers import JSON, is_problem, logs_in
from tests.node import PASSWORD, Node, running
from tests.peer import Peer, dial

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite"), pytest.mark.real_passwords]

FORM = "application/x-www-form-urlencoded"
GOOD = {"username": "carol", "password": PASSWORD}
WRONG = "a wrong password"


async def refuse(
    node: Node, body: bytes, status: int, code: str, content_type: str | None = "application/json"
) -> None:
    """Require that sign-up and log-in refuse a body."""
    client = node.client()
    headers = {} if content_type is None else {"content-type": content_type}
    for path in ("/auth/signup", "/auth/login"):
        is_problem(await client.post(path, content=body, headers=headers), status, code)


async def refuse_fields(node: Node, code: str, *changes: dict[str, Any]) -> None:
    """Require that sign-up refuses each of these without repeating it; then sign up."""
    client = node.client()
    for change in changes:
        sent = GOOD | change
        answer = await client.post("/auth/signup", content=json.dumps(sent).encode(), headers=JSON)
        is_problem(answer, 422, code)
        if change.get("password"):
            assert str(sent["password"]) not in answer.text
    assert (await client.post("/auth/signup", json=GOOD)).status_code == 201


async def log_in(node: Node, username: str, password: str, **headers: str) -> int:
    answer = await node.client(**headers).post(
        "/auth/login", json={"username": username, "password": password}
    )
    if answer.status_code == 429:
        is_problem(answer, 429, "rate_limited")
    return answer.status_code


@pytest.fixture
async def with_alice(sqlite_node: Node) -> Node:
    await sqlite_node.sign_up("alice")
    return sqlite_node


async def test_a1_a_body_that_is_no_json_is_refused(with_alice: Node) -> None:
    for body in (b"", b'{"username":', b"username", b"{}{}", b"{'username':1}", b"\xef\xbb\xbf{}", b"\xff"):
        await refuse(with_alice, body, 400, "bad_json")
    await logs_in(with_alice, "alice")


async def test_a2_a_body_that_is_no_object_is_refused(with_alice: Node) -> None:
    for body in (b"[]", b'"x"', b"null", b"7", b"true"):
        await refuse(with_alice, body, 422, "invalid")
    await logs_in(with_alice, "alice")


async def test_a3_a_form_is_refused_where_it_does_not_belong(with_alice: Node) -> None:
    form = b"username=alice&password=" + PASSWORD.encode()
    for content_type in ("multipart/form-data; boundary=x", FORM):
        await refuse(with_alice, form, 415, "unsupported_media_type", content_type)
    client = with_alice.client()
    for content_type in ("multipart/form-data; boundary=x", "application/json"):
        answer = await client.post("/auth/token", content=form, headers={"content-type": content_type})
        is_problem(answer, 415, "unsupported_media_type")
    for bad, code in (
        (form + b"&username=alice", "duplicate_key"),
        (b"&".join(b"x%d=1" % number for number in range(100)), "invalid"),
        (form + b"&x=\xff", "invalid"),
    ):
        is_problem(await client.post("/auth/token", content=bad, headers={"content-type": FORM}), 422, code)
    good = form.replace(b" ", b"+")
    assert (await client.post("/auth/token", content=good, headers={"content-type": FORM})).status_code == 200


async def test_a4_json_that_does_not_say_that_it_is_is_refused(with_alice: Node) -> None:
    for content_type in ("text/plain", "text/json", None):
        await refuse(with_alice, json.dumps(GOOD).encode(), 415, "unsupported_media_type", content_type)
    await logs_in(with_alice, "alice")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "Content-Type",
            ("{type}", "{type}; charset=UTF-8", '{type};charset="utf-8"', "{type}; charset=utf8; x=y"),
            (
                "{type}; charset=utf-16",
                "{type}; charset=latin1",
                "{type}; charset=",
                "{type}; charset=utf-8; charset=utf-16",
                "{type}; charset*=utf-8''utf-16",
                "{type}, text/plain",
                "{type}; charset*" + "9" * 5_000 + "=utf-8",
                '{type}; x="' + ";" * 5_000 + '"',  # in the time of its length squared, if it is read
            ),
        ),
        ("Content-Encoding", ("identity",), ("gzip", "br", "deflate", "gzip, identity", "x", "")),
    ],
)
async def test_a4_a_body_in_another_encoding_is_refused(
    with_alice: Node, name: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    form = b"username=alice&password=" + PASSWORD.encode().replace(b" ", b"+")
    for path, kind, body in (
        ("/auth/login", "application/json", json.dumps({"username": "alice", "password": PASSWORD}).encode()),
        ("/auth/token", FORM, form),
    ):
        for value in (*good, *bad):
            headers = {"Content-Type": kind} | {name: value.format(type=kind)}
            answer = await with_alice.client().post(path, content=body, headers=headers)
            if value in good:
                assert answer.status_code == 200, value
            else:
                is_problem(answer, 415, "unsupported_media_type")


async def test_a5_a_body_that_is_too_large_is_refused_however_it_comes(with_alice: Node) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 30_000

    await refuse(with_alice, b" " * 65_537, 413, "too_large")
    answer = await with_alice.client().post("/auth/login", content=chunks(), headers=JSON)
    is_problem(answer, 413, "too_large")
    await logs_in(with_alice, "alice")


async def test_a6_a_body_that_does_not_go_on_ends_the_connection(
    with_alice: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert server_http.BODY_SECONDS <= 20
    monkeypatch.setattr(server_http, "BODY_SECONDS", 0.1)
    reader, writer = await dial(with_alice)
    head = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 200\r\n\r\n"
    writer.write(head + b"{")
    assert await Peer(reader, writer).is_gone()
    writer.close()
    assert not [record for record in caplog.records if record.exc_info]
    await logs_in(with_alice, "alice")


async def test_a7_a_name_that_is_no_text_is_refused(sqlite_node: Node) -> None:
    names: list[Any] = [7, None, ["carol"], {}, True]
    await refuse_fields(sqlite_node, "invalid", *({"username": name} for name in names))


async def test_a8_a_field_that_does_not_belong_is_refused(sqlite_node: Node) -> None:
    await refuse_fields(sqlite_node, "extra_forbidden", {"is_admin": True}, {"id": "me"}, {"created_at": 1})


async def test_a8_the_answer_to_a_body_that_is_all_wrong_is_not_longer_than_the_body(
    with_alice: Node,
) -> None:
    body = json.dumps(dict.fromkeys(map(str, range(4_000))))
    for path in ("/auth/signup", "/auth/login"):
        answer = await with_alice.client().post(path, content=body, headers=JSON)
        is_problem(answer, 422, "invalid")
        assert len(answer.content) < len(body)
    await logs_in(with_alice, "alice")


async def test_a9_an_unknown_user_is_answered_like_a_wrong_password(with_alice: Node) -> None:
    client = with_alice.client(**{"X-Request-Id": "the-same"})
    answers = [
        await client.post("/auth/login", json={"username": name, "password": WRONG})
        for name in ("alice", "nobody-here", "\u202e", "a" * 1_000)
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert len({answer.content for answer in answers}) == 1
    await logs_in(with_alice, "alice")


async def test_a10_a_name_is_taken_whatever_its_case(with_alice: Node) -> None:
    for name in ("alice", "ALICE"):
        answer = await with_alice.client().post("/auth/signup", json=GOOD | {"username": name})
        is_problem(answer, 409, "username_taken")
    assert (await with_alice.client().post("/auth/signup", json=GOOD)).status_code == 201


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_a11_a_sixth_failure_is_throttled_on_every_node(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as other:
        await one.sign_up("alice")
        await one.sign_up("bob")
        for name in ("alice", "nobody-here"):  # a name that nobody has is counted as well
            assert [await log_in(one, name.upper(), WRONG) for _ in range(3)] == [401] * 3
            assert [await log_in(other, name, WRONG) for _ in range(2)] == [401] * 2
            assert [
                await log_in(node, name, password) for node in (one, other) for password in (WRONG, PASSWORD)
            ] == [429] * 4
        form = {"username": "alice", "password": PASSWORD}
        is_problem(await one.client().post("/auth/token", data=form), 429, "rate_limited")
        await logs_in(one, "bob")
        monkeypatch.setattr(attempt_limits, "now_ms", lambda: now_ms() + attempt_limits.MINUTE_MS)
        await logs_in(one, "alice")


async def test_a11_logging_in_well_is_never_too_often(with_alice: Node) -> None:
    for _ in range(4):
        assert await log_in(with_alice, "alice", WRONG) == 401
    for _ in range(8):
        await logs_in(with_alice, "alice")
    assert [await log_in(with_alice, "alice", WRONG) for _ in range(2)] == [401, 429]


async def test_a12_one_password_for_many_accounts_is_throttled_by_address(store_url: str) -> None:
    proxies = (ip_network("127.0.0.1"),)
    async with running(
        Settings(store=store_url, signup="open", trusted_proxies=proxies, login_failures_per_address=10)
    ) as node:
        await node.sign_up("alice")

        async def spray(address: str) -> list[int]:
            header = {"X-Forwarded-For": f"6.6.6.6, {address}"}
            return [await log_in(node, f"user{number}", WRONG, **header) for number in range(12)]

        assert await spray("192.0.2.1") == [401] * 10 + [429] * 2
        assert await log_in(node, "alice", PASSWORD, **{"X-Forwarded-For": "192.0.2.1"}) == 429
        assert await log_in(node, "alice", PASSWORD, **{"X-Forwarded-For": "192.0.2.2"}) == 200
        await logs_in(node, "alice")


async def test_a12_two_hundred_accounts_are_too_many_for_the_settings_as_they_are(tmp_path: Path) -> None:
    limit = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}").login_failures_per_address
    assert limit < 200


async def test_a13_of_a_hundred_guesses_at_once_five_are_looked_at(with_alice: Node) -> None:
    client = with_alice.client()
    answers = await asyncio.gather(
        *(client.post("/auth/login", json={"username": "alice", "password": WRONG}) for _ in range(100))
    )
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == 5
    assert statuses.count(429) >= MAX_WAITING - 5
    assert set(statuses) <= {401, 429, 503}  # 503 where even the places to wait are taken
    await with_alice.sign_up("bob")
    await logs_in(with_alice, "bob")


async def test_a14_a_password_that_is_too_short_or_too_long_is_refused(sqlite_node: Node) -> None:
    answer = await sqlite_node.client().post("/auth/signup", json=GOOD | {"password": "x" * 1_000_000})
    is_problem(answer, 413, "too_large")
    await refuse_fields(
        sqlite_node, "invalid", {"password": "s3cret!"}, {"password": "x" * 1_025}, {"password": ""}
    )


async def test_a15_a_password_is_taken_exactly_as_sent(sqlite_node: Node) -> None:
    client = sqlite_node.client()
    longest = "".join(str(number * number) for number in range(400))[:1_024]
    composed, decomposed = "caf\u00e9 am See", "cafe\u0301 am See"
    for number, password in enumerate([" pässwörd 💥 ", decomposed, composed, longest]):
        body = {"username": f"user{number}", "password": password}
        assert (await client.post("/auth/signup", json=body)).status_code == 201
        assert (await client.post("/auth/login", json=body)).status_code == 200
        assert (await client.post("/auth/login", json=body | {"password": password[:-1]})).status_code == 401


async def test_a16_a_password_that_is_the_name_is_refused(sqlite_node: Node) -> None:
    await refuse_fields(sqlite_node, "weak_password", {"username": "carol-carol", "password": "carol-carol"})


async def test_a17_a_name_with_what_cannot_be_seen_is_refused(sqlite_node: Node) -> None:
    bad = ("ca\u202erol", "ca\0rol", "ca\u200brol", "ca\u200drol", "ca\nrol", "\ufeffcarol", "ca\u2066rol")
    await refuse_fields(sqlite_node, "invalid", *({"username": name} for name in bad))


async def test_a18_a_name_of_another_length_or_of_stacked_marks_is_refused(sqlite_node: Node) -> None:
    bad = ("", "c", "c" * 33, "c" * 10_000, "c" + "\u0301" * 12)
    await refuse_fields(sqlite_node, "invalid", *({"username": name} for name in bad))


async def test_a19_a_name_that_means_something_to_a_machine_is_refused(sqlite_node: Node) -> None:
    bad = ("../", "a/b", "%00", "{}", "<b>", "$where", "__proto__")
    await refuse_fields(sqlite_node, "invalid", *({"username": name} for name in bad))


async def test_a20_a_name_that_is_the_servers_own_is_refused(sqlite_node: Node) -> None:
    bad = ("admin", "System", "null", "me")
    await refuse_fields(sqlite_node, "invalid", *({"username": name} for name in bad))


async def test_a21_half_a_character_is_refused(with_alice: Node) -> None:
    for body in (
        b'{"username":"\\ud800","password":"longenough"}',
        b'{"username":"carol","password":"longenough\\udfff"}',
        b'{"\\ud800":1}',
        b'{"username":"\xed\xa0\x80","password":"longenough"}',
    ):
        await refuse(with_alice, body, 400, "bad_json")
    await logs_in(with_alice, "alice")


async def test_a22_a_key_that_stands_twice_is_refused(with_alice: Node) -> None:
    await refuse(with_alice, b'{"password":"a","password":"b"}', 400, "duplicate_key")
    await refuse(with_alice, b'{"password":"a","pass\\u0077ord":"b"}', 400, "duplicate_key")
    await logs_in(with_alice, "alice")


async def test_a23_json_of_great_depth_is_refused_at_once(with_alice: Node) -> None:
    client = with_alice.client()
    for body in (b"[" * 60_000, b'{"a":' * 10_000, b'{"username":' + b"[" * 10_000 + b"]" * 10_000 + b"}"):
        began = time.perf_counter()
        answer = await client.post("/auth/signup", content=body, headers=JSON)
        assert time.perf_counter() - began < 0.5  # it takes 20 ms on an idle machine
        is_problem(answer, 400, "bad_json")
    await logs_in(with_alice, "alice")


async def test_a24_a_number_of_five_thousand_digits_is_refused(with_alice: Node) -> None:
    await refuse(with_alice, b'{"username":' + b"9" * 5_000 + b"}", 400, "bad_number")
    await logs_in(with_alice, "alice")


async def test_a25_another_method_is_told_which_are_allowed(with_alice: Node) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = await with_alice.client().request(method, "/auth/login")
        is_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"
    await logs_in(with_alice, "alice")


async def test_a26_what_is_wrong_with_a_password_is_said_without_it(sqlite_node: Node) -> None:
    client = sqlite_node.client()
    for password in ("s3cret!", ["s3cret!"], {"s3cret!": 1}):
        for path in ("/auth/signup", "/auth/login"):
            answer = await client.post(path, json={"username": "carol", "password": password})
            assert answer.status_code in {401, 422}
            assert "s3cret!" not in answer.text
    assert (await client.post("/auth/signup", json=GOOD)).status_code == 201
