"""Routes are served by their plans as FastAPI would serve them."""

from collections.abc import AsyncIterator
from itertools import combinations
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from api.config import Settings
from api.http.plan import plan_of
from api.http.strict import PlannedRoute
from api.main import create_app

pytestmark = pytest.mark.anyio

HELD: list[str] = []


class Parcel(BaseModel):
    weight: Annotated[int, Field(ge=1)]
    label: str = "none"


async def depot(city: Annotated[str, Query(max_length=5)] = "Wien") -> AsyncIterator[str]:
    HELD.append("opened")
    try:
        yield city
    finally:
        HELD.append("closed")


async def clerk(depot: Annotated[str, Depends(depot)], x_name: Annotated[str, Header()] = "Ada") -> str:
    return f"{x_name} in {depot}"


def routes(router: APIRouter) -> None:
    """Declare routes that use all that plans know."""

    @router.get("/parcels/{number}")
    async def parcel(
        number: Annotated[int, Path(ge=1)],
        clerk: Annotated[str, Depends(clerk)],
        response: Response,
        grams: bool = False,
        x_code: Annotated[str | None, Header()] = None,
    ) -> dict[str, Any]:
        response.headers["x-clerk"] = clerk
        response.status_code = 202 if grams else 200
        return {"number": number, "code": x_code}

    @router.get("/depots")
    async def shared(clerk: Annotated[str, Depends(clerk)], depot: Annotated[str, Depends(depot)]) -> str:
        return f"{clerk}, {depot}"

    @router.put("/parcels/{number}", status_code=201)
    async def put(number: int, clerk: Annotated[str, Depends(clerk)]) -> Parcel:
        return Parcel(weight=number, label=clerk)

    @router.delete("/parcels/{number}", status_code=204)
    async def delete(number: int) -> None:
        del number

    @router.get("/raw/{number}")
    async def raw(number: str) -> Response:
        return Response(number, media_type="text/plain")

    @router.get("/nothing")
    async def nothing() -> None:
        return None


def application(route_class: type[APIRoute]) -> FastAPI:
    """Return an application that serves the routes with this class."""
    router = APIRouter(route_class=route_class)
    routes(router)
    app = FastAPI()
    if route_class is APIRoute:
        app.include_router(router)
        return app

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        for route in router.routes:
            assert isinstance(route, PlannedRoute)
            assert route.plan is not None, route.path
            match, more = route.matches(scope)
            if match.name == "FULL":
                scope.update(more)
                await route.serve(scope, receive, send)
                return
        raise AssertionError(scope["path"])

    app.mount("/", serve)
    return app


async def answers(method: str, path: str, headers: dict[str, str]) -> list[tuple[int, bytes, Any, list[str]]]:
    """Return the answers to a request of FastAPI itself, and of plans."""
    found = []
    for route_class in (APIRoute, PlannedRoute):
        HELD.clear()
        transport = httpx.ASGITransport(application(route_class))
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            answer = await http.request(method, path, headers=headers)
        found.append((answer.status_code, answer.content, answer.headers.raw, [*HELD]))
    return found


@pytest.mark.parametrize("headers", [{}, {"X-Name": "Bob", "X-Code": "7"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/parcels/7"),
        ("GET", "/parcels/7?grams=true&city=Graz"),
        ("GET", "/parcels/0?grams=maybe&city=Klagenfurt"),
        ("GET", "/parcels/seven"),
        ("PUT", "/parcels/7"),
        ("PUT", "/parcels/seven?city=Klagenfurt"),
        ("DELETE", "/parcels/7"),
        ("DELETE", "/parcels/x"),
        ("GET", "/depots"),
        ("GET", "/raw/7"),
        ("GET", "/nothing"),
    ],
)
async def test_a_plan_answers_what_fastapi_answers(method: str, path: str, headers: dict[str, str]) -> None:
    fastapi, planned = await answers(method, path, headers)
    assert planned == fastapi


def test_a_route_that_needs_more_than_plans_know_has_none() -> None:
    router = APIRouter()

    @router.get("/list")
    async def with_a_list(one: Annotated[list[str], Query()]) -> list[str]:
        return one

    @router.get("/thread")
    def on_a_thread() -> None:
        return None

    assert [plan_of(route) for route in router.routes if isinstance(route, APIRoute)] == [None, None]


def test_all_routes_of_callers_have_plans() -> None:
    app = create_app(Settings(store="sqlite:///unused"))
    unplanned = {one.path for one in app.routes if isinstance(one, PlannedRoute) and one.plan is None}
    assert unplanned == {
        "/problems/{code}",  # its answer is a page
        "/auth/token",  # it takes a form
        "/users/me/export",  # these stream their answers
        "/files/{file_id}/{mark}/{name}",
        "/avatars/{avatar}/{size}",
        "/metrics",
    }


def test_no_path_is_that_of_two_routes() -> None:
    """So it does not matter in which order they are looked at."""
    app = create_app(Settings(store="sqlite:///unused"))
    planned = [one for one in app.routes if isinstance(one, PlannedRoute)]
    for one, other in combinations(planned, 2):
        if (one.methods or set()) & (other.methods or set()):
            assert not one.path_regex.match(other.path) or "users/me" in other.path
