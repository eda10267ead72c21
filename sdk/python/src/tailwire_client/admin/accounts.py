"""The accounts of a server."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tailwire_client.account import Login
from tailwire_client.shape import read, read_all
from tailwire_client.web import Web, given, items_of, path

State = Literal["admin", "disabled", "erasing"]


@dataclass(frozen=True)
class AccountOfUser:
    """An account as administrators see it. `owner_id` is the person to whom a bot belongs."""

    id: str
    username: str
    display_name: str
    created_at: datetime
    admin: bool
    disabled: bool
    erasing: bool
    status_text: str = ""
    time_zone: str | None = None
    avatar: str | None = None
    is_bot: bool = False
    owner_id: str | None = None


class Accounts:
    """`Client.admin.accounts`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    def all(
        self, part_of_name: str | None = None, *, state: State | None = None
    ) -> AsyncIterator[AccountOfUser]:
        """Yield the accounts, oldest first, or those with this in their names or in this state."""
        return self._web.pages(AccountOfUser, "/admin/users", {"q": part_of_name, "state": state})

    async def get(self, user_id: str) -> AccountOfUser:
        """Return an account."""
        return read(AccountOfUser, await self._web.get(_place(user_id)))

    async def create(self, username: str, password: str, *, display_name: str | None = None) -> AccountOfUser:
        """Make an account for somebody, who gets to know the password another way."""
        body = given(username=username, password=password, display_name=display_name)
        return read(AccountOfUser, await self._web.call("POST", "/admin/users", body=body))

    async def change(
        self, user_id: str, *, disabled: bool | None = None, admin: bool | None = None
    ) -> AccountOfUser:
        """Disable or enable an account, make it an administrator or end that."""
        body = given(disabled=disabled, admin=admin)
        return read(AccountOfUser, await self._web.call("PATCH", _place(user_id), body=body, is_safe=True))

    async def set_password(self, user_id: str, new_password: str) -> None:
        """Give an account another password. Its sessions end."""
        body = {"new_password": new_password}
        await self._web.call("POST", _place(user_id, "password"), body=body, is_safe=True)

    async def erase(self, user_id: str) -> None:
        """Erase an account and what it has written, for good."""
        await self._web.call("DELETE", _place(user_id))

    async def remove_avatar(self, user_id: str) -> None:
        """Take the picture of a user or a bot away."""
        await self._web.call("DELETE", _place(user_id, "avatar"))

    async def sessions(self, user_id: str) -> tuple[Login, ...]:
        """Return the sessions of an account, newest first."""
        return read_all(Login, items_of(await self._web.get(_place(user_id, "sessions"))))

    async def end_session(self, user_id: str, session_id: str) -> None:
        """End a session, and its open sockets with it."""
        await self._web.call("DELETE", _place(user_id, "sessions", session_id))

    async def end_sessions(self, user_id: str) -> None:
        """End all sessions of an account."""
        await self._web.call("DELETE", _place(user_id, "sessions"))


def _place(user_id: str, *rest: str) -> str:
    return path("admin", "users", user_id, *rest)
