"""The pictures of users, bots and rooms: cut, kept, shown, and taken away.

The id of a picture is as hard to guess as a token, and is told to those who see its user or room. So its address needs
no token, and what it shows never changes: another picture has another id.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from api.clock import now_ms
from api.errors import BadFile, BadRequest, NotFound, TooLarge
from api.files.content_types import HEAD_BYTES, PICTURES, type_of
from api.files.pictures import Portrait
from api.files.store import Part
from api.ids import random_id
from api.limits.concurrency import ConcurrencyLimit
from api.limits.throttles import Throttles
from api.models.accounts import Account, Profile, User
from api.models.attachments import AVATAR, Attachment, FoundFile
from api.models.changes import ProfileChanged, Tell
from api.models.rooms import RoomView
from api.rooms.attachments import USED, FileParts
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.rooms.room_changes import RoomChanges
from api.rooms.served_files import FILE_POLICY
from api.store.base.store import Store

SMALL: Final = 96
LARGE: Final = 384
"""The sizes of a picture, in pixels a side."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""A picture that is to become an avatar has at most this many bytes."""
AT_ONCE: Final = 2
"""So many pictures of a user may come at a time."""
KEPT_SECONDS: Final = 86_400
"""Browsers keep a picture for a day."""
TYPE: Final = "image/webp"


@dataclass(frozen=True, slots=True)
class OpenedAvatar:
    """What the address of a picture opens. `size` is in bytes."""

    attachment: Attachment
    part: Part
    size: int
    media_type: str = TYPE

    @property
    def headers(self) -> dict[str, str]:
        """How a browser is to treat it: it may run nothing, and keep it, as its address never shows another."""
        return {
            "content-disposition": "inline",
            "content-security-policy": FILE_POLICY,
            "cache-control": f"private, max-age={KEPT_SECONDS}, immutable",
            "cross-origin-resource-policy": "cross-origin",
        }

    @property
    def etag(self) -> str:
        """The mark of these bytes, which never change."""
        return f'"{self.attachment.id}.{self.part}"'


class AvatarService:
    """The pictures of users, bots and rooms.

    A picture is a row of `store.attachments` from before its bytes come until they are removed. The row of one that is
    shown no more, or never was because of a crash, is found by the sweep of files. `on_used` is called when a picture
    comes, and `on_gone` when one is given up.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        parts: FileParts,
        members: MemberService,
        room_changes: RoomChanges,
        throttles: Throttles,
        tell: Tell,
        on_used: Callable[[], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._store = store
        self._files = parts.store
        self._portrait = parts.pictures.portrait
        self._limits = parts.limits
        self._members = members
        self._room_changes = room_changes
        self._throttles = throttles
        self._tell = tell
        self._on_used = on_used
        self._on_gone = on_gone
        self._coming: WeakValueDictionary[str, ConcurrencyLimit] = WeakValueDictionary()

    async def set_of_user(self, user_id: str, by: str, size: int, chunks: AsyncIterator[bytes]) -> User:
        """Show a user with the picture of `size` bytes that comes, for the user `by`, and tell everybody connected.

        Raises `BadFile`, `TooLarge`, `QuotaReached`, `RateLimited`, `BadRequest` where bytes are missing.
        """
        self._throttles.change_profile(by)
        async with self._coming.setdefault(by, ConcurrencyLimit(AT_ONCE, 0)).take():
            avatar = await self._keep(user_id, "", size, chunks)
        return await self._show_user(user_id, avatar)

    async def remove_of_user(self, user_id: str, by: str) -> User:
        """Show a user without a picture, for the user `by`. Raises `RateLimited`, and `NotFound` for no such user."""
        self._throttles.change_profile(by)
        return await self._show_user(user_id, None)

    async def set_of_room(
        self, room_id: str, user: User, size: int, chunks: AsyncIterator[bytes]
    ) -> RoomView:
        """Show a room with the picture of `size` bytes that comes, by an entry of the room.

        Raises as `set_of_user`, and as `RoomChanges.change`.
        """
        await self._members.require(room_id, user.id, Operation.SET_AVATAR)
        self._throttles.change_profile(user.id)
        async with self._coming.setdefault(user.id, ConcurrencyLimit(AT_ONCE, 0)).take():
            avatar = await self._keep(room_id, room_id, size, chunks)
        return await self._show_room(room_id, user, avatar)

    async def remove_of_room(self, room_id: str, user: User) -> RoomView:
        """Show a room without a picture, by an entry of the room. Raises as `RoomChanges.change`."""
        return await self._show_room(room_id, user, None)

    async def open(self, avatar_id: str, size: int) -> OpenedAvatar:
        """Return a picture in the size `SMALL` or `LARGE`. Raises `NotFound` where nobody has it any more."""
        found = (await self._store.attachments.get_many([avatar_id])).get(avatar_id)
        if found is None or not found.is_avatar or not found.is_whole:
            raise NotFound
        part = Part.THUMB if size == SMALL else Part.FILE
        count = await self._files.size(avatar_id, part)
        if count is None:
            raise NotFound
        return OpenedAvatar(found, part, count)

    async def read(self, opened: OpenedAvatar, begin: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes of a picture from `begin` up to `end`."""
        async with aclosing(self._files.read(opened.attachment.id, begin, end, opened.part)) as chunks:
            async for chunk in chunks:
                yield chunk

    # -- what is behind it

    async def _show_user(self, user_id: str, avatar: Attachment | None) -> User:
        """Name a picture, or none, in the row of a user, and give up the one before."""
        try:
            account = await self._account(user_id)
            avatar_id = "" if avatar is None else avatar.id
            user = await self._store.accounts.set_profile(user_id, Profile(avatar=avatar_id))
        except BaseException:
            await self._give_up(avatar)
            raise
        self._tell(ProfileChanged.of(user), None)
        await self._give_up_before(account.user.avatar, user.avatar)
        return user

    async def _show_room(self, room_id: str, user: User, avatar: Attachment | None) -> RoomView:
        """Name a picture, or none, in an entry of a room, and give up the one before."""
        try:
            before = await self._store.rooms.get(room_id)
            avatar_id = "" if avatar is None else avatar.id
            view = await self._room_changes.change(room_id, user, {"avatar": avatar_id})
        except BaseException:
            await self._give_up(avatar)
            raise
        await self._give_up_before("" if before is None else before.avatar, view.room.avatar)
        return view

    async def _account(self, user_id: str) -> Account:
        account = await self._store.accounts.get(user_id)
        if account is None or account.erasing:
            raise NotFound
        return account

    async def _give_up_before(self, before: str, now: str) -> None:
        if before and before != now:
            await self._give_up((await self._store.attachments.get_many([before])).get(before))

    async def _give_up(self, avatar: Attachment | None) -> None:
        if avatar is not None and await self._store.attachments.give_up(avatar):
            self._on_gone()

    async def _keep(self, owner: str, room_id: str, size: int, chunks: AsyncIterator[bytes]) -> Attachment:
        """Keep both sizes of the picture that comes. `owner` is a user, or else the room, which counts as one."""
        if size > min(MOST_BYTES, self._limits.file_bytes):
            raise TooLarge(f"A picture may have at most {min(MOST_BYTES, self._limits.file_bytes)} bytes")
        if size < 1:
            raise BadFile("The picture is empty")
        now = now_ms()
        coming = Attachment(random_id(), room_id, owner, "avatar", size, now, now, type=TYPE, ref=AVATAR)
        await self._store.keep(USED, "yes")
        self._on_used()
        await self._store.attachments.create(coming, self._limits.quota)
        try:
            found = await self._cut(coming, chunks)
            whole = await self._store.attachments.finish(coming.id, found, at=now_ms())
        except BaseException:
            await self._give_up(coming)
            raise
        if whole is None:
            raise NotFound  # its room or user is gone
        return whole

    async def _cut(self, coming: Attachment, chunks: AsyncIterator[bytes]) -> FoundFile:
        """Take the bytes of a picture, and keep what is made of them in their place."""
        files = self._files
        if await files.append(coming.id, 0, chunks, size=coming.size) != coming.size:
            raise BadRequest("The body broke off")
        head = files.read(coming.id, 0, min(coming.size, HEAD_BYTES), Part.UPLOAD)
        if type_of(b"".join([one async for one in head]), "") not in PICTURES:
            raise BadFile("This is no picture: send a PNG, JPEG, GIF, WebP or AVIF")
        async with files.local(coming.id) as source, files.workplace() as into:
            portrait = await self._portrait(source)
            if portrait is None:
                raise BadFile("This is no picture: send a PNG, JPEG, GIF, WebP or AVIF")
            small, large = into / "small", into / "large"
            await asyncio.to_thread(_write, portrait, small, large)
            await files.keep_thumb(coming.id, small)
            kept = await files.keep(coming.id, large)
        return FoundFile(TYPE, kept, LARGE, LARGE, has_thumb=True)


def _write(portrait: Portrait, small: Path, large: Path) -> None:
    small.write_bytes(portrait.small)
    large.write_bytes(portrait.large)
