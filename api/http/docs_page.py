"""/docs: Swagger UI with files from this server, so that the page loads nothing from other hosts."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any, Final

import fastapi_swagger
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

ASSETS: Final = Path(fastapi_swagger.__file__).parent / "resources"


class _Assets(StaticFiles):
    """Files that browsers keep and ask for again, because their names stay the same in a newer version."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        response = super().file_response(*arguments, **named)
        response.headers["cache-control"] = "no-cache"
        return response


def install_docs_page(app: FastAPI) -> None:
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
