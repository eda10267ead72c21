"""Accounts and sessions on a RethinkDB cluster."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from api.errors import NotFound, UsernameTaken
from api.models import Account, Rotation, Session, User
from api.store.base import USED_KEPT
from api.store.cluster_queries import literal
from api.store.cluster_rows import is_key
from api.store.rethinkdb import Pool, r

CLAIM_MS: Final = 60_000
"""A name claimed this long ago for an account that is still not there was claimed by who crashed."""


class Accounts:
    """Reads and writes accounts and sessions. Ids of odd shapes are nobody's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, account: Account) -> None:
        """Claim the name, then store the account. Raises `UsernameTaken`."""
        user = account.user
        claim = {"id": account.username_key, "user_id": user.id, "at": user.created_at}
        names = r.table("names")
        kept = await self._claim(
            names.insert(claim, conflict=lambda _id, old, _new: old, return_changes="always")
        )
        if kept["user_id"] != user.id:
            abandoned = kept["at"] + CLAIM_MS < claim["at"] and not await self.users([kept["user_id"]])
            if not abandoned:
                raise UsernameTaken
            taken_over = names.get(account.username_key).update(
                lambda row: r.branch(row["user_id"] == kept["user_id"], claim, {}), return_changes="always"
            )
            if (await self._claim(taken_over))["user_id"] != user.id:
                raise UsernameTaken
        row = {
            "id": user.id,
            "username": user.username,
            "username_key": account.username_key,
            "display_name": user.display_name,
            "password_hash": account.password_hash,
            "created_at": user.created_at,
        }
        await self._pool.write(r.table("users").insert(row, conflict=lambda _id, old, _new: old))

    async def _claim(self, write: Any) -> dict[str, Any]:
        written = await self._pool.write(write)
        kept: dict[str, Any] = written["changes"][0]["new_val"]
        return kept

    async def by_name(self, username_key: str) -> Account | None:
        """Return the account with this unique name."""
        if not is_key(username_key):
            return None
        names, users = (r.table(name, read_mode="majority") for name in ("names", "users"))
        row = await self._pool.run(
            names.get(username_key).do(
                lambda claim: r.branch(claim.eq(None), None, users.get(claim["user_id"]))
            )
        )
        return row and Account(_user(row), row["username_key"], row["password_hash"])

    async def users(self, user_ids: Sequence[str]) -> dict[str, User]:
        """Return those of these users that exist."""
        return {row["id"]: _user(row) for row in await self._get_all("users", user_ids)}

    async def change(self, user_id: str, changes: dict[str, str]) -> User:
        """Change a user's row. Raises `NotFound`."""
        if not is_key(user_id):
            raise NotFound
        written = await self._pool.write(
            r.table("users").get(user_id).update(changes, return_changes="always")
        )
        if written["skipped"]:
            raise NotFound
        return _user(written["changes"][0]["new_val"])

    async def create_session(self, session: Session) -> None:
        """Store a session; again is harmless."""
        await self._pool.write(
            r.table("sessions").insert(asdict(session), conflict=lambda _id, old, _new: old)
        )

    async def sessions(self, session_ids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that have not been ended."""
        rows = await self._get_all("sessions", session_ids)
        return {row["id"]: _session(row) for row in rows}

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
        """Use up a refresh token in one atomic update; see `Store.rotate_refresh`."""
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

    async def end_session(self, session_id: str) -> bool:
        """End a session: its row goes, which every feed sees. False when there was none."""
        if not is_key(session_id):
            return False
        written = await self._pool.write(r.table("sessions").get(session_id).delete())
        return bool(written["deleted"])

    async def _get_all(self, table: str, keys: Sequence[str]) -> list[dict[str, Any]]:
        asked = [key for key in dict.fromkeys(keys) if is_key(key)]
        if not asked:
            return []
        return await self._pool.read(r.table(table, read_mode="majority").get_all(r.args(literal(asked))))


def _user(row: dict[str, Any]) -> User:
    return User(row["id"], row["username"], row["display_name"], row["created_at"])


def _session(row: dict[str, Any]) -> Session:
    return Session(**{**row, "used": tuple((hash_, when) for hash_, when in row["used"])})
