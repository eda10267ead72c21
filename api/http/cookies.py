"""Keeps the refresh token in a cookie that no script can read, for pages that ask for it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from fastapi import Depends, Header, Request, Response
from pydantic.json_schema import SkipJsonSchema

from api.accounts.sessions import TokenPair
from api.errors import Forbidden, TokenMissing, Unauthorized
from api.http.deps import HttpSettingsDep
from api.http.hardening import is_allowed_origin
from api.http.openapi import SESSION_HEADER

SECURE_NAME: Final = "__Host-tailwire_refresh"
PLAIN_NAME: Final = "tailwire_refresh"
"""The name over plain http: browsers drop cookies with the prefix `__Host-` there, because these must be Secure."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""No other machine hears what goes to these hosts. Safari takes no Secure cookie from them without https."""


@dataclass(frozen=True, slots=True)
class RefreshCookie:
    """The session cookie of one request and its answer. It does nothing unless `is_wanted`.

    Settings and proxies decide its name. So either name is read, and the next answer moves the token to the right one.
    """

    request: Request
    response: Response
    is_wanted: bool
    is_secure: bool
    seconds: int

    async def exchange(self, refresh: Callable[[str], Awaitable[TokenPair]]) -> TokenPair:
        """Return the next pair for the token in the cookie. Raises `Unauthorized` when none is there that works."""
        tokens = [token for name in self._names if (token := self.request.cookies.get(name))]
        for token in tokens:
            with suppress(Unauthorized):
                return self.keep(await refresh(token))
        refusal = Unauthorized if tokens else TokenMissing
        raise refusal("There is no session cookie of a session that goes on")

    def keep(self, issued: TokenPair) -> TokenPair:
        """Move the refresh token from the answer's body into the cookie, if the client wants one."""
        if not self.is_wanted:
            return issued
        self._set(issued.refresh_token or "", self.seconds)
        return replace(issued, refresh_token=None)

    def clear(self) -> None:
        """Tell the browser to delete the cookie."""
        if self.is_wanted:
            self._set("", 0)

    @property
    def _names(self) -> tuple[str, str]:
        """The name that the cookie has now, and the one that it may have had."""
        return (SECURE_NAME, PLAIN_NAME) if self.is_secure else (PLAIN_NAME, SECURE_NAME)

    def _set(self, value: str, seconds: int) -> None:
        name, other = self._names
        self._answer(name, value, seconds)
        if other in self.request.cookies:
            self._answer(other, "", 0)

    def _answer(self, name: str, value: str, seconds: int) -> None:
        self.response.set_cookie(
            name, value, max_age=seconds, secure=name == SECURE_NAME, httponly=True, samesite="strict"
        )


async def _refresh_cookie(
    request: Request,
    response: Response,
    settings: HttpSettingsDep,
    mode: Annotated[
        Literal["cookie"] | SkipJsonSchema[None],
        Header(alias=SESSION_HEADER, description="`cookie` keeps the refresh token from scripts."),
    ] = None,
) -> RefreshCookie:
    if mode is not None and not is_allowed_origin(request, settings.origins):
        raise Forbidden("This origin may not use the session cookie")
    # A proxy may have taken the TLS away without being named as trusted. The page knows how it came.
    is_https = request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
    is_secure = is_https or (settings.production and request.url.hostname not in LOOPBACK)
    return RefreshCookie(request, response, mode is not None, is_secure, settings.session_seconds)


RefreshCookieDep = Annotated[RefreshCookie, Depends(_refresh_cookie)]
"""The session cookie, which does nothing unless the client asks for it. 403 for pages of other origins."""
