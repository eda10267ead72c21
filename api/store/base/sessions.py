"""What a store promises of sessions."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from api.models.accounts import Rotation, Session

USED_KEPT = 32
"""A session remembers this many used refresh tokens: more than any client uses within the grace."""


class SessionStore(ABC):
    """The sessions that have not been ended. Whether one has expired is the caller's to say.

    Every open `changes` yields a `SessionEnded` for each session that ends, whatever ends it.
    """

    @abstractmethod
    async def create(self, session: Session, *, most: int) -> None:
        """Store a new session. This ends the user's expired sessions, and their oldest ones beyond `most`."""

    @abstractmethod
    async def get_many(self, session_ids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that have not been ended, by their id."""

    async def get(self, session_id: str) -> Session | None:
        """Return a session that has not been ended."""
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
        next_hash: str,
        at: int,
        grace_ms: int,
        expires_at: int,
    ) -> Rotation:
        """Use up a refresh token, atomically.

        Presented is current: next becomes current, presented the first of `used`, `last_used_at` = at and
        `expires_at` are set -> ROTATED. Presented was used up at most `grace_ms` ago, as one of the last
        `USED_KEPT` -> GRACE. Any other token of an existing session -> the session is ended, REUSED. No such
        session -> UNKNOWN.
        """

    @abstractmethod
    async def end(self, session_id: str) -> bool:
        """End a session. False when there was none."""

    @abstractmethod
    async def end_all(self, user_id: str, *, but: str | None = None) -> list[str]:
        """End a user's sessions, all but one if that is given; return the ids of those that were ended."""
