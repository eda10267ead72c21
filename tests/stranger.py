"""Writes into the database directly, as a newer version or a mishap would, and looks into it."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import apsw

from api.store.cluster.schema import empty_head
from api.store.rethinkdb import r
from tests.rethinkdb_server import RethinkDBServer, as_admin

POISON_TIME: Final = {"$reql_type$": "TIME", "epoch_time": 1e15, "timezone": "+00:00"}
"""A time that no driver can decode."""


class Stranger:
    """Reaches into either store. `server` is the RethinkDB of the URL, None on SQLite."""

    def __init__(self, url: str, server: RethinkDBServer | None) -> None:
        self._url = url
        self._server = server

    @property
    def is_remote(self) -> bool:
        """Whether the store is a server's, whose files nobody here reads."""
        return self._server is not None

    async def write(self, room_id: str, *rows: dict[str, Any] | None) -> None:
        """Append these rows to a room's log in one step. A row has `kind`, `data`, and what differs from `_defaults`.

        None leaves a hole: the head counts it, and no row is written.
        """
        if self._url.startswith("sqlite:///"):
            self._write_sqlite(room_id, rows)
        else:
            await self._write_rethinkdb(room_id, rows)

    async def membership_count(self, user_id: str) -> int:
        """Return of how many memberships of a user something is stored, also of those that have ended."""
        if self._server is not None:
            kept = r.table("members").filter({"user_id": user_id}).count()
            return int(await as_admin(self._server, kept))
        connection = apsw.Connection(str(Path(self._url.removeprefix("sqlite:///"))))
        try:
            query = "SELECT count(*) FROM members WHERE user_id = ?"
            return int(next(connection.execute(query, (user_id,)))[0])
        finally:
            connection.close()

    async def holds(self, text: str) -> bool:
        """Say whether a text is anywhere in the files of the SQLite database, or in any table of RethinkDB."""
        return bool(await self.held([text]))

    async def held(self, texts: Iterable[str]) -> set[str]:
        """Return those of the texts that are anywhere in the store."""
        if self._server is not None:
            rows = await self._rows()
            return {text for text in texts if text in rows}
        database = Path(self._url.removeprefix("sqlite:///"))
        kept = b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
        return {text for text in texts if text.encode() in kept}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold a snapshot of a SQLite database, as a backup does."""
        if self._server is not None:
            yield
            return
        connection = apsw.Connection(str(Path(self._url.removeprefix("sqlite:///"))))
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM entries").fetchall()
            yield
        finally:
            connection.close()

    async def end_presence(self, node_id: str, *, ago_ms: int = 3_600_000) -> None:
        """Let the last beat of a node be so long ago, by the clock of the database."""
        if self._server is not None:
            at = {"at": r.now().to_epoch_time() - ago_ms / 1000}
            await as_admin(self._server, r.table("presence").get(node_id).update(at))
            return
        at_ms = time.time_ns() // 1_000_000 - ago_ms
        self._execute("UPDATE presence SET at = ? WHERE node_id = ?", at_ms, node_id)

    async def presence_count(self) -> int:
        """Return how many nodes have a row that says who is connected to them."""
        if self._server is not None:
            return int(await as_admin(self._server, r.table("presence").count()))
        connection = apsw.Connection(str(Path(self._url.removeprefix("sqlite:///"))))
        try:
            return int(next(connection.execute("SELECT count(*) FROM presence"))[0])
        finally:
            connection.close()

    async def end_lease(self, name: str, *, in_ms: int = 0) -> None:
        """Let a lease end so many milliseconds from now, by the clock of the database."""
        if self._server is not None:
            until = r.now().to_epoch_time() + in_ms / 1000
            answer = await as_admin(self._server, r.table("leases").get(name).update({"until": until}))
            assert answer["replaced"] == 1, answer
            return
        until = time.time_ns() // 1_000_000 + in_ms
        self._execute("UPDATE leases SET until = ? WHERE name = ?", until, name)

    async def put_node(self, node_id: str, state: object, *, age_ms: int) -> None:
        """Store what a node said of itself so many milliseconds ago, by the clock of the database."""
        if self._server is not None:
            seen_at = r.now().to_epoch_time() * 1000 - age_ms
            row = {"id": node_id, "state": state, "seen_at": seen_at}
            await as_admin(self._server, r.table("nodes").insert(row, conflict="replace"))
            return
        seen_at = time.time_ns() // 1_000_000 - age_ms
        insert = "INSERT OR REPLACE INTO nodes (id, seen_at, state) VALUES (?, ?, ?)"
        self._execute(insert, node_id, seen_at, state if isinstance(state, str) else json.dumps(state))

    async def node_ids(self) -> list[str]:
        """Return the ids of all nodes of which something is stored."""
        if self._server is not None:
            found = await as_admin(self._server, r.table("nodes")["id"].coerce_to("array"))
            return sorted(map(str, found))
        connection = apsw.Connection(str(Path(self._url.removeprefix("sqlite:///"))))
        try:
            return [str(row[0]) for row in connection.execute("SELECT id FROM nodes ORDER BY id")]
        finally:
            connection.close()

    async def delete_room(self, room_id: str) -> None:
        """Mark the head of a room as deleted."""
        if self._server is not None:
            await as_admin(self._server, r.table("heads").get(room_id).update({"deleted": True}))
        else:
            self._execute("UPDATE rooms SET deleted = 1 WHERE id = ?", room_id)

    async def begin_new_epoch(self, room_id: str) -> None:
        """Begin a new epoch in a room, as after a restore, where the log ends now."""
        if self._server is not None:
            new = {"epoch": uuid.uuid4().hex, "began": r.row["seq"]}
            await as_admin(self._server, r.table("heads").get(room_id).update(new))
        else:
            self._execute("UPDATE rooms SET epoch = ?, began = seq WHERE id = ?", uuid.uuid4().hex, room_id)

    async def make_logs(self, room_ids: Sequence[str]) -> None:
        """Make empty logs of rooms that have nothing else."""
        if self._server is not None:
            await as_admin(
                self._server, r.table("heads").insert([empty_head(room_id) for room_id in room_ids])
            )
            return
        for first in range(0, len(room_ids), 100):
            some = room_ids[first : first + 100]
            values = ", ".join(["(?, '', '', 'private', 1, 'epoch')"] * len(some))
            insert = "INSERT INTO rooms (id, name, topic, visibility, created_at, epoch) VALUES"
            self._execute(f"{insert} {values}", *some)

    def _execute(self, statement: str, *values: str | int) -> None:
        connection = apsw.Connection(str(Path(self._url.removeprefix("sqlite:///"))))
        connection.set_busy_timeout(5_000)
        try:
            connection.execute(statement, values)
        finally:
            connection.close()

    async def set_back(self, room_id: str, *rows: dict[str, Any]) -> None:
        """Let a room of RethinkDB begin another epoch, and append these rows to it, in one step.

        So it is with a database that was set back and has grown before a node looks at it.
        """
        await self._write_rethinkdb(room_id, rows, epoch=uuid.uuid4().hex)

    async def _rows(self) -> str:
        assert self._server is not None
        tables = await as_admin(self._server, r.table_list())
        rows = [await as_admin(self._server, r.table(name).coerce_to("array").to_json()) for name in tables]
        return "".join(rows)

    def _write_sqlite(self, room_id: str, rows: tuple[dict[str, Any] | None, ...]) -> None:
        connection = apsw.Connection(str(Path(self._url.removeprefix("sqlite:///"))))
        connection.set_busy_timeout(5_000)
        try:
            with connection:
                for row in rows:
                    advance = "UPDATE rooms SET seq = seq + 1 WHERE id = ? RETURNING seq"
                    ((seq,),) = connection.execute(advance, (room_id,)).fetchall()
                    if row is not None:
                        whole = _defaults() | row
                        data = whole["data"] if isinstance(whole["data"], str) else json.dumps(whole["data"])
                        at = whole["at"] if isinstance(whole["at"], int) else -1  # integers only
                        values = (whole["kind"], whole["user_id"], whole["username"], at, whole["ref"])
                        connection.execute(
                            "INSERT INTO entries (kind, user_id, username, at, ref, room_id, seq, data)"
                            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                            (*values, room_id, seq, data),
                        )
        finally:
            connection.close()

    async def _write_rethinkdb(
        self, room_id: str, rows: tuple[dict[str, Any] | None, ...], **fields: str
    ) -> None:
        assert self._server is not None
        attempt = uuid.uuid4().hex
        head = r.table("heads").get(room_id)

        def longer(head: Any) -> Any:
            written = [
                r.json(
                    json.dumps(_defaults() | {"id": uuid.uuid4().hex, "digest": "", "attempt": attempt} | row)
                ).merge({"room_id": room_id, "seq": head["seq"] + number, "number": head["number"]})
                for number, row in enumerate(rows, 1)
                if row is not None
            ]
            grown = {"seq": head["seq"] + len(rows), "attempt": attempt, "tail": head["tail"] + written}
            return grown | fields

        answer = await as_admin(self._server, head.update(longer, non_atomic=True))
        assert answer["replaced"] == 1, answer


def _defaults() -> dict[str, Any]:
    return {"user_id": "stranger", "username": "stranger", "at": 1_000, "ref": None, "data": {}}
