"""Runs `tailwire` with a follower whose effects stand in a SQLite file, and who can be killed or paused at an effect.

python -m tests.faults.following EFFECTS serve

If the file EFFECTS.die-before is there, or one with `pause` or `after` in its place, the process ends or stops itself
before or after the next effect.
"""

import os
import signal
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from api import cli
from api.errors import LeaseLost
from api.jobs import wiring
from api.jobs.followers import Batch, Follower
from api.jobs.leases import LeaseHolder
from api.store.base.store import Store

NAME: Final = "mirror"
HOW: Final = {"die": signal.SIGKILL, "pause": signal.SIGSTOP}
TABLES: Final = """
CREATE TABLE IF NOT EXISTS effects (
    id INTEGER PRIMARY KEY, room_id TEXT, epoch TEXT, seq INTEGER, number INTEGER, pid INTEGER,
    UNIQUE (room_id, epoch, seq)
);
CREATE TABLE IF NOT EXISTS refused (number INTEGER);
"""


@dataclass(frozen=True)
class Effect:
    """One effect: its key, and the number of the lease and the process by which it came."""

    room_id: str
    epoch: str
    seq: int
    number: int
    pid: int


class Effects:
    """The file of effects. Whoever has a lower number than was there before changes nothing in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._open()) as connection:
            connection.execute(TABLES)

    async def handle(self, batch: Batch) -> None:
        """Make the effects of these entries, those that are not there already."""
        self._meet("before")
        with closing(self._open()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            number = batch.lease.number
            ((newest,),) = connection.execute("SELECT coalesce(max(number), 0) FROM effects")
            if newest > number:
                connection.execute("INSERT INTO refused VALUES (?)", (number,))
            else:
                connection.executemany(
                    "INSERT OR IGNORE INTO effects (room_id, epoch, seq, number, pid) VALUES (?, ?, ?, ?, ?)",
                    [(batch.room_id, batch.epoch, one.seq, number, os.getpid()) for one in batch.entries],
                )
            connection.execute("COMMIT")
        if newest > number:
            raise LeaseLost
        self._meet("after")

    def all(self) -> list[Effect]:
        """Return the effects in the order in which they were made."""
        with closing(self._open()) as connection:
            rows = connection.execute("SELECT room_id, epoch, seq, number, pid FROM effects ORDER BY id")
            return [Effect(*row) for row in rows]

    def refused(self) -> int:
        """Return how often somebody with a lower number was refused."""
        with closing(self._open()) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM refused")
            return int(count)

    def arm(self, how: str, where: str) -> None:
        """Let the process die or pause, before or after the next effect."""
        self._trigger(how, where).touch()

    def _meet(self, where: str) -> None:
        for how, number in HOW.items():
            if (trigger := self._trigger(how, where)).exists():
                trigger.unlink()
                os.kill(os.getpid(), number)

    def _trigger(self, how: str, where: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{how}-{where}")

    def _open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(5_000)
        connection.pragma("journal_mode", "wal")
        return connection


def program(path: Path) -> tuple[str, ...]:
    """Return the command of a server with this follower."""
    return (sys.executable, "-m", "tests.faults.following", str(path))


if __name__ == "__main__":
    effects = Effects(Path(sys.argv.pop(1)))

    def followers_of(store: Store, leases: LeaseHolder, /) -> list[Follower]:
        """Return the one follower."""
        return [Follower(store, leases, NAME, effects.handle)]

    wiring.followers_of = followers_of
    cli.main()
