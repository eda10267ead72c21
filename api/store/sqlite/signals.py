"""Sends signals to the other stores on a SQLite file, by the datagrams that wake them."""

# ruff: noqa: D102 - the promises stand in `SignalStore`

import asyncio
from collections.abc import Callable, Sequence

import orjson

from api.models.changes import Signal
from api.store.base.signals import SignalStore
from api.store.signals import GATHER_SECONDS, Outgoing, SignalReader, encoded
from api.store.sqlite.wake import Wake


class SqliteSignals(SignalStore):
    """The signals of one store. `heard` is called with those of the other stores."""

    def __init__(self, wake: Wake, heard: Callable[[Sequence[Signal]], None]) -> None:
        self._wake = wake
        self._heard = heard
        self._reader = SignalReader()
        self._outgoing = Outgoing()
        self._sending: asyncio.TimerHandle | None = None

    def send(self, signal: Signal) -> None:
        self._outgoing.put(signal)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._send_all)

    @property
    def sent_count(self) -> int:
        return self._outgoing.sent_count

    @property
    def dropped_count(self) -> int:
        return self._outgoing.dropped_count

    def hear(self, payload: bytes) -> None:
        """Take the payload of a datagram."""
        try:
            forms = orjson.loads(payload)
        except orjson.JSONDecodeError:
            forms = [None]
        if signals := self._reader.read(forms):
            self._heard(signals)

    def close(self) -> None:
        """Send what waits, and end."""
        if self._sending is not None:
            self._sending.cancel()
            self._send_all()

    def _send_all(self) -> None:
        self._sending = None
        while self._outgoing:
            signals = self._outgoing.take()
            were_sent = self._wake.notify_others(orjson.dumps(encoded(signals)))
            self._outgoing.note(len(signals), were_sent=were_sent)
