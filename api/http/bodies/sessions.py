"""The bodies of sessions, and of what asks for a password again."""

from api.http.bodies.forms import Answer
from api.models.accounts import Session
from api.protocol.fields import Strict, timestamp


class PasswordChange(Strict):
    """A password and what is to replace it."""

    current_password: str
    new_password: str


class Erase(Strict):
    """The password, for what cannot be undone."""

    password: str


class SessionOut(Answer):
    """A log-in. `current` says that it is the caller's."""

    id: str
    created_at: str
    last_used_at: str
    user_agent: str
    current: bool


class SessionsOut(Answer):
    """A user's sessions, newest first: never more than a few."""

    items: list[SessionOut]

    @classmethod
    def of(cls, sessions: list[Session], current_id: str) -> "SessionsOut":
        """Make one of their records."""
        return cls(
            items=[
                SessionOut(
                    id=one.id,
                    created_at=timestamp(one.created_at),
                    last_used_at=timestamp(one.last_used_at),
                    user_agent=one.user_agent,
                    current=one.id == current_id,
                )
                for one in sessions
            ]
        )
