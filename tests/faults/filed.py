"""What is wrong with the files of a room after nodes were killed. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

ANY: Final = ""
"""The digest of a picture, which is made anew: any bytes will do, as long as its size is what its message says."""


@dataclass(frozen=True)
class SentFile:
    """A file as its message names it."""

    file_id: str
    size: int


@dataclass(frozen=True)
class Said:
    """A message as a room shows it. `place` is its seq."""

    place: str
    files: tuple[SentFile, ...]
    is_deleted: bool


@dataclass(frozen=True)
class Opened:
    """What the address of a file gave."""

    digest: str
    size: int


@dataclass
class Filed:
    """What people did, and what is there when all has come to rest."""

    uploaded: dict[str, str] = field(default_factory=dict)  # the digest of each file's bytes, by its id
    # The ids of the files of each acked message, by its place.
    acked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)  # the places of messages whose delete was acked
    shown: Sequence[Said] = ()
    opened: Mapping[str, Opened] = field(default_factory=dict)
    kept: set[tuple[str, str]] = field(default_factory=set)  # the parts and ids of all bytes that are kept


def wrong_files(filed: Filed) -> Iterator[str]:
    """Yield what may not be."""
    shown = {one.place: one for one in filed.shown}
    if len(shown) < len(filed.shown):
        yield "a message is there twice"
    yield from _lost(filed, shown)
    named = dict[str, str]()
    for one in filed.shown:
        if one.is_deleted and one.files:
            yield f"{one.place} is deleted and names {len(one.files)} files"
        for file in () if one.is_deleted else one.files:
            if file.file_id in named:
                yield f"{file.file_id} is named by {named[file.file_id]} and by {one.place}"
            named[file.file_id] = one.place
            yield from _unlike(filed, one.place, file)
    for part, file_id in sorted(filed.kept):
        if part == "uploads":
            yield f"what came of the upload {file_id} is left over"
        elif file_id not in named:
            yield f"{part}/{file_id} is kept, and no message names it"


def _lost(filed: Filed, shown: Mapping[str, Said]) -> Iterator[str]:
    for place, ids in filed.acked.items():
        one = shown.get(place)
        if one is None:
            yield f"{place} was acked and is not there"
        elif not one.is_deleted and tuple(file.file_id for file in one.files) != ids:
            yield f"{place} has other files than those with which it was sent"
        elif place in filed.deleted and not one.is_deleted:
            yield f"{place} is there after its delete"


def _unlike(filed: Filed, place: str, file: SentFile) -> Iterator[str]:
    opened = filed.opened.get(file.file_id)
    if opened is None:
        yield f"{place} names {file.file_id}, which is not there"
    elif opened.size != file.size:
        yield f"{file.file_id} has {opened.size} bytes, and {place} says {file.size}"
    elif filed.uploaded.get(file.file_id, ANY) not in {ANY, opened.digest}:
        yield f"{file.file_id} has other bytes than were uploaded"
