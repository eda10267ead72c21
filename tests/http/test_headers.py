"""Headers that generic clients know: the next page, what is left of a rate limit, and a ref as `Idempotency-Key`."""

import re
from typing import Any

import pytest

from api.config import Settings
from api.main import create_app
from api.models.rooms import LOBBY_ID
from api.protocol.problem_pages import ADVICE
from api.protocol.problems import all_codes
from tests.bad_inputs.answers import is_problem
from tests.node import PASSWORD, Node, Person
from tests.rooms.test_rooms import make_room, say

pytestmark = pytest.mark.anyio

MESSAGES = f"/rooms/{LOBBY_ID}/messages"
ITEM = re.compile(r'"([a-z_-]+)"((?:;[a-z]=\d+)+)')


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


def items_of(header: str) -> dict[str, dict[str, int]]:
    """Return the items of a list of structured fields, with their parameters."""
    found = [ITEM.fullmatch(one) for one in header.split(", ")]
    assert all(found), header
    return {
        one[1]: {name: int(value) for name, value in (part.split("=") for part in one[2][1:].split(";"))}
        for one in found
        if one
    }


async def test_a_list_is_followed_to_its_end_by_its_links(alice: Person) -> None:
    made = {str((await make_room(alice, f'Room "next_cursor":"{number}"'))["id"]) for number in range(5)}
    found, query = list[str](), "?scope=mine&limit=2"
    while True:
        answer = await alice.http.get(f"/rooms{query}")
        page = answer.json()
        found += [room["id"] for room in page["items"]]
        if page["next_cursor"] is None:
            assert "link" not in answer.headers
            break
        link = re.fullmatch(r'<(\?[^>]*)>; rel="next"', answer.headers["link"])
        assert link is not None, answer.headers["link"]
        query = link[1]
        assert "scope=mine" in query
    assert sorted(found) == sorted([*made, LOBBY_ID])


async def test_an_answer_tells_what_is_left_of_each_limit(alice: Person) -> None:
    first = await alice.http.post(MESSAGES, json={"ref": "1", "body": "one"})
    second = await alice.http.post(MESSAGES, json={"ref": "2", "body": "two"})
    assert items_of(first.headers["ratelimit-policy"]) == {
        "requests": {"q": 500, "w": 5},
        "sends": {"q": 20, "w": 2},
    }
    left = [items_of(one.headers["ratelimit"])["sends"] for one in (first, second)]
    assert left[0] == {"r": 19, "t": 1}
    assert left[1]["r"] in {18, 19}
    anonymous = await alice.node.client().get("/server")
    assert "ratelimit" not in anonymous.headers


@pytest.mark.settings(sends_burst=1, sends_per_second=0.1, login_failures_per_account=1, polls_per_user=1)
async def test_every_refusal_for_coming_too_often_tells_its_limit(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    await say(alice, LOBBY_ID, "one")
    answer = await alice.http.post(MESSAGES, json={"ref": "2", "body": "two"})
    is_problem(answer, 429, "rate_limited")
    assert items_of(answer.headers["ratelimit-policy"])["sends"] == {"q": 1, "w": 10}
    left = items_of(answer.headers["ratelimit"])["sends"]
    assert (left["r"], left["t"]) == (0, int(answer.headers["retry-after"]))
    client = sqlite_node.client()
    bad = {"username": "alice", "password": f"not {PASSWORD}"}
    counted = await client.post("/auth/login", json=bad)
    is_problem(counted, 401, "invalid_credentials")
    for _ in range(2):  # refused by the store, and again without asking it
        wrong = await client.post("/auth/login", json=bad)
        assert items_of(wrong.headers["ratelimit-policy"]) == {"login": {"q": 1, "w": 60}}
        assert items_of(wrong.headers["ratelimit"])["login"]["r"] == 0


async def test_pages_of_other_origins_may_read_these_headers(tmp_path: Any) -> None:
    app = create_app(Settings(store=f"sqlite:///{tmp_path / 'x.db'}", origins=("https://chat.example.org",)))
    (cors,) = [one.kwargs for one in app.user_middleware if "expose_headers" in one.kwargs]
    exposed = cors["expose_headers"]
    assert isinstance(exposed, list)
    assert {"Link", "RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed)


def operations() -> dict[str, dict[str, Any]]:
    contract = create_app(Settings(production=False)).openapi()
    schemas = contract["components"]["schemas"]
    return {
        f"{method.upper()} {path}": operation
        | {"body": schemas.get(_body_of(operation), {}).get("properties", {})}
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    }


def _body_of(operation: dict[str, Any]) -> str:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).rpartition("/")[2]


def test_every_post_and_patch_that_takes_a_ref_takes_it_in_the_header_too() -> None:
    with_ref = {
        name: {one["name"].lower() for one in operation.get("parameters", ())}
        for name, operation in operations().items()
        if "ref" in operation["body"] and name.split()[0] in {"POST", "PATCH"}
    }
    assert f"POST {MESSAGES.replace(LOBBY_ID, '{room_id}')}" in with_ref
    assert not [name for name, headers in with_ref.items() if "idempotency-key" not in headers]


def test_the_contract_names_the_headers() -> None:
    found = operations()
    assert "Link" in found["GET /rooms"]["responses"]["200"]["headers"]
    assert "Link" not in found["GET /rooms/{room_id}"]["responses"]["200"]["headers"]
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= found["GET /rooms"]["responses"]["429"][
        "headers"
    ].keys()


async def test_the_type_of_a_problem_leads_to_its_page(alice: Person) -> None:
    problem = (await alice.http.get("/rooms/nowhere")).json()
    assert problem["type"] == "/problems/not_found"
    page = await alice.node.client().get(problem["type"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert page.text.startswith("not_found\n")
    is_problem(await alice.node.client().get("/problems/nonsense"), 404, "not_found")


def test_every_code_has_a_page_and_no_other() -> None:
    assert sorted(ADVICE) == all_codes()
