"""Keeps the refresh token in a cookie that no script can read, for pages that ask for it."""

from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from fastapi import Depends, Header, Request, Response
from pydantic.json_schema import SkipJsonSchema

from api.accounts.sessions import TokenPair
from api.errors import Forbidden, Unauthorized
from api.http.deps import HttpSettingsDep
from api.http.hardening import is_allowed_origin
from api.http.openapi import SESSION_HEADER

SECURE_NAME: Final = "__Host-tailwire_refresh"
PLAIN_NAME: Final = "tailwire_refresh"
"""The name over plain http: browsers drop cookies with the prefix `__Host-` there, because these must be Secure."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Browsers accept Secure cookies from these hosts without https (W3C Secure Contexts, section 3.1)."""


@dataclass(frozen=True, slots=True)
class RefreshCookie:
    """The session cookie of one request and its answer. It does nothing unless `is_wanted`."""

    request: Request
    response: Response
    is_wanted: bool
    is_secure: bool
    seconds: int

    def token(self) -> str:
        """Return the refresh token in the cookie. Raises `Unauthorized` when there is none."""
        token = self.request.cookies.get(self._name)
        if not token:
            raise Unauthorized("There is no session cookie")
        return token

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
    def _name(self) -> str:
        return SECURE_NAME if self.is_secure else PLAIN_NAME

    def _set(self, value: str, seconds: int) -> None:
        self.response.set_cookie(
            self._name, value, max_age=seconds, secure=self.is_secure, httponly=True, samesite="strict"
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
    is_secure = settings.production or request.url.scheme == "https" or request.url.hostname in LOOPBACK
    return RefreshCookie(request, response, mode is not None, is_secure, settings.session_seconds)


RefreshCookieDep = Annotated[RefreshCookie, Depends(_refresh_cookie)]
"""The session cookie, which does nothing unless the client asks for it. 403 for pages of other origins."""
