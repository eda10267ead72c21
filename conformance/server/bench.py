"""What a check has in its hands: three users and what they can do together."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from conformance.rule import Failed, Skipped
from conformance.server.people import SECONDS, Event, Person, Socket, Traced

NAMES: Final = ("ada", "bob", "eve")
PASSWORD: Final = "a long word of the kit"  # noqa: S105 - of accounts that it makes itself
PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Accounts:
    """Who the users are: `given` are names with passwords, or else the kit signs up, perhaps by an invite."""

    given: tuple[str, ...] = ()
    invite: str | None = None


@dataclass
class Bench:
    """The server, and its users."""

    url: str
    nobody: Person
    ada: Person
    bob: Person
    eve: Person
    trace: Traced
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> list[str]:
        """What the server offers."""
        found: list[str] = self.about["features"]
        return found

    def needs(self, feature: str) -> None:
        """Leave the check out where the server does not offer this."""
        if feature not in self.features:
            raise Skipped(f"the server does not offer `{feature}`")

    async def room(self, *members: Person, visibility: str = "private") -> str:
        """Let Ada make a room, with these members besides her."""
        made = await self.ada.done(
            "POST", "/rooms", json={"name": f"Kit {unique()}", "visibility": visibility}
        )
        room_id: str = made["id"]
        for member in members:
            await self.ada.done("PUT", f"/rooms/{room_id}/members/{member.id}", json={"role": "member"})
        return room_id

    async def send(self, author: Person, room_id: str, body: str, **more: Any) -> dict[str, Any]:
        """Send a message over HTTP, and return it."""
        sent: dict[str, Any] = await author.done(
            "POST", f"/rooms/{room_id}/messages", json={"ref": unique(), "body": body, **more}
        )
        return sent

    async def log(self, reader: Person, room_id: str) -> list[Event]:
        """Return all entries of a room."""
        found: list[Event] = []
        while True:
            after = found[-1]["seq"] if found else 0
            page = await reader.get(f"/rooms/{room_id}/log", params={"after": after, "limit": 500})
            found += page["items"]
            if not page["items"] or page["items"][-1]["seq"] >= page["seq"]:
                return found

    async def epoch(self, room_id: str) -> str:
        """Return the epoch of a room that Ada is in."""
        return str((await self.ada.get(f"/rooms/{room_id}"))["epoch"])

    @asynccontextmanager
    async def listening(self, person: Person, room_id: str, **command: Any) -> AsyncIterator[Socket]:
        """Open a socket that is subscribed to a room, and live."""
        async with person.socket() as socket:
            await socket.acked(type="subscribe", room_id=room_id, **command)
            await socket.event("live", room_id=room_id)
            yield socket


def unique() -> str:
    """Return a text that nobody has used."""
    return uuid.uuid4().hex


def expect(condition: object, expected: str, seen: object) -> None:
    """Raise Failed where this is not so."""
    if not condition:
        raise Failed(expected, str(seen)[:600])


async def eventually(condition: Callable[[], Awaitable[object]], expected: str) -> None:
    """Wait until this is so: what a server tells its parts a moment later."""
    try:
        async with asyncio.timeout(SECONDS):
            while not await condition():  # noqa: ASYNC110 - what is waited for tells nobody
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise Failed(expected, f"it was not so after {SECONDS:.0f} s") from None


@asynccontextmanager
async def bench(url: str, accounts: Accounts) -> AsyncIterator[Bench]:
    """Give a bench with three users, who are logged in."""
    address = url.rstrip("/")
    socket_url = f"{address.replace('http', 'ws', 1)}/ws/messages"
    trace = Traced()
    async with AsyncExitStack() as open_clients:

        async def person(username: str, password: str) -> Person:
            http = httpx.AsyncClient(base_url=address, timeout=40, trust_env=False)
            await open_clients.enter_async_context(http)
            return Person(username, password, http, socket_url, trace)

        nobody = await person("", "")
        names = [one.partition(":")[::2] for one in accounts.given] or [
            (f"{name}-{unique()[:12]}", PASSWORD) for name in NAMES
        ]
        if len(names) != len(NAMES):
            raise ValueError(f"{len(NAMES)} accounts are needed")
        ada, bob, eve = [await person(username, password) for username, password in names]
        for one in (ada, bob, eve):
            await _enter(one, accounts)
        yield Bench(address, nobody, ada, bob, eve, trace, await nobody.get("/server"))


async def _enter(person: Person, accounts: Accounts) -> None:
    body = {"username": person.username, "password": person.password}
    if accounts.given:
        answer = await person.done("POST", "/auth/login", json=body)
    else:
        more = {} if accounts.invite is None else {"invite": accounts.invite}
        answer = await person.done("POST", "/auth/signup", json={**body, **more})
    person.id = answer["user"]["id"]
    person.access_token, person.refresh_token = answer["access_token"], answer["refresh_token"]
