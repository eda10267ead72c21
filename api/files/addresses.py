"""Makes and checks the addresses of files, which open for whoever has them, for some minutes. Pure.

An address is signed by a key that is derived from the secret that signs tokens. Where that is being changed, addresses
by the earlier ones hold too.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from api.errors import NotFound
from api.files.store import Part

VALID_MS: Final = 300_000
"""An address opens for at least so long, and at most twice as long: its end is a multiple of this, so that all who ask
in the meantime get the same one, and browsers find it in their cache."""
_PURPOSE: Final = b"tailwire: addresses of files"


class FileAddress(NamedTuple):
    """The path of an address below the server's, and when it ends, in milliseconds since 1970."""

    path: str
    expires_at: int


class FileAddresses:
    """Signs addresses by the first of some secrets, and takes those signed by any of them."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256) for secret in secrets]

    def make(self, file_id: str, name: str, part: Part, *, now: int) -> FileAddress:
        """Return the address of a file or its thumbnail."""
        expires_at = (now // VALID_MS + 2) * VALID_MS if now % VALID_MS else now + VALID_MS
        expires = str(expires_at // 1_000)
        signature = _signature(self._keys[0], file_id, name, part, expires)
        return FileAddress(f"/files/{file_id}/{expires}.{signature}/{quote(name, safe='')}", expires_at)

    def open(self, file_id: str, mark: str, name: str, *, now: int) -> tuple[Part, int]:
        """Return what an address opens, and when it ends. `mark` is its part `{expires}.{signature}`.

        Raises `NotFound` for one that has ended, or that this server did not make.
        """
        expires, _, signature = mark.partition(".")
        if not (expires.isascii() and expires.isdigit() and len(expires) <= len(str(2**53))):
            raise NotFound
        given = signature.encode(errors="replace")
        found = [
            part
            for part in (Part.FILE, Part.THUMB)
            for key in self._keys
            if hmac.compare_digest(_signature(key, file_id, name, part, expires).encode(), given)
        ]
        if not found or int(expires) * 1_000 <= now:
            raise NotFound
        return found[0], int(expires) * 1_000


def _signature(key: bytes, file_id: str, name: str, part: Part, expires: str) -> str:
    signed = f"{part}\x00{file_id}\x00{expires}\x00{name}".encode(errors="surrogatepass")
    return urlsafe_b64encode(hmac.digest(key, signed, hashlib.sha256)).rstrip(b"=").decode()
