"""Avatars: the pictures of yourself, of your bots and of rooms."""

import asyncio
from pathlib import Path
from typing import Any, Literal

from tailwire_client.web import Web, path

Size = Literal[96, 384]


class Avatars:
    """`Client.avatars`. With `bot` or `room` the picture of one of your bots or of a room, else your own.

    A picture is told by its id, the `avatar` of users, members and rooms. Another picture has another id.
    """

    def __init__(self, web: Web) -> None:
        self._web = web

    async def set(
        self, image: bytes | str | Path, *, bot: str | None = None, room: str | None = None
    ) -> str | None:
        """Show the square in the middle of a picture, given as bytes or by its path, and return the picture's id."""
        content = image if isinstance(image, bytes) else await asyncio.to_thread(Path(image).read_bytes)
        headers = {"Content-Type": "application/octet-stream"}
        return _id(await self._web.call("PUT", _place(bot, room), content=content, headers=headers))

    async def remove(self, *, bot: str | None = None, room: str | None = None) -> None:
        """Show no picture."""
        await self._web.call("DELETE", _place(bot, room))

    async def image(self, avatar: str, size: Size = 96) -> bytes:
        """Return a picture, by its id, as WebP of so many pixels a side."""
        return b"".join([piece async for piece in self._web.bytes_at(path("avatars", avatar, size))])


def _place(bot: str | None, room: str | None) -> str:
    if bot is not None and room is not None:
        raise ValueError("a picture is that of a bot or of a room")
    if bot is not None:
        return path("bots", bot, "avatar")
    return path("users", "me", "avatar") if room is None else path("rooms", room, "avatar")


def _id(fields: Any) -> str | None:
    avatar: str | None = fields.get("avatar") if isinstance(fields, dict) else None
    return avatar
