"""The bodies of what is asked and told about accounts: sessions, passwords, administration, the audit log."""

from api.http.bodies.messages import Answer, Me
from api.models.log import Account, Audited, AuditEvent, Page, Session
from api.protocol.commands import Strict, timestamp

# -- requests


class PasswordChange(Strict):
    """A password and what is to replace it."""

    current_password: str
    new_password: str


class NewPassword(Strict):
    """A password for somebody else."""

    new_password: str


class Erase(Strict):
    """The password, for what cannot be undone."""

    password: str


class Flags(Strict):
    """What an administrator changes of an account."""

    disabled: bool | None = None
    admin: bool | None = None


# -- answers


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


class AccountOut(Me):
    """An account as administrators see it."""

    disabled: bool
    admin: bool
    erasing: bool

    @classmethod
    def of(cls, account: Account) -> "AccountOut":  # type: ignore[override]
        """Make one of its record."""
        return cls(
            **Me.of(account.user).model_dump(),
            disabled=account.disabled,
            admin=account.admin,
            erasing=account.erasing,
        )


class AccountsOut(Answer):
    """A page of accounts."""

    items: list[AccountOut]
    next_cursor: str | None


class AuditEventOut(Answer):
    """Who did what to whom, from where; null for what is not known."""

    at: str
    event: Audited
    actor_id: str | None
    subject_id: str | None
    address: str | None


class AuditOut(Answer):
    """A page of the audit log, newest first."""

    items: list[AuditEventOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[AuditEvent]) -> "AuditOut":
        """Make one of its record."""
        return cls(
            items=[
                AuditEventOut(
                    at=timestamp(one.at),
                    event=one.event,
                    actor_id=one.actor_id,
                    subject_id=one.subject_id,
                    address=one.address,
                )
                for one in page.items
            ],
            next_cursor=page.next_cursor,
        )
