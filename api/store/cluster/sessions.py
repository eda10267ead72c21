"""Stores and reads sessions in the RethinkDB table `sessions`.

A session ends when its row is deleted, and every feed of sessions shows that.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from api.models.accounts import Rotation, Session, SessionKind, SessionUse
from api.store.base.sessions import SET_BACK, SessionStore
from api.store.cluster.queries import rows_query
from api.store.cluster.rows import Reader, is_key
from api.store.evictions import evicted
from api.store.grants import grant_of, row_of_grant
from api.store.rethinkdb import Pool, Prepared, r


class ClusterSessions(SessionStore):
    """The table `sessions`. No session has an id that cannot be a primary key."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader

    async def create(self, session: Session, *, most: int) -> None:
        """Store a session, then end those that it evicts. Repeating is harmless."""
        await self._pool.write(_CREATE(_row(session)))
        for one in evicted(await self.of_user(session.user_id), session, most):
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
        next_hashes: Sequence[str],
        at: int,
        expires_at: int,
    ) -> tuple[Rotation, str]:
        """Use up a refresh token in one atomic update; see `SessionStore.rotate`."""
        if not is_key(session_id):
            return Rotation.UNKNOWN, ""
        asked = {
            "id": session_id,
            "presented": presented_hash,
            "next": list(next_hashes),
            "at": at,
            "expires_at": expires_at,
        }
        written = await self._pool.write(_ROTATE(asked))
        old, new = (written["changes"][0][side] for side in ("old_val", "new_val"))
        if old is None:
            return Rotation.UNKNOWN, ""
        if new is None:
            return Rotation.REUSED, ""
        is_newest = old["refresh_hash"] in {presented_hash, SET_BACK}
        return Rotation.ROTATED if is_newest else Rotation.REPEATED, new["refresh_hash"]

    async def use(self, uses: Sequence[SessionUse], *, at: int) -> None:
        """Raise the last uses of sessions, and mark the pairs that are named as used."""
        hashes: dict[str, list[str]] = {use.session_id: [] for use in uses if is_key(use.session_id)}
        for session_id, refresh_hash in uses:
            if session_id in hashes and refresh_hash is not None:
                hashes[session_id].append(refresh_hash)
        await self._pool.write(_USE({"hashes": hashes, "at": at}))

    async def end(self, session_id: str) -> bool:
        """End a session by deleting its row, which every feed shows. Returns False when there was none."""
        if not is_key(session_id):
            return False
        written = await self._pool.write(r.table("sessions").get(session_id).delete())
        return bool(written["deleted"])

    async def end_all(
        self, user_id: str, *, but: str | None = None, kind: SessionKind | None = None
    ) -> list[str]:
        """End a user's sessions, or those of one kind, except `but` if that is given, and return their ids."""
        found = await self.of_user(user_id)
        ending = [one.id for one in found if one.id != but and kind in {None, one.kind}]
        return [session_id for session_id in ending if await self.end(session_id)]


def _create(session: Any) -> Any:
    return r.table("sessions").insert(session, conflict=lambda _id, old, _new: old)


def _of_user(user_id: Any) -> Any:
    return r.table("sessions", read_mode="majority").get_all(user_id, index="user")


def _rotate(asked: Any) -> Any:
    def judge(row: Any) -> Any:
        def rotated(newest: Any) -> Any:
            return row.merge(
                {
                    "refresh_hash": newest,
                    "previous_hash": asked["presented"],
                    "pair_used": False,
                    "last_used_at": r.expr([row["last_used_at"], asked["at"]]).max(),
                    "expires_at": r.expr([row["expires_at"], asked["expires_at"]]).max(),
                }
            )

        preferred, newest = asked["next"][0], row["refresh_hash"]
        return r.branch(
            row.eq(None),
            None,
            (newest == asked["presented"]) | (newest == SET_BACK),
            rotated(preferred),
            (row["previous_hash"] == asked["presented"]) & row["pair_used"].not_(),
            rotated(r.branch(asked["next"].contains(newest), newest, preferred)),
            None,
        )

    return r.table("sessions").get(asked["id"]).replace(judge, return_changes="always")


def _use(asked: Any) -> Any:
    def used(row: Any) -> Any:
        is_named = asked["hashes"][row["id"]].contains(row["refresh_hash"])
        return {
            "last_used_at": r.expr([row["last_used_at"], asked["at"]]).max(),
            "pair_used": row["pair_used"] | is_named,
        }

    return r.table("sessions").get_all(r.args(asked["hashes"].keys())).update(used)


_CREATE: Final = Prepared(_create)
_ROTATE: Final = Prepared(_rotate)
_USE: Final = Prepared(_use)
_OF_USER: Final = Prepared(_of_user)


def _row(session: Session) -> dict[str, Any]:
    # Nodes of the version before skip a row that has a field that they do not know. So a log-in has none.
    row = {name: value for name, value in asdict(session).items() if name not in {"kind", "grant"}}
    if session.kind is not SessionKind.LOGIN:
        row["kind"] = session.kind.value
    if session.grant is not None:
        row["grant"] = row_of_grant(session.grant)
    return row


def _session(row: dict[str, Any]) -> Session:
    granted = row.get("grant")
    grant = None if granted is None else grant_of(granted)
    return Session(**{**row, "kind": SessionKind(row.get("kind", SessionKind.LOGIN)), "grant": grant})
