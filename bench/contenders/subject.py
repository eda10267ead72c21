"""A server under measurement: its process, its database, and how a socket talks to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.machine.load import Plan, Socket
from bench.machine.process import Process

DELIVERED_BYTES: Final = 280
"""The approximate size of a delivered message of Tailwire. Peers deliver as many bytes."""
PADDING: Final = " The quick brown fox jumps over the lazy dog; sixty characters."
"""Fills a body up to a hundred characters, with the mark of load.c before it."""


def peer_text() -> str:
    """Return the message that a peer gets and sends to all. It is as long as Tailwire's."""
    head, tail = '{"type":"message","room":"lobby","username":"bench","padding":"', f'","body":"@{PADDING}"}}'
    mark_bytes = 36  # the mark that load.c puts in place of the `@`, less that one
    return head + "x" * (DELIVERED_BYTES - len(head) - len(tail) - mark_bytes) + tail


class Missing(Exception):
    """A contender cannot run here; the message says what it lacks."""


@dataclass
class Subject:
    """See the module.

    `heads` are header lines for handshakes, one for each user; the sockets use them in turn. `beside` are Tailwire's
    other nodes, and `store` is the URL of its store.
    """

    process: Process
    socket: Socket
    path: str = "/"
    heads: Sequence[str] = ("",)
    database: Process | None = None
    beside: Sequence[Process] = ()
    is_engine_io: bool = False
    store: str = ""

    def sockets(self, count: int, *, senders: int = 0) -> list[Socket]:
        """Return `count` subscribers of one room. The first `senders` of them also send."""
        return [
            replace(self.socket, sends=number < senders, head=self.heads[number % len(self.heads)])
            for number in range(count)
        ]

    def plan(self, sockets: Sequence[Socket], **more: float) -> Plan:
        """Return a plan for these sockets."""
        return Plan(sockets, self.path, engine_io=self.is_engine_io, **more)  # type: ignore[arg-type]
