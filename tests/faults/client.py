"""A client as docs/protocol.md describes it. It notes all that it does and sees in a history.

It keeps a position for each room and every message that has no ack. When its socket ends it comes back with jitter,
subscribes with its positions and sends again under the old refs. It shares no code with the SPA's client: it is written
from the document alone.
"""

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.protocol import State

from tests.faults.commands import Command
from tests.faults.fold import Timeline
from tests.faults.history import Fields, History, What, fields_of
from tests.faults.outbox import RETRY_SECONDS, TEMPORARY, Outbox, Pending, Position
from tests.faults.web import Answer, Web
from tests.node import is_entry

FIRST_WAIT_SECONDS: Final = 0.5
MOST_WAIT_SECONDS: Final = 2.0
"""Shorter than the 30 s of the protocol, because the bounds of the cases are about the server."""
OPEN_SECONDS: Final = 10.0
READY_SECONDS: Final = 10.0
GONE: Final = 4500
"""The first close code that means: do not come back."""


class BrokenContract(Exception):
    """The server did what docs/protocol.md does not allow."""


@dataclass
class Account:
    """The account of a client."""

    user_id: str
    username: str
    access_token: str


class Client:
    """See the module. `run` is its task. It calls `url` for the node's address at each connect.

    Without `web` it sends nothing over HTTP, and has no timeline after a `reset`.
    """

    def __init__(
        self,
        name: str,
        account: Account,
        rooms: Sequence[str],
        url: Callable[[], str],
        rng: random.Random,
        *,
        web: Web | None = None,
    ) -> None:
        self.name = name
        self.account = account
        self.rooms = list(rooms)
        self.history = History()
        self.positions: dict[str, Position] = {}
        self.timelines = {room_id: Timeline() for room_id in rooms}
        self.live: set[str] = set()
        self.close_codes: list[int | None] = []
        self.is_gone = False
        self.connected_count = 0
        self._url = url
        self._rng = rng
        self._web = web
        self._outbox = Outbox(name, rng, self._write, self._note_write, web)
        self._loads: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._raw: ClientConnection | None = None
        self._subscribing: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._may_connect = asyncio.Event()
        self._may_connect.set()

    # -- for tests

    @property
    def pending(self) -> Mapping[str, Pending]:
        """The commands that have no answer yet, by their keys."""
        return self._outbox.pending

    def send(self, room_id: str, body: str | None = None, ref: str | None = None) -> Command:
        """Send a message, now or as soon as the room is live."""
        return self.submit(self.message(room_id, body, ref))

    def message(
        self,
        room_id: str,
        body: str | None = None,
        ref: str | None = None,
        *,
        reply_to: int | None = None,
        addressed: str = "",
        by_http: bool = False,
    ) -> Command:
        """Return the command that writes a message. Without a body it has one of its own, with what is `addressed`."""
        key = ref or self._outbox.new_key()
        fields: Fields = {"body": body or f"body of {key}{addressed}"}
        if reply_to is None:
            return Command(room_id, "message", key, fields, by_http=by_http)
        epoch = self.positions[room_id].epoch
        return Command(room_id, "message", key, fields | {"reply_to": reply_to}, epoch, by_http)

    def change(
        self, room_id: str, kind: str, fields: Fields, *, addressed: str = "", by_http: bool = False
    ) -> Command:
        """Return a command that changes a message. An edit gives it a body of its own, with what is `addressed`."""
        key = self._outbox.new_key()
        if kind == "edit":
            fields = fields | {"body": f"edited by {key}{addressed}"}
        return Command(room_id, kind, key, fields, self.positions[room_id].epoch, by_http)

    def submit(self, command: Command) -> Command:
        """Ask for a change, now or as soon as the room is live."""
        self._outbox.add(command, now=command.room_id in self.live)
        return command

    def submit_again(self, room_id: str) -> None:
        """Send something again that was acked some time ago, or nothing where there is none."""
        self._outbox.add_again(room_id, self.positions[room_id].epoch, now=room_id in self.live)

    def read(self, room_id: str, seq: int) -> None:
        """Say that everything up to a seq has been read."""
        if room_id in self.live:
            epoch = self.positions[room_id].epoch
            self._write({"type": "read", "room_id": room_id, "seq": seq, "epoch": epoch})

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` is true. Raises the exception that ended `run`."""
        while not condition():
            if (failure := self._failure or self._outbox.failure) is not None:
                raise failure
            self._changed.clear()
            await self._changed.wait()

    async def until_live(self) -> None:
        """Wait until all rooms are live, or the client may not come back."""
        await self.until(lambda: self.is_gone or self.is_live)

    async def until_lost(self) -> None:
        """Wait until no room is live."""
        await self.until(lambda: not self.live)

    async def until_whole(self, heads: Mapping[str, Position] | None = None) -> None:
        """Wait until every message is acked, and every entry up to `heads` has come."""
        await self.until(
            lambda: (
                self.is_gone
                or (self.is_live and not self.pending and not self._is_loading and self._has(heads or {}))
            )
        )

    def _has(self, heads: Mapping[str, Position]) -> bool:
        return all(
            (mine := self.positions.get(room_id)) is not None
            and mine.epoch == heads[room_id].epoch
            and mine.seq >= heads[room_id].seq
            for room_id in self.rooms
            if room_id in heads
        )

    @property
    def _is_loading(self) -> bool:
        return any(timeline.is_loading for timeline in self.timelines.values())

    @property
    def is_live(self) -> bool:
        """Whether all rooms are live."""
        return len(self.live) == len(self.rooms)

    def half_a_frame(self) -> None:
        """Write a part of a frame, as when the network or the power fails in the middle."""
        if self._raw is not None and self._raw.transport is not None:
            frame = b"\x81\xfe\x04\x00" + self._rng.randbytes(self._rng.randrange(1, 0x400))
            self._raw.transport.write(frame[: self._rng.randrange(1, len(frame))])

    def pause_reading(self) -> None:
        """Read nothing more from the socket, like a client that hangs."""
        if self._raw is not None:
            self._raw.transport.pause_reading()

    def drop(self, *, reset: bool = True) -> None:
        """End the connection, by a RST or by closing."""
        if self._raw is not None:
            self._raw.transport.abort() if reset else self._raw.transport.close()

    def stay_away(self) -> None:
        """End the connection, and wait for `come_back`."""
        self._may_connect.clear()
        self.drop()

    def come_back(self) -> None:
        """Connect again."""
        self._may_connect.set()

    # -- the life of a client

    async def run(self) -> None:
        """Connect again and again, until a close code forbids it. Raises when the server breaks the protocol."""
        try:
            await self._come_and_go()
        except Exception as failure:
            self._failure = failure
            self._changed.set()
            raise
        finally:
            await self._outbox.close()
            for task in self._loads:
                task.cancel()
            await asyncio.gather(*self._loads, return_exceptions=True)

    async def _come_and_go(self) -> None:
        attempt = 0
        while not self.is_gone:
            before = self.connected_count
            await self._may_connect.wait()
            with suppress(OSError, InvalidHandshake, TimeoutError, ConnectionClosed, EOFError):
                await self._converse()
            self._lost()
            attempt = 0 if self.connected_count > before else attempt + 1
            if not self.is_gone:
                most = min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempt)
                await asyncio.sleep(self._rng.uniform(0, most))  # full jitter, as the protocol says

    async def _converse(self) -> None:
        token = {"Authorization": f"Bearer {self.account.access_token}"}
        async with connect(
            self._url(),
            additional_headers=token,
            max_size=None,
            compression=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
            proxy=None,
        ) as raw:
            async with asyncio.timeout(READY_SECONDS):
                assert json.loads(await raw.recv())["type"] == "ready"
            self._raw = raw
            self.connected_count += 1
            for room_id in self.rooms:
                self._subscribe(room_id)
            watch = asyncio.create_task(self._watch(raw))
            try:
                async for frame in raw:
                    self._handle(json.loads(frame))
            finally:
                watch.cancel()
                self.close_codes.append(raw.close_code)
                self.is_gone = self.is_gone or (raw.close_code or 0) >= GONE

    def _lost(self) -> None:
        self._raw = None
        self.live.clear()
        self._subscribing.clear()
        self._outbox.lost()
        self._changed.set()

    async def _watch(self, raw: ClientConnection) -> None:
        """Send temporarily refused messages again, and abort a connection that does not answer."""
        while True:
            await asyncio.sleep(RETRY_SECONDS / 2)
            if self._outbox.send_due(self.live):
                raw.transport.abort()
                return

    # -- commands

    def _subscribe(self, room_id: str) -> None:
        ref = f"subscribe-{next(self._numbers)}"
        self._subscribing[ref] = room_id
        command: dict[str, Any] = {"type": "subscribe", "room_id": room_id, "ref": ref}
        position = self.positions.get(room_id)
        if position is not None:
            command["since"] = {"epoch": position.epoch, "seq": position.seq}
        self._write(command)

    def _write(self, command: dict[str, Any]) -> None:
        raw = self._raw
        if raw is None or raw.protocol.state is not State.OPEN:
            return
        # The library's `send` would wait. The frame is made by the library all the same.
        raw.protocol.send_text(json.dumps(command).encode())
        raw.send_data()

    # -- events

    def _handle(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if is_entry(event):
            self._apply(event)
        elif kind == "ack":
            self._acked(event)
        elif kind == "error":
            self._refused(event)
        elif kind in {"live", "reset"}:
            self._begun(kind, event)
        elif kind == "membership" and event["role"] is None:
            self._out_of(event["room_id"])
        self._changed.set()

    def _apply(self, event: dict[str, Any]) -> None:
        """Advance the position by an entry of any kind. It must be the next one."""
        room_id, seq = event["room_id"], event["seq"]
        position = self.positions[room_id]
        self.history.note(
            What.RECEIVE,
            self.name,
            room_id,
            epoch=position.epoch,
            seq=seq,
            user=event.get("user_id"),
            ref=event.get("ref"),
            kind=event["type"],
            fields=fields_of(event),
        )
        if seq != position.seq + 1:
            raise BrokenContract(f"{self.name} was given {seq} of {room_id} after {position.seq}")
        position.seq = seq
        self.timelines[room_id].apply(event)

    def _acked(self, event: dict[str, Any]) -> None:
        ref = event["ref"]
        if (room_id := self._subscribing.pop(ref, None)) is not None:
            position = self.positions.setdefault(room_id, Position(event["epoch"], event["seq"]))
            self.history.note(What.SUBSCRIBE, self.name, room_id, epoch=position.epoch, seq=position.seq)
        else:
            self._outbox.answered(ref, Answer(What.ACK, event["seq"]), event["epoch"])

    def _refused(self, event: dict[str, Any]) -> None:
        ref, code = event["ref"], event["code"]
        if (room_id := self._subscribing.pop(ref, None)) is not None:
            if code in TEMPORARY:
                asyncio.get_running_loop().call_later(
                    RETRY_SECONDS, self._subscribe_again, room_id, self._raw
                )
            else:
                self._out_of(room_id)
        else:
            what = What.UNKNOWN if code == "unavailable" else What.FAIL
            self._outbox.answered(ref, Answer(what, code=code))

    def _subscribe_again(self, room_id: str, raw: ClientConnection | None) -> None:
        if raw is self._raw:
            self._subscribe(room_id)

    def _begun(self, kind: str, event: dict[str, Any]) -> None:
        room_id = event["room_id"]
        what = What.LIVE if kind == "live" else What.RESET
        told = Position(event["epoch"], event["seq"])
        if what is What.RESET:
            self.positions[room_id] = told
            self._outbox.begin_epoch(room_id)
            self._load_again(room_id)
        elif told != self.positions[room_id]:
            raise BrokenContract(
                f"{self.name} was live in {room_id} at {told}, not {self.positions[room_id]}"
            )
        self.history.note(what, self.name, room_id, epoch=event["epoch"], seq=event["seq"])
        self.live.add(room_id)
        self._outbox.send_waiting(room_id)

    def _load_again(self, room_id: str) -> None:
        if self._web is None:
            return
        timeline = self.timelines[room_id] = Timeline(is_loading=True)
        task = asyncio.create_task(self._load(self._web, room_id, timeline))
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)

    async def _load(self, web: Web, room_id: str, timeline: Timeline) -> None:
        timeline.load(await web.page(room_id, self.positions[room_id].epoch))
        self._changed.set()

    def _out_of(self, room_id: str) -> None:
        if room_id in self.rooms:
            self.rooms.remove(room_id)
            self.history.note(What.OUT, self.name, room_id, grace=0.0)
        self.live.discard(room_id)
        self._outbox.drop(room_id)

    def _note_write(self, what: What, command: Command, **more: Any) -> None:
        self.history.note(
            what,
            self.name,
            command.room_id,
            user=self.account.user_id,
            ref=command.ref,
            kind=command.kind,
            fields=fields_of(command.fields),
            **more,
        )
        self._changed.set()
