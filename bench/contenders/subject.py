"""A server that is measured: its process, the database behind it, and how a socket is to speak with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.machine.load import Plan, Socket
from bench.machine.process import Process

DELIVERED_BYTES: Final = 280
"""About what a message of Tailwire's is as it arrives; peers deliver as much."""
PADDING: Final = " The quick brown fox jumps over the lazy dog; sixty characters."
"""With the mark of load.c before it, a body of a hundred characters."""


def peer_text() -> str:
    """Return the message that a peer is sent, and sends to all: as long as Tailwire's."""
    head, tail = '{"type":"message","room":"lobby","username":"bench","padding":"', f'","body":"@{PADDING}"}}'
    mark_bytes = 36  # what load.c puts in place of the `@`, less one
    return head + "x" * (DELIVERED_BYTES - len(head) - len(tail) - mark_bytes) + tail


class Missing(Exception):
    """A contender cannot run here; the message says what it lacks."""


@dataclass
class Subject:
    """See the module.

    `heads` are handshake lines that the sockets share out among themselves, a user's each; `store` is where Tailwire
    keeps things.
    """

    process: Process
    socket: Socket
    path: str = "/"
    heads: Sequence[str] = ("",)
    database: Process | None = None
    is_engine_io: bool = False
    store: str = ""

    def sockets(self, count: int, *, senders: int = 0) -> list[Socket]:
        """Return so many subscribers of one room, of whom the first `senders` send too."""
        return [
            replace(self.socket, sends=number < senders, head=self.heads[number % len(self.heads)])
            for number in range(count)
        ]

    def plan(self, sockets: Sequence[Socket], **more: float) -> Plan:
        """Return a plan for these sockets."""
        return Plan(sockets, self.path, engine_io=self.is_engine_io, **more)  # type: ignore[arg-type]
