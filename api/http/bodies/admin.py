"""The bodies of administration and of the audit log."""

from api.http.bodies.accounts import Me
from api.http.bodies.forms import Answer
from api.models.accounts import Account, Audited, AuditEvent
from api.models.page import Page
from api.protocol.fields import Strict, timestamp

# -- requests


class NewPassword(Strict):
    """A password for somebody else."""

    new_password: str


class Flags(Strict):
    """What an administrator changes of an account."""

    disabled: bool | None = None
    admin: bool | None = None


# -- answers


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
