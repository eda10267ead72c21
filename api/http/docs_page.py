"""/docs, Swagger UI with files from this server, so that it loads nothing from other hosts; and /asyncapi.json."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import fastapi_swagger
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

from api import __version__
from api.http.services import services
from api.protocol.asyncapi import asyncapi

ASSETS: Final = Path(fastapi_swagger.__file__).parent / "resources"


class _Assets(StaticFiles):
    """Files that browsers keep and ask for again, because their names stay the same in a newer version."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        response = super().file_response(*arguments, **named)
        response.headers["cache-control"] = "no-cache"
        return response


def install_docs(app: FastAPI) -> None:
    """Serve the page of the HTTP half, and the description of the socket."""
    _install_page(app)

    @app.get("/asyncapi.json", include_in_schema=False)
    async def socket(request: Request) -> Response:
        known = services(request).settings
        return Response(
            _described(known.url, known.subscriptions, known.file_bytes), media_type="application/json"
        )


@cache
def _described(url: str, subscriptions: int, file_bytes: int) -> bytes:
    return orjson.dumps(
        asyncapi(version=__version__, url=url, subscriptions=subscriptions, file_bytes=file_bytes)
    )


def _install_page(app: FastAPI) -> None:
    """Serve the page and its files, with a policy that allows its one inline script by hash."""
    app.mount("/docs/assets", _Assets(directory=ASSETS), name="docs-assets")

    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Tailwire API",
        swagger_js_url="docs/assets/swagger-ui-bundle.js",
        swagger_css_url="docs/assets/swagger-ui.css",
        swagger_favicon_url="docs/assets/favicon-32x32.png",
    )
    (script,) = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    page.headers["content-security-policy"] = (
        f"default-src 'self'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )

    page.headers["cache-control"] = "no-cache"

    @app.get("/docs", include_in_schema=False)
    async def docs(_request: Request) -> Response:
        return page
