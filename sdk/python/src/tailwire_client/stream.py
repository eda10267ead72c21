"""The events of rooms, each entry once and in order, across reconnects."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final, Self

from tailwire_client.absence import Absence
from tailwire_client.backlog import MOST, Backlog
from tailwire_client.close_codes import After, after, error_of
from tailwire_client.connection import ClosedEarly, Connection, opened
from tailwire_client.entries import Entry, is_entry
from tailwire_client.errors import (
    BrokenContract,
    Closed,
    Problem,
    RateLimited,
    SessionEnded,
    TailwireError,
    Unauthorized,
    Unavailable,
    Unreachable,
    problem_of,
)
from tailwire_client.events import Event, Live, Membership, Reset, Unsubscribed, event_of
from tailwire_client.pace import Pace
from tailwire_client.positions import Positions
from tailwire_client.rooms import Room
from tailwire_client.track import Gap, Track
from tailwire_client.web import Web

STEADY_SECONDS: Final = 10.0
"""After so long an open connection counts as good, and the waits begin anew."""
BACK_OFF_TRIES: Final = 4
"""After an overload a client waits as after so many tries in vain."""
LEAST_WAIT_SECONDS: Final = 10.0
"""After the close code 4429 a client waits at least so long."""
MANY_ROOMS: Final = 20
"""With positions in so many rooms a stream asks /sync what it has missed, before it subscribes."""
CATCH_UP_SECONDS: Final = 15.0
"""So long it waits for that. What has not come then comes of the subscriptions."""
LONG_SECONDS: Final = 60.0
"""After a shorter absence it only subscribes, as little was missed."""
_SILENT: Final = frozenset({"heartbeat", "pong", "expiring"})

log = logging.getLogger("tailwire_client")


class Stream:
    """Yields the events of rooms: `async for event in stream`. `Client.events` makes it.

    Entries come once and in order in each room, whatever happens to the connection. A reader that is slow loses
    nothing. An event counts as handled when the next one is asked for; then its position is kept.
    """

    def __init__(
        self,
        web: Web,
        url: str,
        rooms: Iterable[str] | None,
        positions: Positions,
        pace: Pace,
        *,
        tls: ssl.SSLContext | None,
        trust_env: bool,
        most_waiting: int = MOST,
        ended: Callable[["Stream"], None],
    ) -> None:
        self._web = web
        self._url = url
        self._rooms = None if rooms is None else tuple(dict.fromkeys(rooms))
        self._positions = positions
        self._pace = pace
        self._tls = tls
        self._trust_env = trust_env
        self._ended = ended
        self._backlog = Backlog(most_waiting)
        self._tracks: dict[str, Track] = {}
        self._subscribed: set[str] = set()
        self._refused: set[str] = set()
        self._watched: tuple[str, ...] = ()
        self._connection: Connection | None = None
        self._left_at = -LONG_SECONDS
        self._token = ""
        self._task: asyncio.Task[None] | None = None
        self._helpers: set[asyncio.Task[None]] = set()
        self._last: Event | None = None
        self._is_closed = False

    # -- for the reader

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """Return the next event. Raises Ended when it is of no use to come back."""
        self._start()
        await self._handled()
        try:
            self._last = await self._backlog.take()
        except Closed:
            raise StopAsyncIteration from None
        return self._last

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    @property
    def is_open(self) -> bool:
        """Whether the socket is open now."""
        return self._connection is not None

    async def aclose(self) -> None:
        """Close the socket, and keep the positions of what was handled. Iterating ends."""
        if self._is_closed:
            return
        self._is_closed = True
        tasks = [one for one in (self._task, *self._helpers) if one is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._backlog.end(Closed("The stream was closed"))
        await self._positions.close()
        self._ended(self)

    async def typing(self, room_id: str) -> None:
        """Tell the others that the user is typing. Call it each 3 s while they do. It may be lost."""
        await self._hint({"type": "typing", "room_id": room_id})

    async def watch(self, *user_ids: str) -> None:
        """Be told whether these users are online, at most 200, in place of those before: `Presence` events."""
        self._watched = user_ids
        await self._hint({"type": "watch", "user_ids": list(user_ids)})

    async def call(self, command: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a command and return its ack. Raises Problem for its error, and Unreachable where none came."""
        if self._connection is None:
            raise Unreachable("There is no connection now", is_unsent=True)
        return await self._connection.call(command)

    # -- the life of a connection

    def _start(self) -> None:
        if self._task is None and not self._is_closed:
            self._task = asyncio.create_task(self._run(), name="tailwire stream")

    async def _run(self) -> None:
        try:
            await self._come_and_go()
        except Exception as failure:  # noqa: BLE001 - whatever it is, the reader must not wait for ever
            await self._backlog.end(failure)

    async def _come_and_go(self) -> None:
        tries = 0
        refused: str | None = None
        while True:
            await self._backlog.until_half_empty()
            began = time.monotonic()
            wait = 0.0
            then = After.COME_BACK
            try:
                self._token = await (self._web.token() if refused is None else self._web.renew(refused))
                refused = None
                then, wait = await self._converse()
            except Unauthorized as refusal:
                if refusal.code != "unauthorized":
                    raise
                then = After.REFRESH
            except (RateLimited, Unavailable) as refusal:
                wait = refusal.retry_after_seconds or 0.0
            except (Unreachable, BrokenContract) as failure:
                log.debug("no connection: %s", failure)
                then = self._after_failure(failure)
            if time.monotonic() - began > STEADY_SECONDS:
                tries = 0
            if then is After.REFRESH:
                refused = self._token
            elif then is After.BACK_OFF:
                tries = max(tries, BACK_OFF_TRIES)
            elif then is After.WAIT:
                wait = max(wait, LEAST_WAIT_SECONDS)
            await asyncio.sleep(wait + self._pace.wait(tries))
            tries += 1

    async def _converse(self) -> tuple[After, float]:
        """Serve one connection to its end; return what to do then, and how long the server said to wait.

        Raises Ended for a close code that says so, and what `opened` raises.
        """
        async with opened(self._url, self._token, tls=self._tls, trust_env=self._trust_env) as connection:
            self._connection = connection
            self._subscribed.clear()
            try:
                await self._backlog.put(event_of(connection.ready))
                await self._begin(connection)
                async with aclosing(connection.events()) as events:
                    async for fields in events:
                        await self._take(connection, fields)
                        if self._backlog.is_full:
                            break
            except Gap:
                log.warning("an entry is missing: asking for it again")
            finally:
                self._connection = None
                self._left_at = time.monotonic()
        return _after_close(connection.close_code), connection.rate_wait_seconds

    def _after_failure(self, failure: TailwireError) -> After:
        return _after_close(failure.code) if isinstance(failure, ClosedEarly) else After.COME_BACK

    async def _begin(self, connection: Connection) -> None:
        if self._watched:
            await connection.write({"type": "watch", "user_ids": list(self._watched)})
        rooms = self._rooms
        if rooms is None:
            rooms = tuple([room.id async for room in self._web.pages(Room, "/rooms")])
        tracks = [await self._track(room_id) for room_id in rooms]
        was_long = time.monotonic() - self._left_at >= LONG_SECONDS
        if was_long and "sync" in connection.ready.get("features", ()):
            await self._catch_up([one for one in tracks if one.position is not None])
        for room_id in rooms:
            await self._subscribe(connection, room_id)

    async def _catch_up(self, tracks: list[Track]) -> None:
        """Take what was missed in many rooms from one answer. What that does not bring, the subscriptions do."""
        if len(tracks) < MANY_ROOMS:
            return
        missed = Absence(self._web, {one.room_id: one for one in tracks}).events(others=False)
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS), aclosing(missed):
                async for event in missed:
                    if isinstance(event, Entry | Reset):
                        await self._backlog.put(event)
                    if self._backlog.is_full:
                        return
        except (SessionEnded, Unauthorized):
            raise
        except (TailwireError, TimeoutError) as failure:
            log.debug("the absence was not told: %s", failure)

    async def _track(self, room_id: str) -> Track:
        track = self._tracks.get(room_id)
        if track is None:
            track = self._tracks[room_id] = Track(room_id, await self._positions.load(room_id))
        return track

    async def _subscribe(self, connection: Connection, room_id: str) -> None:
        track = await self._track(room_id)
        command: dict[str, Any] = {"type": "subscribe", "room_id": room_id}
        if track.position is not None:
            command["since"] = {"epoch": track.position.epoch, "seq": track.position.seq}
        self._subscribed.add(room_id)

        def answered(fields: Mapping[str, Any] | None) -> None:
            if fields is None:
                return
            if fields["type"] == "ack":
                track.subscribed(fields)
                self._refused.discard(room_id)
            else:
                self._subscribed.discard(room_id)
                self._help(self._after_refusal(connection, room_id, problem_of(fields)))

        await connection.ask(command, answered)

    async def _after_refusal(self, connection: Connection, room_id: str, problem: Problem) -> None:
        """Subscribe again later, or tell the reader that it cannot be."""
        if not isinstance(problem, RateLimited | Unavailable):
            if room_id not in self._refused:
                self._refused.add(room_id)
                await self._backlog.put(Unsubscribed(room_id, problem))
            return
        await asyncio.sleep(max(problem.retry_after_seconds or 0.0, self._pace.first_seconds))
        if connection is self._connection and room_id not in self._subscribed:
            await self._subscribe(connection, room_id)

    # -- what comes

    async def _take(self, connection: Connection, fields: Mapping[str, Any]) -> None:
        event = self._event(fields)
        if event is not None:
            await self._backlog.put(event)
        if fields["type"] == "expiring":
            self._help(self._renew(connection, self._token))
        if isinstance(event, Membership):
            await self._membership(connection, event)

    def _event(self, fields: Mapping[str, Any]) -> Event | None:
        kind = fields["type"]
        if kind in _SILENT:
            return None
        track = self._tracks.get(fields.get("room_id", ""))
        if kind == "live":
            return None if track is None else track.take_live(fields)
        if kind == "reset":
            return None if track is None else track.take_reset(fields)
        if is_entry(fields):
            return None if track is None else track.take_entry(fields)
        return None if kind == "ready" else event_of(fields)

    async def _membership(self, connection: Connection, event: Membership) -> None:
        if event.role is None:
            self._subscribed.discard(event.room_id)
        elif event.room_id not in self._subscribed and (self._rooms is None or event.room_id in self._rooms):
            await self._subscribe(connection, event.room_id)

    async def _renew(self, connection: Connection, token: str) -> None:
        """Renew the token of the open socket. Where that fails it is closed with 4401, and all goes on from there."""
        self._token = await self._web.renew(token)
        await connection.write({"type": "authenticate", "token": self._token})

    async def _hint(self, command: Mapping[str, Any]) -> None:
        if self._connection is not None:
            self._help(self._connection.write(command))

    def _help(self, work: Any) -> None:
        """Run this beside the connection. Its failure is that of the connection, which shows by itself."""

        async def helped() -> None:
            try:
                await work
            except TailwireError as failure:
                log.debug("beside the connection: %s", failure)

        task = asyncio.create_task(helped(), name="tailwire stream helper")
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)

    async def _handled(self) -> None:
        """Keep the position of the event that the reader had."""
        event, self._last = self._last, None
        if isinstance(event, Entry | Live | Reset):
            await self._positions.keep(event.room_id, event.position)


def _after_close(code: int | None) -> After:
    then = after(code)
    if then is After.END:
        assert code is not None  # noqa: S101 - None is no end
        raise error_of(code)
    return then
