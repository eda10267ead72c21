"""The bodies of files."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from api.http.bodies.forms import Answer
from api.models.attachments import MAX_ALT_CHARACTERS, Attachment
from api.models.page import Page
from api.protocol.fields import Id, Strict, no_nul, timestamp

MAX_URLS: Final = 100
"""The most files whose addresses one request asks for."""

Alt = Annotated[str, Field(max_length=MAX_ALT_CHARACTERS), AfterValidator(no_nul)]
"""A text that says what can be seen or heard in a file."""


class NewAlt(Strict):
    """Another text that stands for a file."""

    alt: Alt


class WantedUrls(Strict):
    """Files whose addresses are asked for, or with `thumb` those of their thumbnails."""

    file_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_URLS)]
    thumb: bool = False


class SentFileOut(Answer):
    """A file that a message has. `type` was found by what is in it; `blur` is a ThumbHash in base64."""

    file_id: str
    name: str
    type: str
    size: int
    width: int | None
    height: int | None
    has_thumb: bool
    blur: str | None
    alt: str


class FileOut(SentFileOut):
    """A file that its uploader has. It may be sent when it is `whole`; `offset` bytes of it are kept."""

    room_id: str
    offset: int
    whole: bool

    @classmethod
    def of(cls, attachment: Attachment, offset: int) -> "FileOut":
        """Make it from its record."""
        return cls(**_fields(attachment), offset=offset, whole=attachment.is_whole)


class RoomFileOut(SentFileOut):
    """A file of a room, and the message that has it."""

    seq: int
    user_id: str
    at: str


class RoomFilesOut(Answer):
    """A page of the files of a room, those of the newest message first."""

    items: list[RoomFileOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Attachment]) -> "RoomFilesOut":
        """Make it from its records."""
        return cls(
            items=[
                RoomFileOut(
                    **{name: value for name, value in _fields(one).items() if name != "room_id"},
                    seq=one.seq or 0,
                    user_id=one.user_id,
                    at=timestamp(one.made_at),
                )
                for one in page.items
            ],
            next_cursor=page.next_cursor,
        )


class FileUrlOut(Answer):
    """The address of a file, which needs no token and opens until `expires_at`."""

    file_id: str
    url: str
    expires_at: str

    @classmethod
    def made(cls, file_id: str, path: str, expires_at: int, base: str) -> "FileUrlOut":
        """Make it from a path below the address `base` at which this server is reached."""
        return cls(file_id=file_id, url=f"{base}{path}", expires_at=timestamp(expires_at))


class FileUrlsOut(Answer):
    """The addresses of those of the files that the caller may have."""

    items: list[FileUrlOut]


def _fields(one: Attachment) -> dict[str, Any]:
    kept = one.data if one.is_whole else {**one.data, "type": "application/octet-stream"}
    return {**kept, "room_id": one.room_id}
