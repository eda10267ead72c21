"""/healthz, /readyz and /metrics: whether the process lives, whether it can serve, and how it fares."""

import asyncio
import secrets
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from api.errors import NotFound, Unavailable
from api.http.bodies.forms import Answer
from api.http.deps import ServicesDep
from api.http.openapi import refuses
from api.metrics import CONTENT_TYPE

router = APIRouter(tags=["health"])

CHECK_TIMEOUT_SECONDS: Final = 2.0


class Health(Answer):
    """The process lives."""

    status: str


class FeedHealth(Answer):
    """How the feed is. `lag_ms`: from writing the last entry to broadcasting it."""

    live: bool
    silent_seconds: float
    lag_ms: int
    reopens: int
    catch_ups: int


class Readiness(Answer):
    """Whether the store answers, there is memory left and the feed is live."""

    status: str
    store: bool
    memory: bool
    feed: FeedHealth
    connections: int


@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process lives."""
    return Health(status="ok")


@router.get("/metrics", response_class=PlainTextResponse, responses=refuses(NotFound))
async def metrics(request: Request, parts: ServicesDep) -> Response:
    """Tell Prometheus how this node fares; of several workers, the one that happens to answer."""
    if parts.metrics_token is not None:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, f"Bearer {parts.metrics_token}".encode()):
            raise NotFound
    elif parts.production:
        raise NotFound
    return Response(parts.metrics.text(), media_type=CONTENT_TYPE)


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(parts: ServicesDep, response: Response) -> Readiness:
    """Say whether this node can serve; 503 when it cannot."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await parts.store.check()
        store = True
    except (Unavailable, TimeoutError):
        store = False
    state = parts.feed.state
    memory = not parts.memory.is_short
    ready = store and memory and state.is_live
    response.status_code = 200 if ready else 503
    return Readiness(
        status="ready" if ready else "unavailable",
        store=store,
        memory=memory,
        feed=FeedHealth(
            live=state.is_live,
            silent_seconds=round(state.silent_seconds(), 3) if state.heard_at else 0.0,
            lag_ms=state.lag_ms,
            reopens=state.reopen_count,
            catch_ups=state.catch_up_count,
        ),
        connections=parts.hub.connection_count,
    )
