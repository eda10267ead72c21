"""A router that looks at its routes only for paths that may be among them."""

from typing import Any, Final, TypeAlias

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

Shape: TypeAlias = tuple[int, str, str]
"""How many parts a path has, its first part, and its third one, or `ANY` in place of a parameter."""
ANY: Final = "{}"
_KEY: Final = "tailwire.shape"


class Router(APIRouter):
    """FastAPI's router, for paths without a parameter in their first part.

    FastAPI compares a path with each route of each router in turn, and does so twice. That took longer than most
    answers do: with 130 routes some 100 us.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self._shapes: frozenset[Shape] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a route of this router answers a request."""
        if self._shapes is None:
            self._shapes = frozenset(map(_shape_of, self.routes))
        parts, first, _ = shape = scope.get(_KEY) or _kept_shape(scope)
        if shape not in self._shapes and (parts, first, ANY) not in self._shapes:
            return Match.NONE, {}
        return super().matches(scope)


def _kept_shape(scope: Scope) -> Shape:
    shape: Shape = _shape(scope["path"])
    scope[_KEY] = shape
    return shape


def _shape_of(route: BaseRoute) -> Shape:
    parts, first, third = _shape(str(getattr(route, "path", "")))
    return parts, first, ANY if third.startswith("{") else third


def _shape(path: str) -> Shape:
    parts = path.split("/")
    return len(parts), parts[1] if len(parts) > 1 else "", parts[3] if len(parts) > 3 else ANY  # noqa: PLR2004
