"""Determines by its first bytes what a file is, whatever its sender says of it. Pure."""

import codecs
import re
from typing import Final

HEAD_BYTES: Final = 4_096
"""So many bytes of the beginning of a file are looked at."""

BINARY: Final = "application/octet-stream"
TEXT: Final = "text/plain"

PICTURES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif")
"""The pictures that are made safe and shown. All other files are kept as they are, but for `HEIC`."""

HEIC: Final = "image/heic"
"""Photographs of telephones, which say where they were taken. They are refused, as nothing here can take that out."""

PLAYED: Final = (
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
)
"""What browsers play, or refuse to play. None of it can hold a script."""

SHOWN_INLINE: Final = frozenset((*PICTURES, *PLAYED))
"""The types that are served to be shown in a page. Everything else is served to be saved."""

SIGNATURES: Final = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"....ftyp(?:hei[cfmsvx]|hev[cmsx]|mif1|msf1)", re.DOTALL), HEIC),
    (re.compile(rb"....ftypM4[AB]", re.DOTALL), "audio/mp4"),
    (re.compile(rb"....ftypqt", re.DOTALL), "video/quicktime"),
    (re.compile(rb"....ftyp", re.DOTALL), "video/mp4"),
    (re.compile(rb"\x1aE\xdf\xa3.{0,64}matroska", re.DOTALL), "video/x-matroska"),
    (re.compile(rb"\x1aE\xdf\xa3"), "video/webm"),
    (re.compile(rb"OggS"), "audio/ogg"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio/wav"),
    (re.compile(rb"fLaC"), "audio/flac"),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "audio/aac"),
    (re.compile(rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"), "audio/mpeg"),
    (re.compile(rb"%PDF-"), "application/pdf"),
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), "application/zip"),
    (re.compile(rb"\x1f\x8b"), "application/gzip"),
)
"""How files of these types begin (RFC 9649 for WebP, ISO/IEC 14496-12 for `ftyp`, RFC 9559 for Matroska)."""

CLAIMED_INSTEAD: Final = {
    # Formats that begin alike: the sender's word decides between these.
    "video/mp4": re.compile(r"audio/mp4"),
    "video/webm": re.compile(r"audio/webm"),
    "audio/ogg": re.compile(r"video/ogg"),
    "application/zip": re.compile(
        r"application/vnd\.(openxmlformats-officedocument|oasis\.opendocument)\.[a-z.-]{1,60}"
    ),
}
CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Characters that no text has: all controls but tabs, line ends and the escape of terminals."""


def type_of(head: bytes, claimed: str) -> str:
    """Return the type of a file by its first `HEAD_BYTES` bytes. `claimed` decides where formats begin alike.

    Pages, SVG and scripts are text like any other: nothing may take them for more.
    """
    found = next((name for signature, name in SIGNATURES if signature.match(head)), None)
    if found is None:
        return TEXT if _is_text(head) else BINARY
    instead = CLAIMED_INSTEAD.get(found)
    return claimed if instead is not None and instead.fullmatch(claimed) else found


def _is_text(head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # The last character may be cut off, if the file goes on.
        text = decoder.decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return CONTROLS.search(text) is None
