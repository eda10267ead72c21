"""Your account, and other users as you see them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from tailwire_client.shape import read
from tailwire_client.web import Web, given, path


@dataclass(frozen=True)
class User:
    """A user. `created_at` and `admin` are told of yourself, `online` of others who were asked for."""

    id: str
    username: str
    display_name: str
    status_text: str = ""
    time_zone: str | None = None
    is_bot: bool = False
    created_at: datetime | None = None
    admin: bool | None = None
    online: bool | None = None


class Account:
    """`Client.account`."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def me(self) -> User:
        """Return yourself."""
        return read(User, await self._web.get("/users/me"))

    async def change(
        self,
        *,
        display_name: str | None = None,
        status_text: str | None = None,
        time_zone: str | None = None,
    ) -> User:
        """Change what is given of your profile."""
        body = given(display_name=display_name, status_text=status_text, time_zone=time_zone)
        return read(User, await self._web.call("PATCH", "/users/me", body=body, is_safe=True))

    async def user(self, user_id: str) -> User:
        """Return another user."""
        return read(User, await self._web.get(path("users", user_id)))

    def find(self, begin_of_username: str) -> AsyncIterator[User]:
        """Yield the users whose names begin so, with two characters at least."""
        return self._web.pages(User, "/users", {"q": begin_of_username})

    def blocked(self) -> AsyncIterator[User]:
        """Yield whom you have blocked, the newest block first."""
        return self._web.pages(User, "/users/me/blocks")

    async def block(self, user_id: str) -> None:
        """Block a user: they do not mention you, add you to rooms, or write to you alone."""
        await self._web.call("PUT", path("users", "me", "blocks", user_id))

    async def unblock(self, user_id: str) -> None:
        """End a block."""
        await self._web.call("DELETE", path("users", "me", "blocks", user_id))

    async def log_out(self) -> None:
        """End this session, and its open sockets with it. A token of a program cannot do this."""
        await self._web.call("POST", "/auth/logout")
