"""The bodies of administration and of the audit log."""

from api.http.bodies.accounts import Me
from api.http.bodies.forms import Answer
from api.models.accounts import Account, Audited, AuditEvent
from api.models.page import Page
from api.protocol.fields import Strict, timestamp

# -- requests


class NewPassword(Strict):
    """A new password for another user."""

    new_password: str


class Flags(Strict):
    """Changes of an account by an administrator. Null leaves a flag as it is."""

    disabled: bool | None = None
    admin: bool | None = None


# -- answers


class AccountOut(Me):
    """An account as administrators see it."""

    disabled: bool
    erasing: bool

    @classmethod
    def of(cls, account: Account) -> "AccountOut":  # type: ignore[override]
        """Make it from its record."""
        return cls(
            **Me.of(account.user, admin=account.admin).model_dump(),
            disabled=account.disabled,
            erasing=account.erasing,
        )


class AccountsOut(Answer):
    """A page of accounts."""

    items: list[AccountOut]
    next_cursor: str | None


class AuditEventOut(Answer):
    """An event of the audit log: `actor_id` did it to `subject_id`, from `address`. Null means unknown."""

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
        """Make it from its record."""
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
