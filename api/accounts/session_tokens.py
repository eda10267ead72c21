"""The tokens of sessions: access tokens, which are signed, and refresh tokens, which are derived.

Only this file imports python-jose, and it checks what that does not.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from jose import JOSEError, jwt

from api.errors import Unauthorized
from api.ids import random_id
from api.protocol.fields import MAX_TOKEN_CHARACTERS

ISSUER: Final = "tailwire"
AUDIENCE: Final = "tailwire"
ALGORITHM: Final = "HS256"
LEEWAY_SECONDS: Final = 5
"""A token holds this long after its `exp`."""
ISSUED_LEEWAY_SECONDS: Final = 60
"""A token may be from a node whose clock is ahead of ours by this much."""
MARK_BYTES: Final = 16
"""The signature of a refresh token has this length, so that it is as hard to guess as the session's id."""
GENERATION_CHARACTERS: Final = 16
"""An access token names its pair by this many characters of the refresh token's hash: 64 bits, which betray nothing."""

MAX_REMEMBERED: Final = 4_096
"""The claims of this many access tokens are cached: enough for the clients of one minute, in one MiB."""

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""Matches the compact form of a token (RFC 7515, section 7.1). python-jose would also accept padding."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a valid access token. `expires_at` is in milliseconds.

    `generation` names the pair of tokens that it belongs to. Tokens of the version before name none.
    """

    user_id: str
    session_id: str
    expires_at: int
    generation: str | None = None


class Tokens:
    """Issues and verifies access tokens, and derives refresh tokens.

    Access tokens are signed with `secret`. Tokens signed with one of the `others` are valid too.
    """

    def __init__(self, secret: str, *others: str) -> None:
        self._remembered: dict[bytes, Claims] = {}  # by the token's hash, the last used one last
        self._key_id = _key_id(secret)
        self._secrets = {_key_id(one): one for one in (secret, *others)}

    def issue(
        self, user_id: str, session_id: str, *, now: int, expires_at: int, generation: str | None = None
    ) -> str:
        """Return an access token that is valid until `expires_at` (milliseconds, rounded down to seconds)."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "jti": random_id(),
            "iat": now // 1000,
            "exp": expires_at // 1000,
            "typ": "access",
        }
        if generation is not None:
            claims["gen"] = generation
        return str(
            jwt.encode(
                claims, self._secrets[self._key_id], algorithm=ALGORITHM, headers={"kid": self._key_id}
            )
        )

    def verify(self, token: str, *, now: int) -> Claims:
        """Return the claims of a valid token. Raises `Unauthorized` for any other text, and no other error.

        Clients send the same token with each request, so the claims of verified tokens are cached until they expire.
        """
        if len(token) > MAX_TOKEN_CHARACTERS or not _COMPACT.fullmatch(token):
            raise Unauthorized
        key = hashlib.sha256(token.encode()).digest()
        claims = self._remembered.pop(key, None) or self._verified(token, now)
        self._remembered[key] = claims
        if len(self._remembered) > MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        if claims.expires_at // 1000 <= now // 1000 - LEEWAY_SECONDS:
            raise Unauthorized
        return claims

    def _verified(self, token: str, now: int) -> Claims:
        try:
            return self._claims(token, now)
        # python-jose raises RecursionError, TypeError, AttributeError and the others for crafted headers.
        except (JOSEError, ValueError, RecursionError, TypeError, AttributeError, OverflowError, KeyError):
            raise Unauthorized from None

    def _claims(self, token: str, now: int) -> Claims:
        header = jwt.get_unverified_header(token)
        secret = self._secrets.get(header["kid"])
        if header.get("alg") != ALGORITHM or secret is None or "crit" in header:
            raise Unauthorized
        claims: dict[str, Any] = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # The times are checked here, because python-jose would compare them with this machine's clock.
            options={f"require_{name}": True for name in ("exp", "iat", "sub", "aud", "iss", "jti")}
            | {"verify_exp": False, "verify_nbf": False},
        )
        user_id, session_id, issued, expires = (claims[name] for name in ("sub", "sid", "iat", "exp"))
        if not (isinstance(user_id, str) and user_id and isinstance(session_id, str) and session_id):
            raise Unauthorized
        if claims["aud"] != AUDIENCE or claims["typ"] != "access":
            raise Unauthorized
        if type(issued) is not int or type(expires) is not int or not 0 < expires < 2**53 // 1000:
            raise Unauthorized
        begins = max(issued, claims.get("nbf", issued))
        if begins > now // 1000 + ISSUED_LEEWAY_SECONDS:
            raise Unauthorized
        generation = claims.get("gen")
        if generation is not None and not isinstance(generation, str):
            raise Unauthorized
        return Claims(user_id, session_id, expires * 1000, generation)

    def first_refresh(self, session_id: str) -> str:
        """Return a session's first refresh token: the session's id, 256 random bits and a signature, joined by dots."""
        return _marked(self._secrets[min(self._secrets)], f"{session_id}.{secrets.token_urlsafe(32)}")

    def has_issued(self, refresh_token: str) -> bool:
        """Return whether this server made a refresh token, which may be used up.

        Only the reuse of such a token ends its session, because others may know a session's id. A token is not
        recognised if its secret is not among the secrets any more.
        """
        body = refresh_token.rpartition(".")[0]
        return any(
            hmac.compare_digest(_marked(secret, body).encode(), refresh_token.encode(errors="replace"))
            for secret in self._secrets.values()
        )

    def successors(self, refresh_token: str) -> dict[str, str]:
        """Return the refresh tokens that can follow this one, by their hashes, the preferred one first.

        A token is derived with HMAC instead of being random. So a client that repeats a request whose answer was lost,
        and two tabs that ask at once, get the same token, although only its hash is stored. Nobody can guess it without
        the secret.

        Each secret derives another token. The one whose id sorts first is preferred, whichever one signs access tokens.
        So nodes derive the same token while the secret is being changed. The others find a token that was derived
        before the change.
        """
        derived = (_successor(self._secrets[id_], refresh_token) for id_ in sorted(self._secrets))
        return {refresh_hash(one): one for one in derived}


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"kid:" + secret.encode()).hexdigest()[:16]


def _successor(secret: str, refresh_token: str) -> str:
    digest = hmac.new(secret.encode(), b"refresh:" + refresh_token.encode(), hashlib.sha256).digest()
    return _marked(secret, f"{session_of(refresh_token)}.{_base64url(digest)}")


def _marked(secret: str, body: str) -> str:
    mark = hmac.new(secret.encode(), b"issued:" + body.encode(errors="replace"), hashlib.sha256).digest()
    return f"{body}.{_base64url(mark[:MARK_BYTES])}"


def session_of(refresh_token: str) -> str:
    """Return the session id that a refresh token names. The token may be made up."""
    return refresh_token.partition(".")[0]


def refresh_hash(refresh_token: str) -> str:
    """Return the stored hash of a refresh token. Its 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(refresh_token.encode(errors="surrogatepass")).hexdigest()


def generation_of(hash_: str) -> str:
    """Return the name of a pair of tokens, from the hash of its refresh token."""
    return hash_[:GENERATION_CHARACTERS]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
