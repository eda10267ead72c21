"""Forges access tokens: like ours, with anything in them changed, and signed by any key."""

import base64
import hmac
import json
from typing import Any, Final

from api.accounts.session_tokens import Tokens

SECRET: Final = "q7Zr2LwX9bTc4NfKs8VhJ3mPgYd6EuAa"
OTHER_SECRET: Final = "Hn5Gt8RkWv3DxQm7ZpLc2YbSf9JeUa4T"
FAR: Final = 2**40
"""A time in seconds that no real clock has reached; the `exp` of these tokens."""

TOKENS: Final = Tokens(SECRET)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


OURS: Final = TOKENS.issue("user", "session", now=0, expires_at=FAR * 1000)
HEADER: Final = decode(OURS.split(".")[0])
CLAIMS: Final = decode(OURS.split(".")[1])


def sign(header: bytes, claims: bytes, secret: str = SECRET, digest: str = "sha256") -> str:
    """Sign any header and claims, valid or not."""
    text = f"{encode(header)}.{encode(claims)}"
    return f"{text}.{encode(hmac.new(secret.encode(), text.encode(), digest).digest())}"


def forge(
    claims: dict[str, Any] | None = None, *, secret: str = SECRET, digest: str = "sha256", **header: Any
) -> str:
    """Make a token like ours with some claims or header fields changed; `...` leaves one out."""
    head = {name: value for name, value in (HEADER | header).items() if value is not ...}
    body = {name: value for name, value in (CLAIMS | (claims or {})).items() if value is not ...}
    return sign(json.dumps(head).encode(), json.dumps(body).encode(), secret, digest)
