"""Incoming hooks: who makes them, what they post and as whom, and what becomes of them when room or bot change."""

import asyncio
import json
import re
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest

from api.http import hook_message
from api.jobs.deletion import RoomDeletion
from api.jobs.leases import LeaseHolder
from api.limits.throttles import GUESSES_PER_MINUTE
from api.models.hooks import hook_id
from api.models.rooms import Role
from api.protocol.slack import MAX_HOOK_BYTES
from api.store import open_store
from tests.bad_inputs.answers import is_problem
from tests.node import Event, Node, Person
from tests.rooms.test_policy import give, subscribed, two_nodes
from tests.rooms.test_rooms import make_room

pytestmark = pytest.mark.anyio

FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


async def make_hook(owner: Person, room_id: str, name: str = "Deploys") -> Event:
    answer = await owner.http.post(f"/rooms/{room_id}/hooks", json={"name": name})
    assert answer.status_code == 201, answer.text
    made: Event = answer.json()
    return made


async def post(node: Node, hook: Event, key: str | None = None, **message: Any) -> httpx.Response:
    """Post to a hook as a program does that has nothing but its address."""
    headers = {} if key is None else {"idempotency-key": key}
    return await node.client().post(path_of(hook), json=message, headers=headers)


def path_of(hook: Event) -> str:
    return "/hooks/" + str(hook["url"]).rpartition("/")[2]


async def messages(person: Person, room_id: str) -> list[Event]:
    items: list[Event] = (await person.http.get(f"/rooms/{room_id}/messages")).json()["items"]
    return items


@pytest.fixture
async def den(alice: Person) -> str:
    return str((await make_room(alice, "Den", "private"))["id"])


@pytest.fixture
async def hook(alice: Person, den: str) -> Event:
    return await make_hook(alice, den)


# -- making, listing and ending


async def test_a_hook_is_made_listed_without_its_address_and_ended_and_its_messages_stay(
    node: Node, alice: Person, bob: Person, den: str
) -> None:
    await give(alice, den, bob, Role.MEMBER)
    made = await make_hook(alice, den)
    url = made.pop("url")
    assert url.startswith("http://127.0.0.1:")
    secret = url.rpartition("/hooks/")[2]
    assert len(secret) == len("twh_") + 43
    assert secret.startswith("twh_")
    assert made == {
        "hook_id": hook_id(secret),
        "room_id": den,
        "user_id": made["user_id"],
        "name": "Deploys",
        "made_by": alice.id,
        "created_at": made["created_at"],
        "last_used_at": None,
    }
    assert (await bob.http.get(f"/rooms/{den}/hooks")).json() == {"items": [made], "next_cursor": None}
    (member,) = [one for one in await members(bob, den) if one["user_id"] == made["user_id"]]
    assert (member["display_name"], member["role"], member["is_bot"]) == ("Deploys", "member", True)
    assert (await node.client().post(f"/hooks/{secret}", json={"text": "one"})).text == "ok"
    path = f"/rooms/{den}/hooks/{made['hook_id']}"
    assert [(await alice.http.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert (await bob.http.get(f"/rooms/{den}/hooks")).json()["items"] == []
    is_problem(await node.client().post(f"/hooks/{secret}", json={"text": "two"}), 404, "not_found")
    (message,) = await messages(bob, den)
    assert (message["body"], message["user_id"]) == ("one", made["user_id"])
    assert made["user_id"] not in [one["user_id"] for one in await members(bob, den)]
    assert (await bob.http.get(f"/users/{made['user_id']}")).json()["display_name"] == "Deploys"


@pytest.mark.parametrize(
    ("name", "word"), [("CI & Deploys (main)", "ci-deploys-main"), ("警报", "bot"), ("A" * 64, "a" * 16)]
)
async def test_people_know_the_bot_of_a_hook_by_its_username_too(
    sqlite_node: Node, name: str, word: str
) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = str((await make_room(alice, "Alerts", "private"))["id"])
    made = [await make_hook(alice, den, name) for _ in range(2)]
    names = {one["username"] for one in await members(alice, den) if one["user_id"] != alice.id}
    assert len(names) == len(made)
    assert all(re.fullmatch(rf"{word}-[0-9a-f]{{4,12}}", one) for one in names)


async def members(person: Person, room_id: str) -> list[Event]:
    items: list[Event] = (await person.http.get(f"/rooms/{room_id}/members")).json()["items"]
    return items


async def test_a_hook_is_ended_only_in_its_room(alice: Person, hook: Event) -> None:
    other = (await make_room(alice, "Other", "private"))["id"]
    assert (await alice.http.delete(f"/rooms/{other}/hooks/{hook['hook_id']}")).status_code == 404


@pytest.mark.settings(sends_burst=500)
async def test_a_room_has_at_most_100_hooks(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = (await make_room(alice, "Den", "private"))["id"]
    for _ in range(100):
        await make_hook(alice, den)
    is_problem(await alice.http.post(f"/rooms/{den}/hooks", json={"name": "x"}), 422, "limit")


async def test_making_and_ending_a_hook_is_in_the_audit_log(
    store_url: str, alice: Person, hook: Event, den: str
) -> None:
    await alice.http.delete(f"/rooms/{den}/hooks/{hook['hook_id']}")
    store = await open_store(store_url)
    try:
        page = await store.audit.all(cursor=None, limit=2)
    finally:
        await store.close()
    noted = [(one.event, one.actor_id, one.subject_id, one.room_id) for one in page.items]
    assert noted == [
        ("hook_ended", alice.id, hook["user_id"], den),
        ("hook_made", alice.id, hook["user_id"], den),
    ]


# -- posting


async def test_a_message_looks_the_same_on_every_road(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    shown = {"name": "CI & co", "icon_url": "https://ci.example/i.png", "icon_emoji": "rocket"}
    async with alice.socket() as socket:
        await subscribed(socket, den)
        answer = await post(
            node,
            hook,
            text="*Hi* @room @alice",
            username="CI &amp; co",
            icon_url=shown["icon_url"],
            icon_emoji=":rocket:",
        )
        assert (answer.status_code, answer.text) == (200, "ok")
        assert answer.headers["content-type"].startswith("text/plain")
        event = await socket.until(type="message")
    said = {"body": "**Hi** @room @alice", "is_bot": True, "mentions": [alice.id], "shown_as": shown}
    assert said.items() <= event.items()
    assert (event["user_id"], "mentions_all" in event) == (hook["user_id"], False)
    (message,) = await messages(alice, den)
    assert (said | {"mentions_all": False, "ref": event["ref"]}).items() <= message.items()
    log = (await alice.http.get(f"/rooms/{den}/log?after=0")).json()["items"]
    assert [one for one in log if one["type"] == "message"] == [event]
    (room,) = [one for one in (await alice.http.get("/rooms")).json()["items"] if one["id"] == den]
    assert (room["last_message"]["shown_as"], room["unread_count"], room["mention_count"]) == (shown, 1, 1)
    mention = (await alice.http.get("/mentions")).json()["items"][0]
    assert mention["shown_as"] == shown
    single = (await alice.http.get(f"/rooms/{den}/messages/{event['seq']}")).json()
    assert single == message
    assert (await alice.http.delete(f"/rooms/{den}/messages/{event['seq']}")).status_code == 204
    assert (await messages(alice, den))[0]["shown_as"] is None
    assert "CI & co" not in (await alice.http.get(f"/rooms/{den}/log?after=0")).text


async def test_a_message_that_asks_for_nothing_is_shown_as_its_hook(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    assert (await post(node, hook, text="plain")).is_success
    assert (await post(node, hook, text="icon", icon_emoji=":ghost:")).is_success
    plain, icon = await messages(alice, den)
    assert plain["shown_as"] is None
    assert icon["shown_as"] == {"name": "Deploys", "icon_url": None, "icon_emoji": "ghost"}


async def test_a_form_is_read_as_json_is(node: Node, alice: Person, den: str, hook: Event) -> None:
    form = urlencode({"payload": json.dumps({"text": "from a *form*"})})
    answer = await node.client().post(path_of(hook), content=form, headers=FORM)
    assert answer.text == "ok"
    assert [one["body"] for one in await messages(alice, den)] == ["from a **form**"]


async def test_a_key_posts_once_and_says_no_two_things(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    assert [(await post(node, hook, "k", text="one")).text for _ in range(2)] == ["ok", "ok"]
    is_problem(await post(node, hook, "k", text="two"), 409, "ref_conflict")
    other = await make_hook(alice, den)
    assert (await post(node, other, "k", text="one")).text == "ok", "keys belong to one hook"
    assert [one["body"] for one in await messages(alice, den)] == ["one", "one"]
    is_problem(await post(node, hook, "k" * 65, text="one"), 422, "bad_ref")


async def test_without_a_key_the_same_body_posts_once_in_a_minute(
    node: Node, alice: Person, den: str, hook: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 10 * hook_message.MINUTE_MS
    monkeypatch.setattr(hook_message, "now_ms", lambda: now)
    for text in ("one", "one", "two"):
        assert (await post(node, hook, text=text)).text == "ok"
    now += hook_message.MINUTE_MS
    assert (await post(node, hook, text="one")).text == "ok"
    assert [one["body"] for one in await messages(alice, den)] == ["one", "two", "one"]


async def test_one_key_on_two_nodes_at_once_posts_once(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        alice = await one.sign_up("alice")
        den = str((await make_room(alice, "Den", "private"))["id"])
        hook = await make_hook(alice, den)
        for number in range(8):
            answers = await asyncio.gather(
                *(post(node, hook, f"k{number}", text=f"n{number}") for node in (one, other))
            )
            assert [answer.text for answer in answers] == ["ok", "ok"]
        assert [one["body"] for one in await messages(alice, den)] == [f"n{number}" for number in range(8)]


async def test_a_hook_writes_no_more_than_a_user(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = (await make_room(alice, "Den", "private"))["id"]
    hook = await make_hook(alice, den)
    answers = await asyncio.gather(*(post(sqlite_node, hook, text=f"n{number}") for number in range(40)))
    assert {answer.status_code for answer in answers} == {200, 429}
    is_problem(next(one for one in answers if one.status_code == 429), 429, "rate_limited")


async def test_who_guesses_addresses_is_slowed_and_others_are_not(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    den = (await make_room(alice, "Den", "private"))["id"]
    hook = await make_hook(alice, den)
    answers = [
        await sqlite_node.client().post(f"/hooks/twh_{number}", json={"text": "x"})
        for number in range(GUESSES_PER_MINUTE + 1)
    ]
    is_problem(answers[0], 404, "not_found")
    is_problem(answers[-1], 429, "rate_limited")
    assert (await post(sqlite_node, hook, text="still")).text == "ok"


# -- what forbids it


async def test_in_an_archived_room_nothing_is_posted(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    await alice.http.patch(f"/rooms/{den}", json={"archived": True})
    is_problem(await post(node, hook, text="x"), 403, "archived")
    await alice.http.patch(f"/rooms/{den}", json={"archived": False})
    assert (await post(node, hook, text="x")).text == "ok"


async def test_a_bot_that_was_removed_or_banned_posts_nothing_until_it_is_back(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    bot = f"/rooms/{den}/members/{hook['user_id']}"
    assert (await alice.http.delete(bot)).status_code == 204
    is_problem(await post(node, hook, text="x"), 403, "forbidden")
    ban = f"/rooms/{den}/bans/{hook['user_id']}"
    assert (await alice.http.put(ban)).status_code == 204
    is_problem(await post(node, hook, text="x"), 403, "banned")
    assert (await alice.http.delete(ban)).status_code == 204
    assert (await alice.http.put(bot, json={"role": "reader"})).status_code == 200
    is_problem(await post(node, hook, text="x"), 403, "forbidden")
    assert (await alice.http.put(bot, json={"role": "member"})).status_code == 200
    assert (await post(node, hook, text="x")).text == "ok"


async def test_a_bot_is_slowed_and_kept_out_like_a_member(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    await alice.http.patch(f"/rooms/{den}", json={"slow_seconds": 30})
    assert (await post(node, hook, text="one")).text == "ok"
    assert (await post(node, hook, text="one")).text == "ok", "a retry is never slowed"
    is_problem(await post(node, hook, text="two"), 429, "slow_mode")
    await alice.http.patch(f"/rooms/{den}", json={"slow_seconds": 0, "post_role": "moderator"})
    is_problem(await post(node, hook, text="two"), 403, "forbidden")
    bot = f"/rooms/{den}/members/{hook['user_id']}"
    assert (await alice.http.put(bot, json={"role": "moderator"})).status_code == 200
    assert (await post(node, hook, text="two")).text == "ok"


async def test_a_hook_and_its_bot_go_with_the_room(
    store_url: str, node: Node, alice: Person, den: str, hook: Event
) -> None:
    ended = await make_hook(alice, den)
    await alice.http.delete(f"/rooms/{den}/hooks/{ended['hook_id']}")
    assert (await post(node, hook, text="x")).text == "ok"
    assert (await alice.http.delete(f"/rooms/{den}")).status_code == 204
    is_problem(await post(node, hook, text="x"), 404, "not_found")
    store = await open_store(store_url)
    try:
        await RoomDeletion(store, LeaseHolder(store), told_seconds=0).take_all_away()
        bots = await store.accounts.get_many([hook["user_id"], ended["user_id"]])
        assert all(bot.erasing for bot in bots.values()), "the job of erasure takes them"
        assert await store.hooks.get(hook["hook_id"]) is None
    finally:
        await store.close()


# -- bad bodies


@pytest.fixture
async def bare(sqlite_node: Node) -> tuple[Node, Event]:
    alice = await sqlite_node.sign_up("alice")
    den = (await make_room(alice, "Den", "private"))["id"]
    return sqlite_node, await make_hook(alice, den)


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/json", 400, "bad_json"),
        (b"{", "application/json", 400, "bad_json"),
        (b'{"text": "\xff"}', "application/json", 400, "bad_json"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "application/json", 400, "bad_json"),
        (b"[]", "application/json", 422, "invalid"),
        (b"{}", "application/json", 422, "empty"),
        (b'{"text": " "}', "application/json", 422, "empty"),
        (b'{"text": "x"}', "", 415, "unsupported_media_type"),
        (b'{"text": "x"}', "text/plain", 415, "unsupported_media_type"),
        (b'{"text": "x"}', "application/json; charset=utf-16", 415, "unsupported_media_type"),
        (b"payload=%7B%22text%22%3A%22x%22%7D", "multipart/form-data", 415, "unsupported_media_type"),
        (b"text=x", FORM["content-type"], 422, "invalid"),
        (b"payload=%7B%7D&payload=%7B%7D", FORM["content-type"], 422, "duplicate_key"),
        (b"payload=%FF", FORM["content-type"], 422, "invalid"),
        (b'{"text": "' + b"x" * MAX_HOOK_BYTES + b'"}', "application/json", 413, "too_large"),
    ],
)  # fmt: skip
async def test_a_bad_body_is_refused_and_the_next_good_one_is_posted(
    bare: tuple[Node, Event], content: bytes, kind: str, status: int, code: str
) -> None:
    node, hook = bare
    headers = {"content-type": kind} if kind else {}
    answer = await node.client().post(path_of(hook), content=content, headers=headers)
    is_problem(answer, status, code)
    assert (await post(node, hook, text="good")).text == "ok"


async def test_a_body_of_256_kib_is_read_and_a_strangers_is_not(bare: tuple[Node, Event]) -> None:
    node, hook = bare
    head = b'{"text": "x", "unknown": "'
    largest = head + b"y" * (MAX_HOOK_BYTES - len(head) - 2) + b'"}'
    headers = {"content-type": "application/json"}
    answer = await node.client().post(path_of(hook), content=largest, headers=headers)
    assert answer.text == "ok"
    is_problem(await node.client().post("/hooks/twh_x", content=largest, headers=headers), 404, "not_found")


@pytest.mark.parametrize("name", ["", " ", "n" * 65, "a\nb", 5, None])
async def test_a_name_that_cannot_be_shown_is_refused(bare: tuple[Node, Event], name: Any) -> None:
    node, _ = bare
    person = await node.sign_up("olga")
    room = (await make_room(person, "Room", "private"))["id"]
    assert (await person.http.post(f"/rooms/{room}/hooks", json={"name": name})).status_code == 422


async def test_the_secret_is_in_no_log(bare: tuple[Node, Event], capfd: pytest.CaptureFixture[str]) -> None:
    node, hook = bare
    await post(node, hook, text="x")
    await node.client().post(path_of(hook) + "/more", json={})
    await node.client().get(path_of(hook))
    assert "twh_" not in "".join(capfd.readouterr())


async def test_a_hook_says_when_it_last_posted_and_its_posts_are_counted(
    node: Node, alice: Person, den: str, hook: Event
) -> None:
    assert (await post(node, hook, key="one", text="hello")).status_code == 200
    (shown,) = (await alice.http.get(f"/rooms/{den}/hooks")).json()["items"]
    assert shown["last_used_at"] > shown["created_at"]
    assert (await post(node, hook, key="one", text="hello")).status_code == 200
    assert (await node.client().post("/hooks/twh_nothing", json={"text": "hello"})).status_code == 404
    assert (await alice.http.patch(f"/rooms/{den}", json={"archived": True})).status_code == 200
    assert (await post(node, hook, text="hello")).status_code == 403
    assert (await alice.http.get(f"/rooms/{den}/hooks")).json()["items"] == [shown]
    metrics = (await node.client().get("/metrics")).text
    for outcome in ("posted", "repeated", "refused", "unknown"):
        assert f'tailwire_hook_posts_total{{outcome="{outcome}"}} 1.0' in metrics
