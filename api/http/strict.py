"""Routes that are served by a plan, and those that accept only the query fields, bodies and forms that they declare."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from email.message import Message
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

import structlog
from fastapi import Request, Response
from fastapi._compat import Undefined
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from api.errors import (
    BadJson,
    FieldError,
    Invalid,
    TooLarge,
    UnsupportedMediaType,
)
from api.http.plan import ANSWERING, JSON, plan_of
from api.protocol import strict_json
from api.protocol.fields import MAX_REQUEST_BYTES

MAX_FORM_FIELDS: Final = 32
FORM: Final = "application/x-www-form-urlencoded"
UTF_8: Final = frozenset({"utf-8", "utf8"})
"""The names of the one encoding that bodies may have (RFC 8259, section 8.1)."""

MAX_REMEMBERED: Final = 64
"""What so many forms of Content-Type say is remembered, as clients send the same one each time."""
MAX_TYPE_CHARACTERS: Final = 255
"""A longer Content-Type is not read: Python's parser takes seconds for thousands of parameters."""

_NEXT_CURSOR: Final = re.compile(rb'"next_cursor":"([^"\\]+)"')

log = structlog.get_logger("api.http")


class PlannedRoute(APIRoute):
    """A route that is served by its plan, where it has one."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.plan = plan_of(self)
        """None where FastAPI serves it."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request by the plan, which there must be."""
        assert self.plan is not None  # noqa: S101  for the type checker
        request = Request(scope, receive, send)
        async with AsyncExitStack() as stack:
            scope[ANSWERING] = stack
            body = await self.check(request)
            response = self.finished(request, await self.plan.answer(request, body, stack))
            await response(scope, receive, send)

    async def check(self, request: Request) -> Any:  # noqa: ARG002  other routes look at it
        """Return the parsed body of a request, or `Undefined`. Raises an error for one that is to be refused."""
        return Undefined

    def finished(self, request: Request, response: Response) -> Response:  # noqa: ARG002  other routes look at it
        """Return an answer with all its headers."""
        return response


class StrictRoute(PlannedRoute):
    """A route that refuses unknown and repeated query fields, and parses JSON bodies with `strict_json`.

    A body must have the right Content-Type.
    """

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return FastAPI's handler, with these checks before it."""
        handle = super().get_route_handler()
        self._takes_body = self.body_field is not None
        self._takes_json = self._takes_body and not _is_form(self)
        self._needs_body = self.body_field is None or self.body_field.field_info.is_required()
        self._query_names = _query_names(self.dependant)
        self._has_pages = "next_cursor" in getattr(self.response_model, "model_fields", ())

        async def strict(request: Request) -> Response:
            await self.check(request)
            return self.finished(request, await handle(request))

        return strict

    async def check(self, request: Request) -> Any:
        """Return the parsed body of a request, or `Undefined`. Raises an error for one that is to be refused."""
        if request.scope["query_string"]:
            self._check_query(request)
        if not self._takes_body:
            return Undefined
        await read_body(request, MAX_REQUEST_BYTES)
        if not self._needs_body and not await request.body():
            return Undefined
        if self._takes_json:
            return await _parse(request)
        await _check_form(request)
        return Undefined

    def _check_query(self, request: Request) -> None:
        if not self._query_names.issuperset(request.query_params):
            unknown = FieldError(("query", "*"), "There is an unknown field")
            raise Invalid(
                "There is a query field that does not belong here",
                errors=(unknown,),
                code="extra_forbidden",
            )
        _require_once("query", request.query_params.multi_items())

    def finished(self, request: Request, response: Response) -> Response:
        """Return an answer with the link to the next page, where there is one."""
        if self._has_pages and (link := _next_page(request, response)) is not None:
            response.headers["link"] = link
        return response


def _next_page(request: Request, response: Response) -> str | None:
    """Return the `Link` to the next page of a list (RFC 8288), relative to its own address; None on the last one.

    Only the page's own cursor looks so in its JSON: within a text every quote has a backslash before it.
    """
    found = _NEXT_CURSOR.search(bytes(response.body))
    if found is None:
        return None
    query = {**request.query_params, "cursor": found[1].decode()}
    return f'<?{urlencode(query)}>; rel="next"'


def _query_names(dependant: Dependant) -> set[str]:
    """Return the query fields that a route and its dependencies declare."""
    names = {parameter.alias for parameter in dependant.query_params}
    return names.union(*(_query_names(one) for one in dependant.dependencies))


def _is_form(route: APIRoute) -> bool:
    """Return whether a route or one of its direct dependencies takes form fields."""
    return any(
        isinstance(parameter.field_info, Form)
        for dependant in (route.dependant, *route.dependant.dependencies)
        for parameter in dependant.body_params
    )


async def read_body(request: Request, most_bytes: int) -> None:
    """Read the whole body, but stop as soon as it is too large. Raises `TooLarge`."""
    if int(request.headers.get("content-length", "0")) > most_bytes:
        raise TooLarge
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise TooLarge
    except ClientDisconnect:
        raise BadJson("The body broke off") from None  # nobody gets this answer, and the error is not logged
    request._body = bytes(body)  # noqa: SLF001  Starlette caches `body()` here


async def _parse(request: Request) -> Any:
    require_type(request, JSON)
    request._json = strict_json.loads(await request.body())  # noqa: SLF001  Starlette caches `json()` here
    if not isinstance(request._json, dict):  # noqa: SLF001
        raise Invalid("The body must be one JSON object")
    return request._json  # noqa: SLF001


async def _check_form(request: Request) -> None:
    require_type(request, FORM)
    try:
        fields = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError:
        raise Invalid("The form is not UTF-8, or has too many fields") from None
    _require_once("body", fields)


def _require_once(where: str, fields: list[tuple[str, str]]) -> None:
    """Raise `Invalid` when a field is repeated, because parsers disagree about which of them counts."""
    if len({name for name, _ in fields}) != len(fields):
        twice = FieldError((where, "*"), "A field stands twice")
        raise Invalid("A field stands twice", errors=(twice,), code="duplicate_key")


def require_type(request: Request, *wanted: str) -> str:
    """Return the type of a body, which is one of those wanted.

    Raises `UnsupportedMediaType` for a body that is of another type, not in UTF-8, or compressed.
    """
    said = _said(request.headers.get("content-type"))
    if said.media_type not in wanted:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(wanted)}")
    if not said.is_utf_8:
        raise UnsupportedMediaType("Send the body in UTF-8")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType("Send the body without a Content-Encoding")
    return said.media_type


class _ContentType(NamedTuple):
    media_type: str
    is_utf_8: bool


@lru_cache(MAX_REMEMBERED)
def _said(text: str | None) -> _ContentType:
    """Return what the header Content-Type says. One that is missing or too long says nothing."""
    if text is None or len(text) > MAX_TYPE_CHARACTERS:
        return _ContentType("", is_utf_8=True)
    message = Message()
    message["content-type"] = text
    more = message.get_params(failobj=[])[1:]
    charsets = [str(value).lower() for name, value in more if name.lower().startswith("charset")]
    return _ContentType(message.get_content_type(), UTF_8.issuperset(charsets))
