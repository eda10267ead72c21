"""Tells the other open stores of a database, by datagrams, that something was committed, and carries their signals.

Each open store, in this process or another, binds a unix datagram socket in a directory that is the database's own. A
store that has committed sends an empty datagram to all the others, so that they need not wait for their next poll.
Polling alone is enough where there are no unix sockets, where the directory is not ours, or where a datagram is lost.

A datagram may have a payload: signals, which may be lost. It wakes like an empty one. So no wake-up is missing when a
store's socket is full of such datagrams.
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

_DATAGRAM_BYTES: Final = 64 * 1024
"""No datagram is longer. One with as many signals as are sent together is shorter, however long their names are."""
_BIND_ATTEMPTS: Final = 3  # another store may remove the directory, still empty, before we use it


class Wake:
    """Sends wake-ups to the other stores and receives theirs. All but `notify_others` belongs to the event loop."""

    def __init__(self, database: Path) -> None:
        self._directory = _directory_of(database)
        self._own = self._directory / secrets.token_hex(8)
        self._socket: socket.socket | None = None
        self._listening: set[Callable[[], None]] = set()
        self._on_payload: Callable[[bytes], None] = lambda _payload: None

    def on_payload(self, hear: Callable[[bytes], None]) -> None:
        """Call `hear` with the payload of each datagram that has one."""
        self._on_payload = hear

    def open(self) -> None:
        """Begin to receive wake-ups."""
        if not hasattr(socket, "AF_UNIX"):
            return
        try:
            self._socket = self._bound()
        except OSError as error:
            structlog.get_logger("api.store").warning("store.no_wake", reason=error.strerror or str(error))
            return
        asyncio.get_running_loop().add_reader(self._socket, self._heard, self._socket)
        self.notify_others()  # nothing is new, but this removes the sockets of processes that were killed

    def close(self) -> None:
        """Stop sending and receiving, and call the listeners a last time. Closing twice is harmless."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._own.unlink(missing_ok=True)
            with suppress(OSError):  # others still use it
                self._directory.rmdir()
        self._notify_listeners()

    @property
    def is_alone(self) -> bool:
        """Whether no other store is open on the database. One whose process was killed may still count as open."""
        if self._socket is None:
            return False  # it is not known
        with suppress(OSError):
            return all(name == self._own.name for name in os.listdir(self._directory))  # noqa: PTH208 - see below
        return False

    @contextmanager
    def listening(self, heard: Callable[[], None]) -> Iterator[None]:
        """Call `heard` whenever another store may have committed something."""
        self._listening.add(heard)
        try:
            yield
        finally:
            self._listening.discard(heard)

    def _notify_listeners(self) -> None:
        for heard in self._listening:
            heard()

    def notify_others(self, payload: bytes = b"") -> bool:
        """Wake the listeners of every other store, and give them this payload. May be called from any thread.

        Never waits. Returns whether every other store could be given the payload.
        """
        endpoint = self._socket
        if endpoint is None:
            return False
        were_given = True
        with suppress(OSError):
            for name in os.listdir(self._directory):  # noqa: PTH208 - this runs at every commit, and costs half as much
                if name != self._own.name:
                    were_given &= self._notify(endpoint, self._directory / name, payload)
        return were_given

    def _notify(self, endpoint: socket.socket, other: Path, payload: bytes) -> bool:
        try:
            endpoint.sendto(payload, str(other))
        except ConnectionRefusedError:  # its process ended without closing it
            other.unlink(missing_ok=True)
        except OSError:  # it was just closed, or is full of datagrams that wake its store anyway
            return False
        return True

    def _heard(self, endpoint: socket.socket) -> None:
        with suppress(BlockingIOError):
            while True:
                if payload := endpoint.recv(_DATAGRAM_BYTES):
                    self._on_payload(payload)
                self._notify_listeners()

    def _bound(self) -> socket.socket:
        for _ in range(_BIND_ATTEMPTS):
            with suppress(FileNotFoundError):
                self._directory.mkdir(mode=0o700, exist_ok=True)
                self._require_private()
                return self._bind()
        raise FileNotFoundError

    def _bind(self) -> socket.socket:
        endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            endpoint.setblocking(False)
            endpoint.bind(str(self._own))
        except BaseException:
            endpoint.close()
            raise
        return endpoint

    def _require_private(self) -> None:
        """Refuse a directory of this name that belongs to another user, or that others may use."""
        status = self._directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != _user_id() or status.st_mode & 0o077:
            raise PermissionError(0, "the directory for wake-up sockets is not ours alone")


def is_open_somewhere(database: Path) -> bool:
    """Return whether a store of this user is open on a database, in any process. It may be opened a moment later."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        for endpoint in _directory_of(database).iterdir():
            with suppress(OSError):
                probe.connect(str(endpoint))
                return True
    return False


def _directory_of(database: Path) -> Path:
    name = hashlib.sha256(os.fsencode(database.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tailwire-{_user_id()}-{name}"


def _user_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
