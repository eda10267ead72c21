"""The ASGI application: FastAPI, with routes that are found in a table and served by their plans."""

from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.openapi import contract
from api.http.routing import RouteTable


class Application(FastAPI):
    """A FastAPI application that passes sockets to `serve_socket`, past its routes and middleware.

    `prefix` is the path below which people reach this server, such as `/chat`, or empty. A proxy in front may take it
    away or leave it.
    """

    def __init__(self, *, prefix: str, serve_socket: ASGIApp, **named: Any) -> None:
        super().__init__(servers=[{"url": prefix, "description": "This server"}] if prefix else None, **named)
        self._below = f"{prefix}/"
        self._serve_socket = serve_socket

    def add_routes_of(self, router: APIRouter) -> None:
        """Add the routes of a router as they are. FastAPI's `include_router` would look for them inside the router."""
        self.router.routes.extend(router.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one socket or the lifespan."""
        scope["app"] = self
        if scope["type"] == "lifespan":
            await self.router(scope, receive, send)
            return
        if scope["path"].startswith(self._below):
            scope["path"] = scope["path"].removeprefix(self._below[:-1])
        if scope["type"] == "websocket":
            await self._serve_socket(scope, receive, send)
            return
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Return the routes within their middleware. `Hardening` answers where a route fails."""
        app: ASGIApp = ExceptionMiddleware(RouteTable(self.router), handlers=self.exception_handlers)
        for wrap, arguments, named in reversed(self.user_middleware):
            app = wrap(app, *arguments, **named)
        return app

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, which is made at the first call."""
        if self.openapi_schema is None:
            self.openapi_schema = contract(super().openapi())
        return self.openapi_schema
