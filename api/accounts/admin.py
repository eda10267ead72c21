"""What administrators do with accounts, on the command line and over HTTP."""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from api.accounts.accounts import OnErasing
from api.accounts.audit import Audit
from api.accounts.directory import account_named, make_account
from api.accounts.endings import SessionEndings
from api.accounts.passwords import Passwords
from api.accounts.proof import replace_password
from api.accounts.sessions import usable_sessions
from api.accounts.weak_passwords import check_password
from api.errors import Conflict, FieldError, Invalid, NotFound
from api.limits.concurrency import ConcurrencyLimit
from api.models.accounts import (
    Account,
    AccountFilter,
    AccountState,
    Audited,
    AuditEvent,
    AuditFilter,
    Session,
    SessionKind,
)
from api.models.page import Page
from api.store.base.store import Store

Word = TypeVar("Word", bound=StrEnum)

GENERATED_PASSWORD_BYTES: Final = 15
"""A generated password has 120 random bits, which are 20 characters in base64."""


@dataclass(frozen=True, slots=True)
class Actor:
    """The administrator who acts. Both fields are None on the command line, which knows no account."""

    user_id: str | None = None
    address: str | None = None

    @property
    def is_person(self) -> bool:
        """Whether an administrator acts over HTTP. The command line may take away even the last administrator."""
        return self.user_id is not None


class Admin:
    """Administers accounts. Each change is in the audit log when its method returns.

    Methods raise `NotFound` for an unknown user.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        passwords: Passwords,
        audit: Audit,
        endings: SessionEndings,
        hashing: ConcurrencyLimit,
        on_erasing: OnErasing,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._audit = audit
        self._endings = endings
        self._hashing = hashing
        self._on_erasing = on_erasing

    async def account(self, user_id: str) -> Account:
        """Return an account."""
        account = await self._store.accounts.get(user_id)
        if account is None:
            raise NotFound("There is no such account")
        return account

    async def account_by_name(self, username: str) -> Account:
        """Return the account with this name. Raises `Invalid`."""
        account = await account_named(self._store, username)
        if account is None:
            raise NotFound("There is no account with this name: `tailwire user list` shows all")
        return account

    async def accounts(
        self, text: str | None = None, state: str | None = None, *, cursor: str | None, limit: int
    ) -> Page[Account]:
        """List the accounts that `AccountFilter` chooses: all, if both are None. Raises `BadCursor`, `Invalid`."""
        matching = AccountFilter(text, _one_of(AccountState, "state", state))
        return await self._store.accounts.all(matching, cursor=cursor, limit=limit)

    async def create(self, username: str, password: str, display_name: str | None, actor: Actor) -> Account:
        """Make an account. Raises `Invalid`, `UsernameTaken`."""
        async with self._hashing.take():
            user = await make_account(self._store, self._passwords, username, password, display_name)
            await self._record(Audited.CREATED, user.id, actor)
        return await self.account(user.id)

    async def change(
        self, user_id: str, *, disabled: bool | None, admin: bool | None, actor: Actor
    ) -> Account:
        """Change the flags of an account that are not None, and return the account. Raises `Conflict`."""
        if admin is not None:
            await self.set_admin(user_id, admin, actor)
        if disabled is not None:
            await self.set_disabled(user_id, disabled, actor)
        return await self.account(user_id)

    async def set_disabled(self, user_id: str, disabled: bool, actor: Actor) -> None:
        """Disable an account and end its sessions, or enable it again. Raises `Conflict`."""
        _require_another(user_id, actor)
        await self._store.accounts.set_flags(user_id, disabled=disabled, one_remains=actor.is_person)
        if disabled:
            await self._endings.all_of(user_id)
        await self._record(Audited.DISABLED if disabled else Audited.ENABLED, user_id, actor)

    async def set_admin(self, user_id: str, admin: bool, actor: Actor) -> None:
        """Make a user an administrator, or take that right away. Raises `Conflict`."""
        _require_another(user_id, actor)
        _require_person(await self.account(user_id))
        await self._store.accounts.set_flags(user_id, admin=admin, one_remains=actor.is_person)
        await self._record(Audited.PROMOTED if admin else Audited.DEMOTED, user_id, actor)

    async def reset_password(self, user_id: str, password: str, actor: Actor) -> None:
        """Set a user's password, also where they have none yet, and end all their sessions and tokens.

        Raises `Invalid`, and `Conflict` for the administrator's own password: that is changed with the old one.
        """
        if user_id == actor.user_id:
            raise Conflict("Change your own password with the old one")
        async with self._hashing.take():
            account = await self.account(user_id)
            _require_person(account)
            check_password(password, account.user.username)
            new_hash = await self._passwords.hash(password)
            await replace_password(self._store, self._endings, user_id, new_hash)
            await self._endings.all_of(user_id)
            await self._record(Audited.PASSWORD_RESET, user_id, actor)

    async def erase(self, user_id: str, actor: Actor) -> None:
        """Begin to erase an account as its user would, and end its sessions. Nothing can stop it once it has begun.

        A background job does the rest after this returns. Raises `Conflict`.
        """
        _require_another(user_id, actor)
        await self._store.erasure.begin(user_id, one_remains=actor.is_person)
        try:
            await self._record(Audited.ERASED, user_id, actor)
            await self._endings.all_of(user_id)
        finally:
            self._on_erasing()  # the account is marked, so the job goes on whatever has failed here

    async def record_avatar_removed(self, user_id: str, actor: Actor) -> None:
        """Note in the audit log that the picture of a user was taken away."""
        await self._record(Audited.AVATAR_REMOVED, user_id, actor)

    async def sessions(self, user_id: str) -> list[Session]:
        """Return a user's log-ins that can still be used, newest first."""
        await self.account(user_id)
        return await usable_sessions(self._store, user_id)

    async def tokens(self, user_id: str) -> list[Session]:
        """Return the tokens of a user, who may be a bot, that can still be used, newest first."""
        await self.account(user_id)
        return await usable_sessions(self._store, user_id, SessionKind.TOKEN)

    async def end_token(self, user_id: str, token_id: str, actor: Actor) -> None:
        """End one token of a user. Raises `NotFound` for one that is not theirs."""
        if token_id not in {one.id for one in await self.tokens(user_id)}:
            raise NotFound("There is no such token")
        await self._endings.one(token_id)
        await self._record(Audited.TOKEN_ENDED, user_id, actor)

    async def end_sessions(self, user_id: str, actor: Actor) -> list[str]:
        """End all log-ins and tokens of a user and those of their bots, and return their ids."""
        await self.account(user_id)
        ended = await self._endings.all_of(user_id)
        await self._record(Audited.SESSION_ENDED, user_id, actor)
        return ended

    async def end_session(self, user_id: str, session_id: str, actor: Actor) -> None:
        """End one session of a user. Raises `NotFound` for one that is not theirs."""
        if session_id not in {one.id for one in await self.sessions(user_id)}:
            raise NotFound("There is no such session")
        await self._endings.one(session_id)
        await self._record(Audited.SESSION_ENDED, user_id, actor)

    async def audit_log(
        self, event: str | None = None, user_id: str | None = None, *, cursor: str | None, limit: int
    ) -> tuple[Page[AuditEvent], dict[str, str]]:
        """List the events of the audit log that `AuditFilter` chooses, newest first, and usernames by their ids.

        Accounts that are gone have no name. Raises `BadCursor`, `Invalid`.
        """
        matching = AuditFilter(_one_of(Audited, "event", event), user_id)
        page = await self._store.audit.all(matching, cursor=cursor, limit=limit)
        ids = {id_ for one in page.items for id_ in (one.actor_id, one.subject_id) if id_ is not None}
        accounts = await self._store.accounts.get_many(list(ids))
        return page, {id_: account.user.username for id_, account in accounts.items()}

    async def _record(self, event: Audited, user_id: str, actor: Actor) -> None:
        await self._audit.record(event, actor_id=actor.user_id, subject_id=user_id, address=actor.address)


def _one_of(words: type[Word], field: str, text: str | None) -> Word | None:
    """Return the word of an enumeration, or None for None. Raises `Invalid` about `field`."""
    if text is None:
        return None
    if text not in set(words):
        raise Invalid(errors=(FieldError((field,), f"must be one of {', '.join(words)}"),))
    return words(text)


def new_password() -> str:
    """Return a random password of `GENERATED_PASSWORD_BYTES`."""
    return secrets.token_urlsafe(GENERATED_PASSWORD_BYTES)


def _require_person(account: Account) -> None:
    """Raise `Conflict` for a bot, which neither logs in nor administers."""
    if account.user.is_bot:
        raise Conflict("This is a bot: it has no password, and is never an administrator")


def _require_another(user_id: str, actor: Actor) -> None:
    """Raise `Conflict` when administrators change their own account, so that one administrator always remains."""
    if user_id == actor.user_id:
        raise Conflict("Another administrator must do this to you")
