"""Word between the open stores of one database, in this process and in others, that something was committed.

Each open store binds a unix datagram socket in one directory per database; whoever commits sends an empty
datagram to all the others. It is a hint that saves waiting for the next poll, which alone serves where there
are no unix sockets, or the directory is not ours, or a datagram is lost.
"""

import asyncio
import hashlib
import os
import secrets
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

_DATAGRAM_BYTES: Final = 16
_BIND_ATTEMPTS: Final = 3  # another store may remove the empty directory between our making and our using it


class Wake:
    """Rings the others' bells and hears its own. All but `ring_others` belongs to the event loop."""

    def __init__(self, database: Path) -> None:
        name = hashlib.sha256(os.fsencode(database.resolve())).hexdigest()[:16]
        self._directory = Path(tempfile.gettempdir()) / f"tailwire-{_user_id()}-{name}"
        self._own = self._directory / secrets.token_hex(8)
        self._socket: socket.socket | None = None
        self._listening: set[Callable[[], None]] = set()

    def open(self) -> None:
        """Begin to hear the others."""
        if not hasattr(socket, "AF_UNIX"):
            return
        try:
            self._socket = self._bound()
        except OSError as error:
            structlog.get_logger("api.store").warning("store.no_wake", reason=error.strerror or str(error))
            return
        asyncio.get_running_loop().add_reader(self._socket, self._heard, self._socket)
        self.ring_others()  # nothing is new; but it clears away the sockets of processes that were killed

    def close(self) -> None:
        """Hear and be heard no more; wake who listens, for the last time. Harmless twice."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._own.unlink(missing_ok=True)
            with suppress(OSError):  # others still use it
                self._directory.rmdir()
        self._ring_own()

    @contextmanager
    def listening(self, heard: Callable[[], None]) -> Iterator[None]:
        """Have `heard` called whenever somebody else may have committed something."""
        self._listening.add(heard)
        try:
            yield
        finally:
            self._listening.discard(heard)

    def _ring_own(self) -> None:
        for heard in self._listening:
            heard()

    def ring_others(self) -> None:
        """Wake the listeners of every other store. From any thread; never waits."""
        bell = self._socket
        if bell is None:
            return
        with suppress(OSError):
            for name in os.listdir(self._directory):  # noqa: PTH208 - runs at every commit; half the cost
                if name != self._own.name:
                    self._ring(bell, self._directory / name)

    def _ring(self, bell: socket.socket, other: Path) -> None:
        try:
            bell.sendto(b"", str(other))
        except ConnectionRefusedError:  # its process has gone without closing
            other.unlink(missing_ok=True)
        except OSError:  # just closed, or so many datagrams wait there that one more tells nothing new
            pass

    def _heard(self, bell: socket.socket) -> None:
        with suppress(BlockingIOError):
            while True:
                bell.recv(_DATAGRAM_BYTES)
                self._ring_own()

    def _bound(self) -> socket.socket:
        for _ in range(_BIND_ATTEMPTS):
            with suppress(FileNotFoundError):
                self._directory.mkdir(mode=0o700, exist_ok=True)
                self._require_private()
                return self._bind()
        raise FileNotFoundError

    def _bind(self) -> socket.socket:
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            bell.setblocking(False)
            bell.bind(str(self._own))
        except BaseException:
            bell.close()
            raise
        return bell

    def _require_private(self) -> None:
        """Refuse a directory that somebody else has put in the way of ours."""
        status = self._directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != _user_id() or status.st_mode & 0o077:
            raise PermissionError(0, "the directory for wake-up sockets is not ours alone")


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
