"""The bodies of sessions, and of requests that ask for the password again."""

from api.http.bodies.forms import Answer
from api.models.accounts import Session
from api.protocol.fields import Strict, timestamp


class PasswordChange(Strict):
    """The current password and the new one."""

    current_password: str
    new_password: str


class Erase(Strict):
    """The password, because erasing an account cannot be undone."""

    password: str


class SessionOut(Answer):
    """A session. `current` is true for the caller's own."""

    id: str
    created_at: str
    last_used_at: str
    user_agent: str
    current: bool


class SessionsOut(Answer):
    """A user's sessions, newest first. They fit in one answer, because their number is limited."""

    items: list[SessionOut]

    @classmethod
    def of(cls, sessions: list[Session], current_id: str) -> "SessionsOut":
        """Make it from the records of sessions."""
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
