"""/healthz, /readyz and /metrics: whether the process runs, whether it can serve, and its metrics."""

import secrets
from typing import Final

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from api.errors import NotFound
from api.http.bodies.forms import Answer
from api.http.deps import HttpSettingsDep, ProbesDep
from api.http.openapi import refuses
from api.http.routing import Router

router = Router(tags=["health"])

PROMETHEUS_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Health(Answer):
    """The process runs."""

    status: str


class FeedHealth(Answer):
    """The state of the feed. `lag_ms` is the time from writing the last entry to broadcasting it."""

    live: bool
    silent_seconds: float
    lag_ms: int
    reopens: int
    catch_ups: int


class TaskHealth(Answer):
    """A task that is not running, or was restarted again and again in the last minute."""

    name: str
    up: bool
    restarts: int


class SearchHealth(Answer):
    """The search index. `done` is how much of it is made, from 0 to 1, and `lag` how many entries it lacks.

    Only the process that writes the index of its machine knows these. While the index is made, all else is served.
    """

    writing: bool
    done: float
    lag: int


class Readiness(Answer):
    """Whether the store can be written, there is memory left and the feed is live. `tasks` lists those with problems.

    `clock_skew_ms` is how far this machine's clock is ahead of the store's, which the server goes by.
    """

    status: str
    store: bool
    memory: bool
    feed: FeedHealth
    clock_skew_ms: int
    connections: int
    tasks: list[TaskHealth]
    search: SearchHealth | None


@router.get("/healthz")
async def healthz() -> Health:
    """Answer 200 while the process runs."""
    return Health(status="ok")


@router.get("/metrics", response_class=PlainTextResponse, responses=refuses(NotFound))
async def metrics(request: Request, probes: ProbesDep, settings: HttpSettingsDep) -> Response:
    """Return the metrics for Prometheus, those of several workers of one port together."""
    if settings.metrics_token is not None:
        given = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(given, f"Bearer {settings.metrics_token}".encode()):
            raise NotFound
    elif settings.production:
        raise NotFound
    return Response(probes.metrics_text(), media_type=PROMETHEUS_TEXT)


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(probes: ProbesDep, response: Response) -> Readiness:
    """Answer 200 when this node can serve, and 503 when it cannot."""
    store = await probes.store_is_up()
    feed, memory, search = probes.feed, not probes.memory_is_short(), probes.search
    ready = store and memory and feed.is_live
    response.status_code = 200 if ready else 503
    return Readiness(
        status="ready" if ready else "unavailable",
        store=store,
        memory=memory,
        feed=FeedHealth(
            live=feed.is_live,
            silent_seconds=round(feed.silent_seconds(), 3),
            lag_ms=feed.lag_ms,
            reopens=feed.reopen_count,
            catch_ups=feed.catch_up_count,
        ),
        clock_skew_ms=probes.clock_skew_ms(),
        connections=probes.connection_count(),
        tasks=[
            TaskHealth(name=one.name, up=one.is_up, restarts=one.restart_count)
            for one in probes.tasks
            if not one.is_well
        ],
        search=search and SearchHealth(writing=search.is_writing, done=round(search.done, 3), lag=search.lag),
    )
