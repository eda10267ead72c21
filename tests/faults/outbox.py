"""The commands of a client that have no answer yet. They are sent under their old refs until they have one."""

import asyncio
import itertools
import random
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from tests.faults.commands import Command
from tests.faults.history import Fields, What
from tests.faults.web import Answer, Web

RETRY_SECONDS: Final = 0.5
ACK_SECONDS: Final = 15.0
"""A socket that leaves a command unanswered for this long is taken for dead."""
TEMPORARY: Final = {"unavailable", "storage_full", "rate_limited"}
REMEMBERED: Final = 100
"""So many of the last acked commands may be sent again."""


class Note(Protocol):
    """Notes what was sent or answered."""

    def __call__(self, what: What, command: Command, **more: Any) -> None: ...


@dataclass
class Pending:
    """A command on its way. `is_known`: it was acked before, and is sent again."""

    command: Command
    is_known: bool = False
    sent_at: float | None = None
    retry_at: float | None = None


@dataclass
class Position:
    """The place of an entry of a room's log, or of the last one that a client has applied."""

    epoch: str
    seq: int


class Outbox:
    """See the module. `write` sends a frame over the socket. Without `web` nothing is sent over HTTP."""

    def __init__(
        self, name: str, rng: random.Random, write: Callable[[Fields], None], note: Note, web: Web | None
    ) -> None:
        self.pending: dict[str, Pending] = {}
        self.failure: Exception | None = None
        """What no server should have answered over HTTP."""
        self._acked: deque[tuple[Command, Position]] = deque(maxlen=REMEMBERED)
        self._name = name
        self._rng = rng
        self._write = write
        self._note = note
        self._web = web
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def new_key(self) -> str:
        """Return a key for a command."""
        return f"{self._name}-{next(self._numbers)}-{self._rng.randrange(2**32):08x}"

    def add(self, command: Command, *, now: bool, is_known: bool = False) -> None:
        """Take a command, and send it `now` or when its room is live."""
        if self._web is None:
            command = replace(command, by_http=False)
        pending = self.pending[command.key] = Pending(command, is_known)
        if now:
            self._transmit(pending)

    def add_again(self, room_id: str, epoch: str, *, now: bool) -> None:
        """Send something again that was acked in this life of a room. Its ack must be the same."""
        candidates = [
            (command, place)
            for command, place in self._acked
            if (command.room_id, place.epoch) == (room_id, epoch) and command.key not in self.pending
        ]
        if candidates:
            command, place = self._rng.choice(candidates)
            self._note(What.KNOWN, command, epoch=place.epoch, seq=place.seq)
            self.add(command, now=now, is_known=True)

    def answered(self, key: str | None, answer: Answer, epoch: str | None = None) -> None:
        """Take an answer. What has none yet, or a temporary one, is sent again."""
        pending = self.pending.get(key or "")
        if pending is None:
            return
        command = pending.command
        self._note(answer.what, command, epoch=epoch, seq=answer.seq, code=answer.code)
        if answer.what is What.UNKNOWN or answer.code in TEMPORARY:
            pending.sent_at = None
            pending.retry_at = asyncio.get_running_loop().time() + RETRY_SECONDS
            return
        del self.pending[command.key]
        if answer.seq is not None and epoch is not None:
            self._acked.append((command, Position(epoch, answer.seq)))

    def lost(self) -> None:
        """Nothing that was sent will be answered over the socket any more."""
        for pending in self.pending.values():
            if pending.sent_at is not None:
                self._note(What.UNKNOWN, pending.command)
                pending.sent_at = pending.retry_at = None

    def send_waiting(self, room_id: str) -> None:
        """Send what waits for this room, which is live now."""
        for pending in list(self.pending.values()):
            if pending.command.room_id == room_id and pending.sent_at is None:
                self._transmit(pending)

    def send_due(self, rooms: Container[str]) -> bool:
        """Send again what was refused for a while; return whether the socket leaves a command unanswered."""
        now = asyncio.get_running_loop().time()
        for pending in list(self.pending.values()):
            command = pending.command
            if pending.retry_at is not None and now >= pending.retry_at and command.room_id in rooms:
                self._transmit(pending)
            elif pending.sent_at is not None and now - pending.sent_at > ACK_SECONDS and not command.by_http:
                return True
        return False

    def drop(self, room_id: str) -> None:
        """Forget what waits for a room."""
        for key, pending in list(self.pending.items()):
            if pending.command.room_id == room_id:
                del self.pending[key]

    def begin_epoch(self, room_id: str) -> None:
        """Let no waiting message answer a seq of before, and do not send again what was acked before.

        What is under way is refused with `reset`, as it gives the epoch of before.
        """
        for key, pending in list(self.pending.items()):
            command = pending.command
            if command.room_id != room_id:
                continue
            if pending.is_known:
                del self.pending[key]
            elif command.kind == "message" and pending.sent_at is None:
                fields = {name: value for name, value in command.fields.items() if name != "reply_to"}
                pending.command = replace(command, fields=fields, epoch=None)

    async def close(self) -> None:
        """End the requests that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _transmit(self, pending: Pending) -> None:
        pending.sent_at, pending.retry_at = asyncio.get_running_loop().time(), None
        self._note(What.INVOKE, pending.command)
        if pending.command.by_http and self._web is not None:
            task = asyncio.create_task(self._carry(self._web, pending.command))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._write(pending.command.frame())

    async def _carry(self, web: Web, command: Command) -> None:
        try:
            answer = await web.carry(command)
            pending = self.pending.get(command.key)
            if pending is not None and pending.command is command:  # else it has been changed, and sent again
                self.answered(command.key, answer)
        except Exception as failure:
            self.failure = failure
            self._note(What.UNKNOWN, command)
            raise
