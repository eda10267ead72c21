"""Answers HEAD wherever GET is answered (RFC 9110, section 9.1)."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware that passes HEAD on as GET.

    The server beneath still sees HEAD in its own scope, and sends the headers without the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            inner = {**scope, "method": "GET", "is_head": True}
            try:
                await self._app(inner, receive, send)
            finally:
                scope.update(inner, method="HEAD")  # the request log asks which route has matched
        else:
            await self._app(scope, receive, send)
