"""Answers that the transport writes itself, because a request is refused before the application sees it."""

import secrets
from http import HTTPStatus

import structlog

from api.protocol.problems import Refusal, refused

log = structlog.get_logger("api.access")


def refusal_parts(refusal: Refusal) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a refusal, and log it. Nothing of the request is repeated."""
    request_id = secrets.token_urlsafe(16)
    status, headers, body = refused(refusal, request_id)
    log.info("request_refused", status=status, refusal=refusal.name.lower(), request_id=request_id)
    return status, headers, body


def http_refusal(refusal: Refusal) -> bytes:
    """Return a refusal as a whole answer in HTTP/1.1."""
    status, headers, body = refusal_parts(refusal)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode() + body
