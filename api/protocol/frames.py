"""Builds WebSocket frames of events, which are encoded once for all receivers. Pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TEXT: Final = 0x81
"""FIN and the opcode of text: RFC 6455, section 5.2."""
MAX_SHORT: Final = 125
MAX_MEDIUM: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Frames:
    """One event, or several in order.

    `wire` holds the bytes for a socket: whole text frames, unmasked, as a server sends them. `texts` holds their
    payloads, for an ASGI server that does its own framing.
    """

    wire: bytes
    texts: tuple[bytes, ...]


def frame(text: bytes) -> Frames:
    """Return a text as one frame."""
    length = len(text)
    if length <= MAX_SHORT:
        head = bytes((TEXT, length))
    elif length <= MAX_MEDIUM:
        head = struct.pack("!BBH", TEXT, 126, length)
    else:
        head = struct.pack("!BBQ", TEXT, 127, length)
    wire = head + text
    return Frames(
        wire, (wire[len(head) :],)
    )  # a copy: the bytes that orjson makes lie in a much longer block


def joined(parts: Sequence[Frames]) -> Frames:
    """Join frames, so that one write sends them."""
    if len(parts) == 1:
        return parts[0]
    return Frames(b"".join(part.wire for part in parts), tuple(text for part in parts for text in part.texts))
