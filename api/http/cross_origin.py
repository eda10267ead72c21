"""Lets pages of the listed origins use the API from a browser."""

from collections.abc import Iterable
from typing import Final

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
MAY_SEND: Final = (
    *("Authorization", "Content-Type", "Content-Disposition", "Idempotency-Key"),
    *("Upload-Length", "Upload-Offset", "X-Request-Id"),
    *("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"),
)
"""The headers that a page may send, besides those that browsers let all pages send."""
MAY_READ: Final = (
    *("X-Request-Id", "Retry-After", "Link", "RateLimit", "RateLimit-Policy"),
    *("Upload-Offset", "Upload-Complete"),
)
"""The headers of answers that a page may read."""
KEPT_SECONDS: Final = 600
"""Browsers need not ask again for so long whether they may."""


def install_cross_origin(app: FastAPI, origins: Iterable[str]) -> None:
    """Answer the preflights of pages of these origins, and let them read the answers."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=list(METHODS),
        allow_headers=list(MAY_SEND),
        expose_headers=list(MAY_READ),
        max_age=KEPT_SECONDS,
    )
