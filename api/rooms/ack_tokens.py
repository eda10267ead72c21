"""The tokens with which readers acknowledge what they were given: how far they were given each room's log. Pure.

A token holds the places themselves, so nothing is stored before it is used. Its hash reveals a token of another
consumer, or a changed one. It needs no other secret than the consumer's id, which nobody is told.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Final

import orjson

from api.errors import BadCursor
from api.models.consumers import GivenUpTo

_MARK_BYTES: Final = 12


def token_of(consumer_id: str, places: Sequence[GivenUpTo]) -> str:
    """Return the token of these places."""
    said = orjson.dumps([[place.room_id, place.epoch, place.seq] for place in places])
    return base64.urlsafe_b64encode(_mark(consumer_id, said) + said).rstrip(b"=").decode()


def places_of(consumer_id: str, token: str) -> list[GivenUpTo]:
    """Return the places of a token. Raises `BadCursor` for one that this consumer was never given."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad() from None
    mark, said = raw[:_MARK_BYTES], raw[_MARK_BYTES:]
    if mark != _mark(consumer_id, said):
        raise _bad()
    try:
        return [_place(one) for one in orjson.loads(said)]
    except (ValueError, TypeError):
        raise _bad() from None


def _place(said: object) -> GivenUpTo:
    match said:
        case [str(room_id), (str() | None) as epoch, int(seq)] if seq >= 0:
            return GivenUpTo(room_id, epoch, seq)
    raise ValueError


def _mark(consumer_id: str, said: bytes) -> bytes:
    return hashlib.blake2b(f"ack {consumer_id}".encode() + said, digest_size=_MARK_BYTES).digest()


def _bad() -> BadCursor:
    return BadCursor("The token is not one that this consumer was given")
