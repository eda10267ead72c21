"""Finds the route for a request by the shape of its path, so that it need not be compared with each route in turn."""

from typing import Any, Final, TypeAlias

from fastapi import APIRouter
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.openapi import operation_id
from api.http.strict import PlannedRoute

Shape: TypeAlias = tuple[int, str, str]
"""How many parts a path has, its first part, and its third one, or `ANY` in place of a parameter."""
ANY: Final = "{}"


class Router(APIRouter):
    """FastAPI's router, for paths without a parameter in their first part. Its routes have plans."""

    def __init__(self, *, route_class: type[PlannedRoute] = PlannedRoute, **named: Any) -> None:
        super().__init__(route_class=route_class, generate_unique_id_function=operation_id, **named)


class RouteTable:
    """The routes of an application that have plans, by the shapes of their paths. All else is left to FastAPI.

    FastAPI compares a path with each route in turn. With 130 routes that took longer than most answers do.
    """

    def __init__(self, router: APIRouter) -> None:
        self._routes: dict[tuple[str, Shape], list[PlannedRoute]] = {}
        for route in router.routes:
            if isinstance(route, PlannedRoute) and route.plan is not None:
                for method in route.methods or ():
                    self._routes.setdefault((method, _shape_of(route.path)), []).append(route)
        self._router: ASGIApp = AsyncExitStackMiddleware(router)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        parts, first, third = _shape(scope["path"])
        for shape in ((parts, first, third), (parts, first, ANY)):
            for route in self._routes.get((scope["method"], shape), ()):
                match, more = route.matches(scope)
                if match is Match.FULL:
                    scope.update(more)
                    await route.serve(scope, receive, send)
                    return
        await self._router(scope, receive, send)


def _shape_of(template: str) -> Shape:
    parts, first, third = _shape(template)
    return parts, first, ANY if third.startswith("{") else third


def _shape(path: str) -> Shape:
    parts = path.split("/")
    return len(parts), parts[1] if len(parts) > 1 else "", parts[3] if len(parts) > 3 else ANY  # noqa: PLR2004
