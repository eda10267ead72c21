"""Bots and tokens for the tests: what a person makes for a program, and the program that uses it."""

from collections.abc import Sequence
from typing import Any

from api.store import open_store
from tests.node import Event, Node, Person

ALL: Sequence[str] = ("read", "write", "manage")


async def made_token(
    owner: Person, scopes: Sequence[str] = ALL, *, of: str | None = None, **body: Any
) -> Event:
    """Make a token of a person, or of the bot `of` which belongs to them."""
    path = "/auth/tokens" if of is None else f"/bots/{of}/tokens"
    answer = await owner.http.post(path, json={"name": "a program", "scopes": list(scopes), **body})
    assert answer.status_code == 201, answer.text
    token: Event = answer.json()
    return token


async def made_bot(owner: Person, username: str = "engine", **body: Any) -> Event:
    """Make a bot of a person."""
    answer = await owner.http.post("/bots", json={"username": username, **body})
    assert answer.status_code == 201, answer.text
    bot: Event = answer.json()
    return bot


def program(node: Node, user: Person | Event, token: Event) -> Person:
    """Return the program that acts as a person or as a bot, with this token."""
    if isinstance(user, Person):
        username, id_ = user.username, user.id
    else:
        username, id_ = user["username"], user["id"]
    secret = token["token"]
    return Person(node, username, id_, secret, "", node.client(Authorization=f"Bearer {secret}"))


async def a_bot(owner: Person, scopes: Sequence[str] = ALL, username: str = "engine") -> Person:
    """Make a bot with a token, and return the program that acts as it."""
    bot = await made_bot(owner, username)
    return program(owner.node, bot, await made_token(owner, scopes, of=bot["id"]))


async def make_admin(store_url: str, person: Person) -> None:
    """Make a person an administrator."""
    store = await open_store(store_url)
    await store.accounts.set_flags(person.id, admin=True)
    await store.close()
