"""What every HTTP answer has in common: strict bodies, problem+json errors, a request id and one log line."""

import re
import time
from collections.abc import Awaitable, Callable
from email.message import Message
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from api.errors import (
    BadJson,
    FieldError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    TailwireError,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
)
from api.ids import random_id
from api.protocol import strict_json
from api.protocol.commands import invalid

MAX_BODY_BYTES: Final = 64 * 1024
MAX_FORM_FIELDS: Final = 32
FORM: Final = "application/x-www-form-urlencoded"
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: their lines would bury the others."""
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = structlog.get_logger("api.http")
access = structlog.get_logger("api.access")


class StrictRoute(APIRoute):
    """A route without unknown query fields, whose JSON body is parsed by our one policy and says that it is JSON."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return FastAPI's handler, behind the policy."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None
        takes_json = takes_body and not _is_form(self)
        query_names = _query_names(self.dependant)

        async def strict(request: Request) -> Response:
            if not query_names.issuperset(request.query_params):
                unknown = FieldError(("query", "*"), "There is an unknown field")
                raise Invalid(
                    "There is a query field that does not belong here",
                    errors=(unknown,),
                    code="extra_forbidden",
                )
            _require_once("query", request.query_params.multi_items())
            if takes_body:
                await _read(request)
            if takes_json:
                await _parse(request)
            elif takes_body:
                await _check_form(request)
            return await handle(request)

        return strict


def is_allowed_origin(connection: HTTPConnection, listed: frozenset[str]) -> bool:
    """Whether the page that asks is of our own host or of a listed origin. One that does not say is not."""
    origin = connection.headers.get("origin", "")
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    return origin in listed or (
        page.scheme in {"http", "https"} and page.netloc == connection.headers.get("host")
    )


def _query_names(dependant: Dependant) -> set[str]:
    """Return the query fields that a route knows, its dependencies' too."""
    names = {parameter.alias for parameter in dependant.query_params}
    return names.union(*(_query_names(one) for one in dependant.dependencies))


def _is_form(route: APIRoute) -> bool:
    return any(
        type(parameter.field_info).__name__ == "Form" for parameter in route.dependant.body_params
    ) or any(
        type(parameter.field_info).__name__ == "Form"
        for dependency in route.dependant.dependencies
        for parameter in dependency.body_params
    )


async def _read(request: Request) -> None:
    """Read the whole body, or as much as tells that it is too large. Raises `TooLarge`."""
    if int(request.headers.get("content-length", "0")) > MAX_BODY_BYTES:
        raise TooLarge
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise TooLarge
    except ClientDisconnect:
        raise BadJson("The body broke off") from None  # told to nobody, and no reason for an alarm
    request._body = bytes(body)  # noqa: SLF001  where Starlette keeps what `body()` gives


async def _parse(request: Request) -> None:
    if _content_type(request) != "application/json":
        raise UnsupportedMediaType("Send the body as application/json")
    request._json = strict_json.loads(await request.body())  # noqa: SLF001  where Starlette keeps what `json()` gives
    if not isinstance(request._json, dict):  # noqa: SLF001
        raise Invalid("The body must be one JSON object")


async def _check_form(request: Request) -> None:
    if _content_type(request) != FORM:
        raise UnsupportedMediaType(f"Send the form as {FORM}")
    try:
        fields = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:
        raise Invalid("The form is not UTF-8, or has too many fields") from None
    _require_once("body", fields)


def _require_once(where: str, fields: list[tuple[str, str]]) -> None:
    """Raises `Invalid` when a field stands twice: which of them counts, every reader says otherwise."""
    if len({name for name, _ in fields}) != len(fields):
        twice = FieldError((where, "*"), "A field stands twice")
        raise Invalid("A field stands twice", errors=(twice,), code="duplicate_key")


def _content_type(request: Request) -> str | None:
    if "content-type" not in request.headers:
        return None
    message = Message()
    message["content-type"] = request.headers["content-type"]
    return message.get_content_type()


def problem(error: TailwireError) -> Response:
    """Return an error as RFC 9457 says."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "code": error.specific_code,
        "detail": error.message,
        "request_id": structlog.contextvars.get_contextvars().get("request_id"),
    }
    headers = {"cache-control": "no-store"}
    if error.errors:
        content["errors"] = [{"loc": list(field.loc), "message": field.message} for field in error.errors]
    if error.retry_after_seconds is not None:
        content["retry_after_seconds"] = error.retry_after_seconds
        headers["retry-after"] = str(error.retry_after_seconds)
    if isinstance(error, Unauthorized) and error.code == Unauthorized.code:
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    return Response(orjson.dumps(content), error.status, headers, "application/problem+json")


_BY_STATUS: Final[dict[int, type[TailwireError]]] = {
    error.status: error for error in (BadJson, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType)
}


async def _on_http_exception(request: Request, raised: Exception) -> Response:
    """Translate what FastAPI and Starlette raise on their own: no route, wrong method, body too large."""
    assert isinstance(raised, HTTPException)  # noqa: S101  for the type checker: registered for this class
    response = problem(_BY_STATUS.get(raised.status_code, TailwireError)())
    response.headers.update(raised.headers or {})
    if raised.status_code == MethodNotAllowed.status and (allowed := _allowed(request)):
        response.headers["allow"] = ", ".join(
            sorted(allowed)
        )  # Starlette names those of one route of them all
    return response


def _allowed(request: Request) -> set[str]:
    """Return the methods that the contract has for an address."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    return {
        method.upper()
        for template, operations in paths.items()
        if compile_path(template)[0].match(request.url.path)
        for method in operations
    }


async def _on_invalid(_request: Request, raised: Exception) -> Response:
    assert isinstance(raised, RequestValidationError)  # noqa: S101
    return problem(invalid(raised.errors()))


async def _on_error(_request: Request, raised: Exception) -> Response:
    assert isinstance(raised, TailwireError)  # noqa: S101
    return problem(raised)


def install_errors(app: FastAPI) -> None:
    """Let every error leave as problem+json."""
    app.add_exception_handler(TailwireError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)


class RequestLog:
    """ASGI middleware: gives each request an id, and logs it once it is answered, without its query."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or hand on what is none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = bind_request_id(scope)
        began, status = time.perf_counter(), 500

        async def send_with_id(message: ASGIMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            tell = access.debug if scope["path"] in PROBES else access.info
            tell("request", method=scope["method"], path=scope["path"], status=status, ms=milliseconds)


def bind_request_id(scope: Scope) -> str:
    """Give a request its id, for the answer and for all that is logged meanwhile; return it.

    The caller's own if it is one, so that a proxy's log and ours can be laid side by side.
    """
    headers: Headers = Headers(scope=scope)
    given = headers.get("x-request-id", "")
    request_id = given if _REQUEST_ID.fullmatch(given) else random_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id
