"""What users do with their own account: change, export and erase it."""

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from api.accounts.audit import Audit
from api.accounts.endings import SessionEndings
from api.accounts.export import Exported, ReadFile, export
from api.accounts.identity import Client, Identity
from api.accounts.passwords import Passwords
from api.accounts.proof import Proof, replace_password
from api.accounts.weak_passwords import check_password
from api.errors import NotFound
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Profile, User
from api.models.changes import ProfileChanged, Tell
from api.models.names import FEWEST_SEARCHED, searched_form
from api.models.page import Page
from api.store.base.store import Store

OnErasing: TypeAlias = Callable[[], None]
"""A callback that is called when an account has been marked to be erased."""


class AccountService:
    """Finds users, and changes, exports and erases their accounts."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        passwords: Passwords,
        audit: Audit,
        throttles: Throttles,
        proof: Proof,
        endings: SessionEndings,
        on_erasing: OnErasing,
        tell: Tell,
        read_file: ReadFile | None,
    ) -> None:
        self._read_file = read_file
        self._store = store
        self._passwords = passwords
        self._audit = audit
        self._throttles = throttles
        self._proof = proof
        self._endings = endings
        self._on_erasing = on_erasing
        self._tell = tell

    async def user(self, user_id: str) -> User:
        """Return a user as others see them. Raises `NotFound`, also for a user who is being erased."""
        found = await self._store.accounts.get(user_id)
        if found is None or found.erasing:
            raise NotFound
        return found.user

    async def search(self, by: str, text: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List the users whose username or display name contains `text`, for the user `by`.

        Case and accents do not matter, and less than two letters find nobody. Raises `RateLimited`, `BadCursor`.
        """
        self._throttles.search(by)
        if len(searched_form(text)) < FEWEST_SEARCHED:
            return Page([], None)
        return await self._store.accounts.named(text.strip(), cursor=cursor, limit=limit)

    async def set_profile(self, user_id: str, profile: Profile) -> User:
        """Change what a user says about themselves, and tell everybody who is connected. Raises `RateLimited`."""
        self._throttles.change_profile(user_id)
        user = await self._store.accounts.set_profile(user_id, profile)
        self._tell(ProfileChanged.of(user), None)
        return user

    async def change_password(self, identity: Identity, current: str, new: str, client: Client) -> None:
        """Replace a user's password and end all their sessions but this one.

        Raises what `Proof.by_password` raises, and `Invalid` for a weak new password.
        """
        user = identity.user
        async with self._proof.by_password(identity, current, field="current_password"):
            check_password(new, user.username, "new_password")
            new_hash = await self._passwords.hash(new)
            await replace_password(self._store, self._endings, user.id, new_hash, but=identity.session_id)
            await self._audit.note(Audited.PASSWORD_CHANGED, user.id, client.address)

    async def erase(self, identity: Identity, password: str, client: Client) -> None:
        """Begin to erase an account, and end its sessions. Nothing can stop the erasure once it has begun.

        A background job does the rest after this returns. Raises what `Proof.by_password` raises, and `Conflict` for
        the last administrator.
        """
        user = identity.user
        async with self._proof.by_password(identity, password, field="password"):
            await self._store.erasure.begin(user.id, one_remains=True)
            try:
                await self._audit.record(
                    Audited.ERASED, actor_id=user.id, subject_id=user.id, address=client.address
                )
                await self._endings.all_of(user.id)
            finally:
                self._on_erasing()  # the account is marked, so the job goes on whatever has failed here

    async def export(self, identity: Identity, client: Client) -> AsyncIterator[Exported]:
        """Return an iterator over everything that a user wrote and owns. Raises `RateLimited`."""
        self._throttles.export(identity.user.id)
        await self._audit.note(Audited.EXPORTED, identity.user.id, client.address)
        return export(self._store, identity.user, identity.session_id, self._read_file)
