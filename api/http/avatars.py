"""What the routes of pictures of users and rooms take: the sizes, and the service."""

from enum import IntEnum
from typing import Annotated

from fastapi import Depends, Request

from api.errors import NotFound
from api.http.services import services
from api.rooms.avatars import LARGE, SMALL, AvatarService


class AvatarSize(IntEnum):
    """The sizes of a picture, in pixels a side."""

    SMALL = SMALL
    LARGE = LARGE


async def _avatars(request: Request) -> AvatarService:
    avatars = services(request).rooms.avatars
    if avatars is None:
        raise NotFound
    return avatars


AvatarsDep = Annotated[AvatarService, Depends(_avatars)]
"""The pictures of users and rooms. 404 where the server keeps no files."""
