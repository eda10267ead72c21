"""Files: what is known of each, whether it is sent, and how much is kept."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from api.models.log import EntryData, Json, SentFile

MAX_FILES: Final = 10
"""A message has at most this many files."""
MAX_ALT_CHARACTERS: Final = 500
"""The text that stands for a file has at most this many characters. With `MAX_FILES`, and names of at most 128
characters, an entry stays well below 64 KiB."""


AVATAR: Final = "\tavatar"
"""The ref of the picture of a user or a room. Refs of messages have no such characters. The row of a user's picture has
no room, and that of a room's picture has the id of the room in place of its user's."""


PREVIEW: Final = "\tpreview"
"""The ref of the picture in the preview of a link. From the beginning its row has the seq of the message."""


class FileState(StrEnum):
    """How far a file has come."""

    UPLOADING = "uploading"
    WHOLE = "whole"  # it may be sent, by who uploaded it
    SENT = "sent"  # a message has it
    GONE = "gone"  # nobody gets it any more; its bytes are removed, and then its row


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file. `size` is in bytes, times are in milliseconds since 1970."""

    id: str
    room_id: str
    """The room in which it may be sent, or empty for what belongs to its user alone."""
    user_id: str
    name: str
    size: int
    """While it is uploaded the size that was said, and afterwards that of what is kept."""
    made_at: int
    touched_at: int
    """When something came of it, or it was claimed. What was not sent goes some time after that."""
    state: FileState = FileState.UPLOADING
    type: str = ""
    alt: str = ""
    """A text that says what can be seen or heard in it."""
    width: int | None = None
    height: int | None = None
    blur: str | None = None
    """A small placeholder of a picture, in base64."""
    has_thumb: bool = False
    ref: str | None = None
    """The ref of the message for which it is claimed, before that is stored."""
    seq: int | None = None
    """The seq of the message that has it."""

    @property
    def is_whole(self) -> bool:
        """Whether all its bytes are kept."""
        return self.state in {FileState.WHOLE, FileState.SENT}

    @property
    def is_private(self) -> bool:
        """Whether it is its uploader's alone: no message has it, or will have it under its ref."""
        return self.seq is None and self.ref is None

    @property
    def is_avatar(self) -> bool:
        """Whether it is the picture of a user or a room, which no message can have."""
        return self.ref == AVATAR

    @property
    def is_in_preview(self) -> bool:
        """Whether this server made it of the picture of a page behind a link."""
        return self.ref == PREVIEW

    @property
    def data(self) -> EntryData:
        """Return what the entry of its message says of it."""
        return {
            "file_id": self.id,
            "name": self.name,
            "type": self.type,
            "size": self.size,
            "width": self.width,
            "height": self.height,
            "has_thumb": self.has_thumb,
            "blur": self.blur,
            "alt": self.alt,
        }


@dataclass(frozen=True, slots=True)
class FoundFile:
    """What was found out about a file when it was whole."""

    type: str
    size: int
    width: int | None = None
    height: int | None = None
    blur: str | None = None
    has_thumb: bool = False

    def of(self, attachment: Attachment) -> Attachment:
        """Return a file of which this is known."""
        return replace(
            attachment,
            type=self.type,
            size=self.size,
            width=self.width,
            height=self.height,
            blur=self.blur,
            has_thumb=self.has_thumb,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """How many files are kept, and how many bytes they have. Of an upload that is not whole, the size that was said."""

    bytes: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class FileQuota:
    """How many bytes of files, and how many files, may be kept of one user, and of all users together."""

    user_bytes: int
    all_bytes: int
    user_files: int = 10_000
    all_files: int = 1_000_000


def files_in(data: EntryData) -> tuple[SentFile, ...]:
    """Return the files that the data of a message's entry names. What cannot be read is left out."""
    listed = data.get("files")
    found = (sent_file_in(one) for one in (listed if isinstance(listed, list) else []))
    return tuple(one for one in found if one is not None)


def file_ids_in(data: EntryData) -> list[str]:
    """Return the ids of the files that the data of a message's entry names."""
    return [one.file_id for one in files_in(data)]


def sent_file_in(said: Json) -> SentFile | None:
    """Return the file that a part of the data of an entry names, or None where it names none."""
    if not isinstance(said, dict):
        return None
    file_id, name, type_, size, alt = (said.get(one) for one in ("file_id", "name", "type", "size", "alt"))
    width, height, blur = (said.get(one) for one in ("width", "height", "blur"))
    if not isinstance(file_id, str):
        return None
    return SentFile(
        file_id,
        name if isinstance(name, str) else "",
        type_ if isinstance(type_, str) else "",
        size if type(size) is int else 0,
        width if type(width) is int else None,
        height if type(height) is int else None,
        said.get("has_thumb") is True,
        blur if isinstance(blur, str) else None,
        alt if isinstance(alt, str) else "",
    )
