"""Declares the part of a store that keeps sessions and their refresh tokens."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.accounts import Rotation, Session, SessionKind, SessionUse

SET_BACK = ""
"""The `refresh_hash` of sessions in a database that was set back: their newest tokens are not known."""


class SessionStore(ABC):
    """The sessions that have not been ended. The caller decides whether one has expired.

    Every open `changes` yields a `SessionEnded` for each session that ends, for whatever reason.
    """

    @abstractmethod
    async def create(self, session: Session, *, most: int) -> None:
        """Store a new session. This ends the user's expired sessions and, if it is a log-in, log-ins beyond `most`.

        Of those, sessions that were never used end first, and then those whose last use is the longest ago. The new one
        stays.
        """

    @abstractmethod
    async def get_many(self, session_ids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that have not been ended, by their id."""

    async def get(self, session_id: str) -> Session | None:
        """Return a session that has not been ended, or None."""
        return (await self.get_many([session_id])).get(session_id)

    @abstractmethod
    async def of_user(self, user_id: str) -> list[Session]:
        """Return a user's sessions that have not been ended, newest first."""

    @abstractmethod
    async def rotate(
        self,
        session_id: str,
        *,
        presented_hash: str,
        next_hashes: Sequence[str],
        at: int,
        expires_at: int,
    ) -> tuple[Rotation, str]:
        """Use up a refresh token, atomically. Return what came of it, and the hash of the newest token.

        Tokens are given as their hashes. `next_hashes` are all tokens that may follow the presented one, the preferred
        one first. No time decides anything, so the clocks of nodes may differ.

        - The presented token is the newest one, or the database was set back, so that the newest one is not known: the
          preferred successor becomes the newest. Returns ROTATED.
        - The presented token is the one before the newest, whose pair has not been used: the newest stays. Where it is
          none of `next_hashes`, the preferred successor takes its place. Returns REPEATED.
        - The session exists, and the token is any other: the session is ended. Returns REUSED.
        - There is no such session. Returns UNKNOWN.

        Where the session stays, `last_used_at` and `expires_at` are raised to `at` and `expires_at`.
        """

    @abstractmethod
    async def use(self, uses: Sequence[SessionUse], *, at: int) -> None:
        """Store that sessions are in use: raise their `last_used_at` to `at`.

        A use that names the newest refresh token of its session also marks that token's pair as used.
        """

    @abstractmethod
    async def end(self, session_id: str) -> bool:
        """End a session. Returns False when there was none."""

    @abstractmethod
    async def end_all(
        self, user_id: str, *, but: str | None = None, kind: SessionKind | None = None
    ) -> list[str]:
        """End a user's sessions, or those of one kind, except `but` if that is given. Returns the ids of the ended."""
