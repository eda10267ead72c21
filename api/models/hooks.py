"""Incoming hooks: addresses at which other programs post messages into a room."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

SECRET_PREFIX: Final = "twh_"  # noqa: S105  a prefix, not a secret
"""By it a secret is known for what it is, wherever it turns up."""


@dataclass(frozen=True, slots=True)
class Hook:
    """An address at which a program posts messages into a room. Its id is the hash of its secret, which is not stored.

    Its messages are written by `bot_id`, a bot that is a member of the room. `made_by` is the id of who made it, whose
    account may be gone. One that has ended takes nothing any more; it is kept for the sake of its bot. `last_used_at`,
    to the minute, is None before its first post.
    """

    id: str
    room_id: str
    bot_id: str
    name: str
    made_by: str
    created_at: int
    ended_at: int | None = None
    last_used_at: int | None = None


def hook_id(secret: str) -> str:
    """Return the id of the hook with this secret: its SHA-256 in 43 characters of base64url."""
    digest = hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
