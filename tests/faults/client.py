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

from tests.faults.history import History, What
from tests.node import is_entry

FIRST_WAIT_SECONDS: Final = 0.5
MOST_WAIT_SECONDS: Final = 2.0
"""Shorter than the 30 s of the protocol, because the bounds of the cases are about the server."""
RETRY_SECONDS: Final = 0.5
OPEN_SECONDS: Final = 10.0
READY_SECONDS: Final = 10.0
ACK_SECONDS: Final = 15.0
"""A socket that leaves a command unanswered for this long is taken for dead."""
TEMPORARY: Final = {"unavailable", "storage_full", "rate_limited"}
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


@dataclass
class Pending:
    """A message on its way."""

    room_id: str
    ref: str
    body: str
    sent_at: float | None = None
    retry_at: float | None = None


@dataclass
class Position:
    """The last entry of a room that the client has applied."""

    epoch: str
    seq: int


class Client:
    """See the module. `run` is its task. It calls `url` for the node's address at each connect."""

    def __init__(
        self, name: str, account: Account, rooms: Sequence[str], url: Callable[[], str], rng: random.Random
    ) -> None:
        self.name = name
        self.account = account
        self.rooms = list(rooms)
        self.history = History()
        self.positions: dict[str, Position] = {}
        self.pending: dict[str, Pending] = {}
        self.live: set[str] = set()
        self.close_codes: list[int | None] = []
        self.is_gone = False
        self.connected_count = 0
        self._url = url
        self._rng = rng
        self._numbers = itertools.count(1)
        self._raw: ClientConnection | None = None
        self._subscribing: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._may_connect = asyncio.Event()
        self._may_connect.set()

    # -- for tests

    def send(self, room_id: str, body: str | None = None, ref: str | None = None) -> Pending:
        """Send a message, now or as soon as the room is live."""
        ref = ref or f"{self.name}-{next(self._numbers)}-{self._rng.randrange(2**32):08x}"
        pending = self.pending[ref] = Pending(room_id, ref, body or f"body of {ref}")
        if room_id in self.live:
            self._transmit(pending)
        return pending

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` is true. Raises the exception that ended `run`."""
        while not condition():
            if self._failure is not None:
                raise self._failure
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
            lambda: self.is_gone or (self.is_live and not self.pending and self._has(heads or {}))
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
        for pending in self.pending.values():
            if pending.sent_at is not None:
                self._note_write(What.UNKNOWN, pending)
                pending.sent_at = pending.retry_at = None
        self._changed.set()

    async def _watch(self, raw: ClientConnection) -> None:
        """Send temporarily refused messages again, and abort a connection that does not answer."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(RETRY_SECONDS / 2)
            now = loop.time()
            for pending in list(self.pending.values()):
                if pending.retry_at is not None and now >= pending.retry_at and pending.room_id in self.live:
                    pending.retry_at = None
                    self._transmit(pending)
                elif pending.sent_at is not None and now - pending.sent_at > ACK_SECONDS:
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

    def _transmit(self, pending: Pending) -> None:
        pending.sent_at = asyncio.get_running_loop().time()
        self._note_write(What.INVOKE, pending)
        self._write({"type": "send", "room_id": pending.room_id, "ref": pending.ref, "body": pending.body})

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
            body=event.get("body"),
        )
        if seq != position.seq + 1:
            raise BrokenContract(f"{self.name} was given {seq} of {room_id} after {position.seq}")
        position.seq = seq

    def _acked(self, event: dict[str, Any]) -> None:
        ref = event["ref"]
        if (room_id := self._subscribing.pop(ref, None)) is not None:
            position = self.positions.setdefault(room_id, Position(event["epoch"], event["seq"]))
            self.history.note(What.SUBSCRIBE, self.name, room_id, epoch=position.epoch, seq=position.seq)
        elif (pending := self.pending.pop(ref, None)) is not None:
            self._note_write(What.ACK, pending, epoch=event["epoch"], seq=event["seq"])

    def _refused(self, event: dict[str, Any]) -> None:
        ref, code = event["ref"], event["code"]
        retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS
        if (room_id := self._subscribing.pop(ref, None)) is not None:
            if code in TEMPORARY:
                asyncio.get_running_loop().call_later(
                    RETRY_SECONDS, self._subscribe_again, room_id, self._raw
                )
            else:
                self._out_of(room_id)
        elif (pending := self.pending.get(ref)) is not None:
            self._note_write(What.UNKNOWN if code == "unavailable" else What.FAIL, pending, code=code)
            pending.sent_at, pending.retry_at = None, retry_at
            if code not in TEMPORARY:
                del self.pending[ref]

    def _subscribe_again(self, room_id: str, raw: ClientConnection | None) -> None:
        if raw is self._raw:
            self._subscribe(room_id)

    def _begun(self, kind: str, event: dict[str, Any]) -> None:
        room_id = event["room_id"]
        what = What.LIVE if kind == "live" else What.RESET
        told = Position(event["epoch"], event["seq"])
        if what is What.RESET:
            self.positions[room_id] = told
        elif told != self.positions[room_id]:
            raise BrokenContract(
                f"{self.name} was live in {room_id} at {told}, not {self.positions[room_id]}"
            )
        self.history.note(what, self.name, room_id, epoch=event["epoch"], seq=event["seq"])
        self.live.add(room_id)
        for pending in list(self.pending.values()):
            if pending.room_id == room_id and pending.sent_at is None:
                pending.retry_at = None
                self._transmit(pending)

    def _out_of(self, room_id: str) -> None:
        if room_id in self.rooms:
            self.rooms.remove(room_id)
            self.history.note(What.OUT, self.name, room_id, grace=0.0)
        self.live.discard(room_id)
        for ref, pending in list(self.pending.items()):
            if pending.room_id == room_id:
                del self.pending[ref]

    def _note_write(self, what: What, pending: Pending, **fields: Any) -> None:
        self.history.note(
            what,
            self.name,
            pending.room_id,
            user=self.account.user_id,
            ref=pending.ref,
            body=pending.body,
            **fields,
        )
