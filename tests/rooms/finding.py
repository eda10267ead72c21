"""Searches as a person does, and waits until the index has come so far."""

import uuid
from typing import Any

from tests.node import Event, Node, Person, eventually


async def say(author: Person, room_id: str, body: str) -> int:
    """Send a message, also one that was sent before, and return its seq."""
    answer = await author.http.post(
        f"/rooms/{room_id}/messages", json={"ref": uuid.uuid4().hex, "body": body}
    )
    assert answer.status_code == 201, answer.text
    return int(answer.json()["seq"])


async def is_ready(node: Node) -> bool:
    """Say whether the index of a node is made."""
    search = (await node.client().get("/readyz")).json()["search"]
    return bool(search["writing"] and search["done"] == 1)


async def search(person: Person, query: str, **more: Any) -> dict[str, Any]:
    """Return the answer to a search, once the index is made."""
    answers: list[dict[str, Any]] = []

    async def is_answered() -> bool:
        answer = await person.http.get("/search", params={"q": query, **more})
        if answer.status_code == 503 and answer.json()["code"] == "indexing":
            return False
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
        return True

    await eventually(is_answered)
    return answers[-1]


async def found(person: Person, query: str, **more: Any) -> list[Event]:
    """Return what a search finds on its first page."""
    return list((await search(person, query, **more))["items"])


async def bodies(person: Person, query: str, **more: Any) -> list[str]:
    """Return the texts of what a search finds."""
    return [one["body"] for one in await found(person, query, **more)]


async def until_found(person: Person, query: str, count: int = 1, **more: Any) -> list[Event]:
    """Return what a search finds, once it finds so many messages. The index may be a second behind."""
    got: list[Event] = []

    async def is_found() -> bool:
        got[:] = await found(person, query, **more)
        return len(got) == count

    await eventually(is_found)
    return got
