"""Turns errors into HTTP answers in problem+json (RFC 9457)."""

import re
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api.errors import (
    BadJson,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    TailwireError,
    TokenMissing,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from api.protocol.fields import invalid
from api.protocol.problem_pages import page_of
from api.protocol.problems import MEDIA_TYPE, problem_body

ON_MISSING: Final = "tailwire.on_missing"
"""Where the scope of a request has what counts a 404 of its caller, and raises `RateLimited` for too many."""

CHALLENGE: Final = 'Bearer realm="tailwire"'
CHALLENGE_AGAIN: Final = f'{CHALLENGE}, error="invalid_token"'
"""What a 401 asks for: who has shown no token is not told that it is a bad one (RFC 6750, section 3.1)."""


def problem(error: TailwireError) -> Response:
    """Return the answer for an error, in problem+json (RFC 9457)."""
    structlog.contextvars.bind_contextvars(code=error.specific_code)  # for the request log
    body = problem_body(error, structlog.contextvars.get_contextvars().get("request_id"))
    headers = {"cache-control": "no-store"}
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthorized) and error.code == Unauthorized.code:
        headers["www-authenticate"] = CHALLENGE if isinstance(error, TokenMissing) else CHALLENGE_AGAIN
    return Response(body, error.status, headers, MEDIA_TYPE)


def problem_page(code: str) -> str:
    """Return the page of an error code, to which the `type` of a problem leads. Raises `NotFound`."""
    page = page_of(code)
    if page is None:
        raise NotFound
    return page


_BY_STATUS: Final[dict[int, type[TailwireError]]] = {
    error.status: error for error in (BadJson, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType)
}


class _AllowedMethods:
    """The methods that an application's OpenAPI has for a path."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._paths: list[tuple[re.Pattern[str], set[str]]] = []  # compiled at first use

    def of(self, path: str) -> set[str]:
        """Return the methods of all routes that match, or of the one that is the path itself.

        Starlette names only those of one route.
        """
        paths: dict[str, dict[str, Any]] = self._app.openapi()["paths"]
        if not self._paths:
            self._paths = [
                (compile_path(template)[0], {method.upper() for method in operations})
                for template, operations in paths.items()
            ]
        if path in paths:
            allowed = {method.upper() for method in paths[path]}
        else:
            allowed = {
                method for pattern, methods in self._paths if pattern.match(path) for method in methods
            }
        return allowed | ({"HEAD"} if "GET" in allowed else set())


async def _on_invalid(_request: Request, raised: Exception) -> Response:
    assert isinstance(raised, RequestValidationError)  # noqa: S101
    return problem(invalid(raised.errors()))


async def _on_error(request: Request, raised: Exception) -> Response:
    assert isinstance(raised, TailwireError)  # noqa: S101
    if isinstance(raised, NotFound) and (count := request.scope.get(ON_MISSING)) is not None:
        try:
            count()
        except RateLimited as limited:
            raised = limited
    return problem(raised)


def install_errors(app: FastAPI) -> None:
    """Make the application answer every error in problem+json."""
    allowed = _AllowedMethods(app)

    async def on_http_exception(request: Request, raised: Exception) -> Response:
        """Translate the errors that FastAPI and Starlette raise themselves: no route, wrong method, body too large."""
        assert isinstance(raised, HTTPException)  # noqa: S101  for the type checker
        response = problem(_BY_STATUS.get(raised.status_code, TailwireError)())
        response.headers.update(raised.headers or {})
        if raised.status_code == MethodNotAllowed.status and (methods := allowed.of(request.url.path)):
            response.headers["allow"] = ", ".join(sorted(methods))
        return response

    app.add_exception_handler(TailwireError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, on_http_exception)
