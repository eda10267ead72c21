"""Rows P: pages and positions, on each store. Each test ends with a page that is served."""

import pytest

from api.models.rooms import LOBBY_ID
from tests.bad_inputs.answers import is_error, is_problem
from tests.node import Node, Person, Socket

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

MESSAGES = f"/rooms/{LOBBY_ID}/messages"
LOG = f"/rooms/{LOBBY_ID}/log"
NO_NUMBERS = (
    '"10"',
    "1.5",
    "",
    " 5",
    "5 ",
    "+5",
    "05",
    "-0",
    "5_0",
    "5.0",
    "1e1",
    "0x5",
    "\u0665",
    "nan",
    "9" * 5_000,
)


async def test_p1_a_limit_that_is_no_number_or_out_of_range_is_refused(alice: Person) -> None:
    for path, most in ((MESSAGES, 100), (LOG, 500), ("/rooms", 100), (f"/rooms/{LOBBY_ID}/members", 100)):
        for limit in (*NO_NUMBERS, "0", "-1", str(most + 1), "1000000000"):
            is_problem(await alice.http.get(path, params={"limit": limit}), 422, "invalid")
        is_problem(await alice.http.get(f"{path}?limit=1&limit=2"), 422, "duplicate_key")
        is_problem(await alice.http.get(f"{path}?limit=1&x=2"), 422, "extra_forbidden")
        assert (await alice.http.get(path, params={"limit": most})).status_code == 200


async def test_p1_fifty_messages_are_a_page_when_nothing_is_said(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    answer = await alice.http.get("/openapi.json")
    parameters = answer.json()["paths"]["/rooms/{room_id}/messages"]["get"]["parameters"]
    (limit,) = [one["schema"] for one in parameters if one["name"] == "limit"]
    assert (limit["type"], limit["default"], limit["minimum"], limit["maximum"]) == ("integer", 50, 1, 100)


async def test_p1_a_seq_that_is_no_number_is_refused(alice: Person) -> None:
    for seq in (*NO_NUMBERS, "-1", str(2**53 + 1)):
        for path, name in ((MESSAGES, "before"), (MESSAGES, "after"), (LOG, "after")):
            is_problem(await alice.http.get(path, params={name: seq}), 422, "invalid")
    stored = (await alice.http.post(MESSAGES, json={"ref": "r", "body": "hi"})).json()["seq"]
    for seq in ("0", "-1", "+1", f"0{stored}", f"{stored}.0", f"%20{stored}", "x", "9" * 5_000):
        is_problem(await alice.http.get(f"{MESSAGES}/{seq}"), 404, "not_found")
    assert (await alice.http.get(f"{MESSAGES}/{stored}")).status_code == 200


async def test_p2_a_cursor_of_another_list_or_one_that_was_changed_is_refused(
    alice: Person, bob: Person
) -> None:
    room = (await alice.http.post("/rooms", json={"name": "Tea", "visibility": "public"})).json()["id"]
    await bob.http.post(f"/rooms/{room}/join")

    async def cursor(person: Person, path: str) -> str:
        found: str = (await person.http.get(path, params={"limit": 1})).json()["next_cursor"]
        return found

    mine, of_room = await cursor(alice, "/rooms"), await cursor(alice, f"/rooms/{room}/members")
    of_lobby = await cursor(alice, f"/rooms/{LOBBY_ID}/members")
    other = "B" if mine[0] == "A" else "A"
    changed = [mine[:-2], mine + "A", other + mine[1:], mine.swapcase(), "", "x", "\0", "x" * 500, "é"]
    for bad in (*changed, of_room, await cursor(bob, "/rooms")):
        is_problem(await alice.http.get("/rooms", params={"cursor": bad}), 422, "bad_cursor")
    for bad in (mine, of_lobby):
        path = f"/rooms/{room}/members"
        is_problem(await alice.http.get(path, params={"cursor": bad}), 422, "bad_cursor")
    is_problem(await alice.http.get("/rooms", params={"cursor": "x" * 513}), 422, "invalid")
    assert len((await alice.http.get("/rooms", params={"cursor": mine})).json()["items"]) == 1


async def test_p3_before_and_after_do_not_go_together(alice: Person) -> None:
    for before, after in ((9, 3), (3, 9), (3, 3)):
        answer = await alice.http.get(MESSAGES, params={"before": before, "after": after})
        is_problem(answer, 422, "invalid")
    assert (await alice.http.get(MESSAGES, params={"before": 9})).status_code == 200


async def test_p4_resuming_a_hundred_times_is_too_often_for_this_user_alone(
    alice: Person, bob: Person
) -> None:
    epoch = (await alice.http.get(f"/rooms/{LOBBY_ID}")).json()["epoch"]
    since = {"epoch": epoch, "seq": 0}

    async def resume(socket: Socket) -> dict[str, object]:
        return await socket.call(type="subscribe", room_id=LOBBY_ID, since=since)

    async with alice.socket() as socket, alice.socket() as other, bob.socket() as bobs:
        for _ in range(30):
            assert (await resume(socket))["type"] == "ack"
        for one in (socket, other):
            for _ in range(35):
                is_error(await resume(one), "rate_limited")
        assert (await socket.call(type="send", room_id=LOBBY_ID, body="still here"))["type"] == "ack"
        assert (await resume(bobs))["type"] == "ack"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_p5_the_epoch_of_an_older_store_is_answered_by_reset(alice: Person) -> None:
    is_problem(await alice.http.get(LOG, params={"epoch": "another"}), 409, "reset")
    async with alice.socket() as socket:
        await socket.call(type="subscribe", room_id=LOBBY_ID, since={"epoch": "another", "seq": 1})
        reset = await socket.until(type="reset")
    good = await alice.http.get(LOG, params={"epoch": reset["epoch"]})
    assert (good.status_code, good.json()["seq"]) == (200, reset["seq"])
