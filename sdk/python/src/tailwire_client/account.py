"""Your account, and other users as you see them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from tailwire_client.shape import read, read_all
from tailwire_client.web import Web, given, items_of, path


@dataclass(frozen=True)
class User:
    """A user. `created_at` and `admin` are told of yourself, `online` of others who were asked for."""

    id: str
    username: str
    display_name: str
    status_text: str = ""
    time_zone: str | None = None
    avatar: str | None = None
    is_bot: bool = False
    created_at: datetime | None = None
    admin: bool | None = None
    online: bool | None = None


@dataclass(frozen=True)
class Login:
    """A session of a user: a log-in somewhere. `current` is the one that asks."""

    id: str
    created_at: datetime
    last_used_at: datetime
    user_agent: str = ""
    current: bool = False


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

    def find(self, part_of_name: str) -> AsyncIterator[User]:
        """Yield the users with this in their names, two characters at least: first whose username begins so."""
        return self._web.pages(User, "/users", {"q": part_of_name})

    def blocked(self) -> AsyncIterator[User]:
        """Yield whom you have blocked, the newest block first."""
        return self._web.pages(User, "/users/me/blocks")

    async def block(self, user_id: str) -> None:
        """Block a user: they do not mention you, add you to rooms, or write to you alone."""
        await self._web.call("PUT", path("users", "me", "blocks", user_id))

    async def unblock(self, user_id: str) -> None:
        """End a block."""
        await self._web.call("DELETE", path("users", "me", "blocks", user_id))

    async def sessions(self) -> tuple[Login, ...]:
        """Return your sessions, newest first."""
        return read_all(Login, items_of(await self._web.get("/auth/sessions")))

    async def end_session(self, session_id: str) -> None:
        """End one of your sessions, and its open sockets with it."""
        await self._web.call("DELETE", path("auth", "sessions", session_id))

    async def end_other_sessions(self) -> None:
        """End all your sessions but this one."""
        await self._web.call("DELETE", "/auth/sessions")

    async def set_password(self, current: str, new: str) -> None:
        """Change your password. Your other sessions end."""
        body = {"current_password": current, "new_password": new}
        await self._web.call("PUT", "/auth/password", body=body, is_safe=False)

    async def erase(self, password: str) -> None:
        """Erase your account and what you have written, for good."""
        await self._web.call("DELETE", "/users/me", body={"password": password})

    async def log_out(self) -> None:
        """End this session, and its open sockets with it. A token of a program cannot do this."""
        await self._web.call("POST", "/auth/logout")
