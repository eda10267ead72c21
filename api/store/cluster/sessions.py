"""Stores and reads sessions in the RethinkDB table `sessions`.

A session ends when its row is deleted, and every feed of sessions shows that.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from api.models.accounts import Rotation, Session, SessionKind
from api.store.base.sessions import USED_KEPT, SessionStore
from api.store.cluster.queries import rows_query
from api.store.cluster.rows import Reader, is_key
from api.store.rethinkdb import Pool, Prepared, r


class ClusterSessions(SessionStore):
    """The table `sessions`. No session has an id that cannot be a primary key."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def create(self, session: Session, *, most: int) -> None:
        """Store a session, then end the user's expired ones and the oldest beyond `most`. Repeating is harmless."""
        await self._pool.write(_CREATE(_row(session)))
        mine = await self.of_user(session.user_id)
        live = [one for one in mine if one.expires_at > session.created_at]
        for one in [*(one for one in mine if one not in live), *live[most:]]:
            await self.end(one.id)

    async def get_many(self, session_ids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that have not been ended."""
        rows = await self._pool.read(rows_query("sessions", session_ids))
        return {one.id: one for one in self._reader.read(rows, _session)}

    async def of_user(self, user_id: str) -> list[Session]:
        """Return a user's sessions, newest first."""
        if not is_key(user_id):
            return []
        rows = await self._pool.read(_OF_USER(user_id))
        return sorted(
            self._reader.read(rows, _session), key=lambda one: (one.created_at, one.id), reverse=True
        )

    async def rotate(
        self,
        session_id: str,
        *,
        presented_hash: str,
        next_hash: str,
        at: int,
        grace_ms: int,
        expires_at: int,
    ) -> Rotation:
        """Use up a refresh token in one atomic update; see `SessionStore.rotate`."""
        if not is_key(session_id):
            return Rotation.UNKNOWN

        def judge(row: Any) -> Any:
            recent = row["used"].filter(lambda one: one[1] >= at - grace_ms)
            rotated = {
                "refresh_hash": next_hash,
                "used": recent.prepend([presented_hash, at]).limit(USED_KEPT),
                "last_used_at": at,
                "expires_at": expires_at,
            }
            return r.branch(
                row.eq(None),
                None,
                row["refresh_hash"] == presented_hash,
                row.merge(rotated),
                recent.map(lambda one: one[0]).contains(presented_hash),
                row,
                None,
            )

        written = await self._pool.write(
            r.table("sessions").get(session_id).replace(judge, return_changes="always")
        )
        old, new = (written["changes"][0][side] for side in ("old_val", "new_val"))
        if old is None:
            return Rotation.UNKNOWN
        if new is None:
            return Rotation.REUSED
        return Rotation.ROTATED if old["refresh_hash"] == presented_hash else Rotation.GRACE

    async def end(self, session_id: str) -> bool:
        """End a session by deleting its row, which every feed shows. Returns False when there was none."""
        if not is_key(session_id):
            return False
        written = await self._pool.write(r.table("sessions").get(session_id).delete())
        return bool(written["deleted"])

    async def end_all(self, user_id: str, *, but: str | None = None) -> list[str]:
        """End a user's sessions, except `but` if that is given, and return their ids."""
        return [one.id for one in await self.of_user(user_id) if one.id != but and await self.end(one.id)]


def _create(session: Any) -> Any:
    return r.table("sessions").insert(session, conflict=lambda _id, old, _new: old)


def _of_user(user_id: Any) -> Any:
    return r.table("sessions", read_mode="majority").get_all(user_id, index="user")


_CREATE: Final = Prepared(_create)
_OF_USER: Final = Prepared(_of_user)


def _row(session: Session) -> dict[str, Any]:
    row = asdict(session) | {"kind": session.kind.value}
    if session.kind is SessionKind.LOGIN:
        del row["kind"]  # nodes of the version before skip a row that has a field that they do not know
    return row


def _session(row: dict[str, Any]) -> Session:
    return Session(
        **{
            **row,
            "used": tuple((hash_, when) for hash_, when in row["used"]),
            "kind": SessionKind(row.get("kind", SessionKind.LOGIN)),
        }
    )
