"""Errors as answers in problem+json (RFC 9457), and the security headers of every answer. Pure."""

from enum import Enum
from typing import Any, Final

import orjson

from api.errors import BadRequest, HeadersTooLarge, Indexing, TailwireError, TooSlow, UpgradeRequired
from api.protocol.problem_pages import type_of

MEDIA_TYPE: Final = "application/problem+json"
SECURITY_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of answers that are no page."""

NARROWER_CODES: Final = (
    *("bad_envelope", "bad_number", "bad_ref", "duplicate_key", "extra_forbidden"),
    *("limit", "unknown_type", "weak_password"),
)
"""Codes that say more than that of their class, which are passed as `code`."""


def problem_body(error: TailwireError, request_id: str | None) -> bytes:
    """Return the body of the answer for an error."""
    content: dict[str, Any] = {
        "type": type_of(error.specific_code),
        "title": error.title,
        "status": error.status,
        "code": error.specific_code,
        "detail": error.message,
        "request_id": request_id,
    }
    if error.errors:
        content["errors"] = [{"loc": list(field.loc), "message": field.message} for field in error.errors]
    if error.retry_after_seconds is not None:
        content["retry_after_seconds"] = error.retry_after_seconds
    if isinstance(error, Indexing):
        content["done"] = error.done
    return orjson.dumps(content)


class Refusal(Enum):
    """The refusals of requests that the transport decides, before the application sees them."""

    NO_HTTP = BadRequest("This is no HTTP request that this server understands")
    BAD_UPGRADE = BadRequest("A WebSocket handshake is a GET in HTTP/1.1, and nothing may come before it")
    BAD_KEY = BadRequest("There must be one Sec-WebSocket-Key of 16 bytes")
    BAD_HANDSHAKE = BadRequest("This is no WebSocket handshake that this server understands")
    OTHER_VERSION = UpgradeRequired("This server speaks version 13 of the WebSocket protocol")
    HEADERS_TOO_LARGE = HeadersTooLarge()
    TOO_SLOW = TooSlow()
    BUG = TailwireError()


def refused(refusal: Refusal, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an answer that refuses a request and closes the connection."""
    error: TailwireError = refusal.value
    body = problem_body(error, request_id)
    headers = {
        "connection": "close",
        "content-length": str(len(body)),
        "content-type": MEDIA_TYPE,
        "cache-control": "no-store",
        "content-security-policy": DATA_POLICY,
        "x-request-id": request_id,
        **SECURITY_HEADERS,
    }
    if refusal is Refusal.OTHER_VERSION:
        headers["sec-websocket-version"] = "13"  # RFC 6455, section 4.4
    return error.status, headers, body


def all_codes() -> list[str]:
    """Return every code that a client can meet, in the order of the alphabet."""
    found, waiting = set(NARROWER_CODES), [TailwireError]
    while waiting:
        error = waiting.pop()
        found.add(error.code)
        waiting += error.__subclasses__()
    return sorted(found)
