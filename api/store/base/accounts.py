"""Declares the part of a store that keeps accounts: their names, passwords and flags."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from api.models.accounts import ALL_ACCOUNTS, Account, AccountFilter, Profile, User
from api.models.page import Page

LAST_ADMINISTRATOR: Final = "This is the last administrator: make another one first"


class AccountStore(ABC):
    """The accounts. No two of them have the same `username_key`."""

    @abstractmethod
    async def create(self, account: Account) -> None:
        """Store a new account with its flags. Raises `UsernameTaken` when its `username_key` is in use.

        The account is not yet a member of the lobby; `members.join` admits it.
        """

    @abstractmethod
    async def by_name(self, username_key: str) -> Account | None:
        """Return the account with this unique name, or None."""

    @abstractmethod
    async def get_many(self, user_ids: Sequence[str]) -> dict[str, Account]:
        """Return those of these accounts that exist, by their id."""

    async def get(self, user_id: str) -> Account | None:
        """Return the account of this user, or None."""
        return (await self.get_many([user_id])).get(user_id)

    @abstractmethod
    async def has_admin(self) -> bool:
        """Say whether there is an administrator, who may be disabled, but is not being erased."""

    @abstractmethod
    async def all(
        self, matching: AccountFilter = ALL_ACCOUNTS, *, cursor: str | None, limit: int
    ) -> Page[Account]:
        """List all accounts, or those that a filter chooses, in a stable order.

        Raises `BadCursor`, also for the cursor of another filter.
        """

    @abstractmethod
    async def named(self, text: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List the users whose username or display name contains a text, without disabled ones.

        Names are compared in the form in which they are searched. Those whose username begins with the text come first,
        each part in the order of usernames. No more than `LOOKED_AT` of the others are looked at for a page, so a page
        may be short and have a next one. Raises `BadCursor`, also for the cursor of another text.
        """

    @abstractmethod
    async def bots_of(self, owner_id: str, *, cursor: str | None, limit: int) -> Page[Account]:
        """List the bots that belong to a user, oldest first, also those that are being erased.

        Raises `BadCursor`, also for the cursor of another user.
        """

    @abstractmethod
    async def set_profile(self, user_id: str, profile: Profile) -> User:
        """Change what a user says about themselves. Raises `NotFound`."""

    @abstractmethod
    async def set_password_hash(self, user_id: str, password_hash: str, *, over: str | None = None) -> None:
        """Replace a password hash; if `over` is given, only if that is the present one. Raises `NotFound`."""

    @abstractmethod
    async def set_flags(
        self,
        user_id: str,
        *,
        disabled: bool | None = None,
        admin: bool | None = None,
        one_remains: bool = False,
    ) -> Account:
        """Change the flags that are given. Raises `NotFound`, also for an account that is being erased.

        With `one_remains` it raises `Conflict` when no administrator would be left who can log in. This is decided
        together with the change, so of two such changes at once, on any nodes, one is refused.
        """
