"""Users of the server, by HTTP and by socket."""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from conformance.rule import Failed
from conformance.server.frames import is_entry, wrong_in

SECONDS: Final = 15.0
"""What does not come for so long does not come."""
MOST_WAITS: Final = 20
"""So often a 429 is waited out."""
TRACED: Final = 30

Event = Mapping[str, Any]


class Traced:
    """The last things that were said, for whoever has to find out why a rule failed."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=TRACED)

    def note(self, who: str, what: object) -> None:
        """Add a line, without a token or a password."""
        text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False)
        for secret in ("token", "password"):
            if f'"{secret}' in text or f'_{secret}"' in text:
                text = f"{text[:40]}... (with a {secret})"
        self._lines.append(f"{who:<8} {text[:220]}")

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines, the oldest first."""
        return tuple(self._lines)


class Socket:
    """An open WebSocket. What comes is kept until it is asked for."""

    def __init__(self, raw: ClientConnection, who: str, trace: Traced) -> None:
        self._raw = raw
        self._who = who
        self._trace = trace
        self._came = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())
        self.events: list[Event] = []
        """All that has come, in order."""
        self.wrong: str | None = None
        """What was wrong with the first frame that was."""
        self._taken = 0

    async def say(self, **command: Any) -> None:
        """Send a command."""
        self._trace.note(f"> {self._who}", command)
        await self._raw.send(json.dumps(command))

    async def say_raw(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        self._trace.note(f"> {self._who}", repr(frame[:100]))
        await self._raw.send(frame)

    async def call(self, **command: Any) -> Event:
        """Send a command under a ref and return its ack or error. One that comes too often is sent again later."""
        ref = command.setdefault("ref", uuid.uuid4().hex)
        answer: Event = {}
        for _ in range(MOST_WAITS):
            begin = len(self.events)
            await self.say(**command)
            answer = await self.until(
                lambda one: one["type"] in {"ack", "error"} and one.get("ref") == ref,
                "an answer",
                begin=begin,
            )
            if answer.get("code") != "rate_limited":
                return answer
            await asyncio.sleep(float(answer["retry_after_seconds"]))
        return answer

    async def acked(self, **command: Any) -> Event:
        """Send a command and return its ack. Raises Failed for an error."""
        answer = await self.call(**command)
        if answer["type"] != "ack":
            raise Failed(f"`{command['type']}` is acked", str(dict(answer)))
        return answer

    async def refused(self, code: str, **command: Any) -> Event:
        """Send a command that is refused with this code."""
        answer = await self.call(**command)
        if (answer["type"], answer.get("code")) != ("error", code):
            raise Failed(f"`{command['type']}` is refused with {code}", str(dict(answer)))
        return answer

    async def until(
        self, wanted: Callable[[Event], object], what: str, *, begin: int = 0, seconds: float = SECONDS
    ) -> Event:
        """Return the first event after the first `begin` that is wanted."""
        try:
            async with asyncio.timeout(seconds), self._came:
                while True:
                    for one in self.events[begin:]:
                        if wanted(one):
                            return one
                    begin = len(self.events)
                    if self._reading.done():
                        break
                    await self._came.wait()
        except TimeoutError:
            pass
        end = f"the socket was closed with {self._raw.close_code}" if self._reading.done() else "no more came"
        raise Failed(what, f"{[dict(one) for one in self.events[-4:]]}; {end}")

    async def event(self, type: str, **fields: Any) -> Event:
        """Wait for an event of this type with these fields."""
        return await self.until(
            lambda one: one["type"] == type and fields.items() <= one.items(),
            f"the event `{type}` with {fields}",
        )

    def entries(self, room_id: str, begin: int = 0) -> list[Event]:
        """Return the entries of a room that have come, after the first so many events."""
        return [one for one in self.events[begin:] if is_entry(one) and one["room_id"] == room_id]

    async def reached(self, room_id: str, seq: int) -> None:
        """Wait for the entry with this seq."""
        await self.until(
            lambda one: is_entry(one) and one["room_id"] == room_id and one["seq"] >= seq,
            f"the entry with seq {seq}",
        )

    async def closed(self, seconds: float = SECONDS) -> int | None:
        """Wait until the server closes, and return its code; None where it does not."""
        try:
            async with asyncio.timeout(seconds):
                await self._raw.wait_closed()
        except TimeoutError:
            return None
        return self._raw.close_code

    async def close(self) -> None:
        """Close it."""
        await self._raw.close()
        await self._reading

    async def _read(self) -> None:
        try:
            async for frame in self._raw:
                await self._take(json.loads(frame))
        except (ConnectionClosed, ValueError) as end:
            self._trace.note(f"< {self._who}", f"ended: {end}")
        finally:
            async with self._came:
                self._came.notify_all()

    async def _take(self, event: Any) -> None:
        self._trace.note(f"< {self._who}", event)
        wrong = wrong_in(event)
        if wrong is not None and self.wrong is None:
            self.wrong = f"{wrong}, but one came as {str(event)[:300]}"
        async with self._came:
            self.events.append(event if isinstance(event, dict) else {"type": ""})
            self._came.notify_all()


@dataclass
class Person:
    """A user, or with an empty token nobody."""

    username: str
    password: str
    http: httpx.AsyncClient
    socket_url: str
    trace: Traced
    id: str = ""
    access_token: str = ""
    refresh_token: str = ""

    async def ask(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx.Response:
        """Send a request and return the answer. A 429 is waited out."""
        shown = self.access_token if token is None else token
        headers = {**({"Authorization": f"Bearer {shown}"} if shown else {}), **more.pop("headers", {})}
        waits = 0
        while True:
            answer = await self.http.request(method, path, headers=headers, **more)
            self.trace.note(
                self.username or "nobody", f"{method} {path} -> {answer.status_code} {answer.text}"
            )
            waits += 1
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or waits == MOST_WAITS:
                return answer
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))

    async def get(self, path: str, **more: Any) -> Any:
        """Return what is there."""
        return await self.done("GET", path, **more)

    async def done(self, method: str, path: str, **more: Any) -> Any:
        """Send a request that has to succeed, and return the JSON of its answer, or None."""
        answer = await self.ask(method, path, **more)
        if not answer.is_success:
            raise Failed(f"{method} {path} succeeds", f"{answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    async def refused(self, status: int, code: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request that has to be refused so."""
        answer = await self.ask(method, path, **more)
        found = (answer.status_code, answer.json().get("code") if answer.content else None)
        if found != (status, code):
            raise Failed(f"{method} {path} is refused with {status} {code}", f"{found}: {answer.text[:300]}")
        return answer

    @asynccontextmanager
    async def socket(self, *, by_header: bool = True, ready: bool = True) -> AsyncIterator[Socket]:
        """Open a socket, and close it in the end. What was wrong with a frame on it is a failure then."""
        headers = {"Authorization": f"Bearer {self.access_token}"} if by_header else {}
        raw = await connect(self.socket_url, additional_headers=headers, max_size=None, proxy=None)
        socket = Socket(raw, self.username, self.trace)
        try:
            if ready:
                if not by_header:
                    await socket.say(type="authenticate", token=self.access_token)
                await socket.event("ready")
            yield socket
        finally:
            await socket.close()
        if socket.wrong is not None:
            raise Failed("every frame has the shape that the protocol gives it", socket.wrong)
