"""Puts the embedded store together: one SQLite file, which every process of the machine may open.

One thread writes, and commits all waiting writes together (writer.py); a few threads read. A write is answered only
when it is on the disk. The writer hands new entries to the open tails. A tail finds the entries of other processes by
reading on from the last id that it has seen (tail.py): at once when they send it a wake-up (wake.py), else a little
later.
"""

# ruff: noqa: D102 - what each method takes and promises stands in `Store`

import time
from typing import Final

import apsw

from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Opening, Store
from api.store.sqlite.accounts import SqliteAccounts
from api.store.sqlite.attachments import SqliteAttachments
from api.store.sqlite.attempts import SqliteAttempts
from api.store.sqlite.audit import SqliteAudit
from api.store.sqlite.blocks import SqliteBlocks
from api.store.sqlite.changes import SqliteChanges
from api.store.sqlite.consumers import SqliteConsumers
from api.store.sqlite.database import Database
from api.store.sqlite.deletions import SqliteDeletions
from api.store.sqlite.deliveries import SqliteDeliveries
from api.store.sqlite.erasure import SqliteErasure
from api.store.sqlite.hooks import SqliteHooks
from api.store.sqlite.invites import SqliteInvites
from api.store.sqlite.leases import SqliteLeases
from api.store.sqlite.log import SqliteLog
from api.store.sqlite.members import SqliteMembers
from api.store.sqlite.mentions import SqliteMentions
from api.store.sqlite.nodes import SqliteNodes
from api.store.sqlite.pauses import SqlitePauses
from api.store.sqlite.positions import SqlitePositions
from api.store.sqlite.presence import SqlitePresence
from api.store.sqlite.reports import SqliteReports
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.rooms import SqliteRooms
from api.store.sqlite.sessions import SqliteSessions
from api.store.sqlite.signals import SqliteSignals
from api.store.sqlite.tail import Commit, commit_of
from api.store.sqlite.wake import Wake
from api.store.sqlite.webhooks import SqliteWebhooks
from api.store.sqlite.writer import SnapshotReader, Writer

_READERS: Final = 2  # threads, so that one long page does not hold up every other read


class SqliteStore(Store):
    """A store in one SQLite file. `Store` states its promises, and `open` makes one."""

    def __init__(self, database: Database, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._database = database
        self._log = log = RoomLog()
        self._wake = Wake(database.path)
        self._reader = reader = SnapshotReader(database)
        changes = SqliteChanges(reader, log, self._wake, quiet_seconds)
        self._signals = SqliteSignals(self._wake, changes.hear)
        self._wake.on_payload(self._signals.hear)
        self._writer = writer = Writer(
            database,
            commit_of=commit_of,
            on_commit=changes.hand,
            after_commit=self._committed,
            tidy=log.forget_erased,
        )
        super().__init__(
            accounts=SqliteAccounts(reader, writer),
            sessions=SqliteSessions(reader, writer),
            rooms=SqliteRooms(reader, writer, log),
            members=SqliteMembers(reader, writer, log),
            mentions=SqliteMentions(reader, log),
            log=SqliteLog(reader, writer, log),
            blocks=SqliteBlocks(reader, writer),
            reports=SqliteReports(reader, writer),
            deletions=SqliteDeletions(reader, writer, log),
            pauses=SqlitePauses(writer),
            audit=SqliteAudit(reader, writer),
            attachments=SqliteAttachments(reader, writer),
            attempts=SqliteAttempts(writer),
            hooks=SqliteHooks(reader, writer),
            invites=SqliteInvites(reader, writer),
            erasure=SqliteErasure(reader, writer, log),
            changes=changes,
            signals=self._signals,
            leases=SqliteLeases(reader, writer),
            nodes=SqliteNodes(reader, writer),
            positions=SqlitePositions(reader, writer),
            consumers=SqliteConsumers(reader, writer),
            presence=SqlitePresence(reader, writer, self._wake),
            webhooks=SqliteWebhooks(reader, writer),
            deliveries=SqliteDeliveries(reader, writer),
        )

    @classmethod
    async def open(
        cls, url: str, opening: Opening = Opening.PREPARE, *, quiet_seconds: float = QUIET_SECONDS
    ) -> "SqliteStore":
        """Open the store at `sqlite:///path`. Raises `Invalid`, `Unavailable`."""
        store = cls(Database(url, opening), quiet_seconds)
        try:
            await store._writer.start()
            await store._reader.start(_READERS)
            store._wake.open()
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        self._reader.stop()
        self._writer.stop()
        try:
            await self._reader.close()
            await self._writer.close()
        finally:
            self._signals.close()
            self._wake.close()  # last, as the other processes must still hear of the last commit

    async def check(self) -> None:
        await self._reader.do(lambda cursor: cursor.execute("SELECT seq FROM rooms LIMIT 1").fetchone())
        await self._writer.do(lambda _cursor: None)  # takes the write lock, and changes and flushes nothing

    def size_bytes(self) -> int | None:
        return self._database.size_bytes()

    async def clock(self) -> int:
        return time.time_ns() // 1_000_000  # every process of a database is on one machine

    async def keep(self, name: str, value: str) -> str:
        return await self._writer.do(lambda cursor: _keep(cursor, name, value))

    async def kept(self, name: str) -> str | None:
        return await self._reader.do(lambda cursor: _kept(cursor, name))

    def _committed(self, commit: Commit) -> None:
        """Do the work after a commit for which its callers need not wait. It runs on the writer's thread."""
        self._wake.notify_others()
        self._database.committed(commit.position.entry_id)


def _keep(cursor: apsw.Cursor, name: str, value: str) -> str:
    """Store a value unless one is stored already; return the stored one."""
    cursor.execute("INSERT INTO kept (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
    return str(_kept(cursor, name))


def _kept(cursor: apsw.Cursor, name: str) -> str | None:
    row = cursor.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
