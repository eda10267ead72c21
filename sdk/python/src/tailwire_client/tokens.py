"""The tokens of programs: your own, and those of your bots. Only a log-in makes and ends them."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tailwire_client.account import User
from tailwire_client.shape import read, read_all
from tailwire_client.web import Web, given, items_of, path

Scope = Literal["read", "write", "manage"]


@dataclass(frozen=True)
class Token:
    """A token. `token` is its secret, told once, when it is made. `room_ids` is None for all rooms."""

    token_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    room_ids: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    token: str | None = field(default=None, repr=False)


class Tokens:
    """`Client.tokens`. With `bot`, the id of one of your bots, its tokens, else your own."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        bot: str | None = None,
        room_ids: Iterable[str] | None = None,
        expires_in: int | None = None,
    ) -> Token:
        """Make a token. Without `expires_in`, in seconds, it lasts until it is ended."""
        body = given(
            name=name,
            scopes=list(scopes),
            room_ids=None if room_ids is None else list(room_ids),
            expires_in=expires_in,
        )
        return read(Token, await self._web.call("POST", _place(bot), body=body))

    async def all(self, *, bot: str | None = None) -> tuple[Token, ...]:
        """Return the tokens, newest first, without their secrets."""
        return read_all(Token, items_of(await self._web.get(_place(bot))))

    async def end(self, token_id: str, *, bot: str | None = None) -> None:
        """End a token, and its open sockets with it."""
        await self._web.call("DELETE", _place(bot) + path(token_id))


class Bots:
    """`Client.bots`: users as which programs write. They belong to you."""

    def __init__(self, web: Web) -> None:
        self._web = web

    async def create(self, username: str, *, display_name: str | None = None) -> User:
        """Make a bot, which is in no room yet."""
        body = given(username=username, display_name=display_name)
        return read(User, await self._web.call("POST", "/bots", body=body))

    def mine(self) -> AsyncIterator[User]:
        """Yield your bots, oldest first."""
        return self._web.pages(User, "/bots")

    async def rename(self, user_id: str, display_name: str) -> User:
        """Give a bot another display name."""
        body = {"display_name": display_name}
        return read(User, await self._web.call("PATCH", path("bots", user_id), body=body, is_safe=True))

    async def delete(self, user_id: str) -> None:
        """Erase a bot. Its tokens end."""
        await self._web.call("DELETE", path("bots", user_id))


def _place(bot: str | None) -> str:
    return "/auth/tokens" if bot is None else path("bots", bot, "tokens")
