"""Wires every part of a server into one ASGI application."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import fastapi_swagger
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api import __version__, logs
from api.accounts.accounts import Accounts
from api.accounts.admin import Admin
from api.accounts.audit import Audit
from api.accounts.secret import kept_secret
from api.accounts.security import Passwords, Tokens
from api.accounts.weak_passwords import load_tables
from api.config import Settings, read_settings
from api.feed import Feed
from api.http.deps import Services
from api.http.hardening import Hardening
from api.http.openapi import contract
from api.http.problems import install_errors
from api.http.request_log import RequestLog
from api.jobs.erasure import Erasure
from api.limits.caps import Caps
from api.limits.memory import Memory, spare_collector
from api.limits.rates import COMMANDS_BURST_SECONDS, Rate
from api.limits.throttles import Rates, Throttles
from api.metrics import Metrics
from api.protocol.close_codes import CloseCode
from api.realtime.admission import Admission
from api.realtime.commands import Commands
from api.realtime.heartbeats import Heartbeats
from api.realtime.hub import Hub
from api.realtime.replay import Replay
from api.realtime.revocation import Revocation
from api.routers import admin, auth, health, members, messages, rooms, users, ws
from api.store import open_store
from api.store.base.store import Store
from api.store.reads import Reads

BUILT_FRONTEND: Final = Path(__file__).resolve().parent.parent / "frontend" / "dist"
DOCS_ASSETS: Final = Path(fastapi_swagger.__file__).parent / "resources"

MEBIBYTE: Final = 1024 * 1024

DESCRIPTION: Final = (
    "Self-hosted realtime messaging. What is written is told live on `/ws/messages`: docs/protocol.md."
)

log = structlog.get_logger("api.main")


class Application(FastAPI):
    """FastAPI, but for sockets, which go straight to their door: see `api/routers/ws.py`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, one socket or the lifespan."""
        if scope["type"] == "websocket":
            scope["app"] = self
            await ws.serve(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the contract, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = contract(super().openapi())
        return self.openapi_schema


def create_app(settings: Settings) -> FastAPI:
    """Return the application for these settings. Nothing is opened before its lifespan begins."""
    app = Application(
        title="Tailwire",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(settings),
        openapi_url="/openapi.json" if settings.serves_docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_errors(app)
    for part in (auth, users, rooms, members, messages, admin, health, ws):
        app.include_router(part.router)
    if settings.serves_docs:
        _serve_docs(app)
    frontend = settings.frontend or BUILT_FRONTEND
    if (frontend / "index.html").is_file():
        app.frontend("/", directory=str(frontend), check_dir=False)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Retry-After"],
            max_age=600,
        )
    app.add_middleware(
        Hardening, hsts_seconds=settings.hsts_seconds, trusted_proxies=settings.trusted_proxies
    )
    app.add_middleware(RequestLog)
    return app


def app() -> FastAPI:
    """Return the application for the environment's settings: what uvicorn calls in each worker."""
    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
    app = create_app(settings)
    spare_collector()
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(load_tables)
        store = await open_store(settings.store)
        passwords = Passwords()
        try:
            parts = await _wire(settings, store, passwords)
            app.state.services = parts
            tasks = (
                asyncio.create_task(parts.feed.run(), name="feed"),
                asyncio.create_task(parts.revocation.run(), name="revocation"),
                asyncio.create_task(parts.heartbeats.run(), name="heartbeats"),
                asyncio.create_task(parts.erasure.run(), name="erasure"),
            )
            try:
                yield
            finally:
                parts.hub.close_all(CloseCode.RESTART)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await parts.reads.close()
                await parts.replay.close()
        finally:
            passwords.close()
            await store.close()

    return lifespan


async def _wire(settings: Settings, store: Store, passwords: Passwords) -> Services:
    secret = settings.secret.get_secret_value() if settings.secret else await kept_secret(store)
    tokens = Tokens(secret, *(one.get_secret_value() for one in settings.previous_secrets))
    reads, replay = Reads(store), Replay(store)
    hub = Hub(connections_per_user=settings.connections_per_user)
    memory = Memory(settings.memory_mib and settings.memory_mib * MEBIBYTE)
    revocation = Revocation(store, hub)
    feed = Feed(store, hub, revocation)
    audit = Audit(store, days=settings.audit_days)
    throttles = Throttles(store, _rates(settings), hashing_threads=passwords.threads)
    return Services(
        store=store,
        reads=reads,
        replay=replay,
        hub=hub,
        revocation=revocation,
        feed=feed,
        memory=memory,
        heartbeats=Heartbeats(hub, memory, heartbeat_seconds=settings.heartbeat_seconds),
        metrics=Metrics(hub, feed, reads, replay),
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        accounts=Accounts(
            store,
            passwords,
            tokens,
            audit,
            access_minutes=settings.access_minutes,
            session_days=settings.session_days,
            sessions_per_user=settings.sessions_per_user,
        ),
        admin=Admin(store, passwords, audit),
        erasure=Erasure(store, settings.erase),
        commands=Commands(
            store,
            reads,
            replay,
            hub,
            memory,
            tokens,
            throttles,
            heartbeat_seconds=settings.heartbeat_seconds,
            subscriptions=settings.subscriptions,
        ),
        admission=Admission(
            memory,
            connections=settings.connections,
            unauthenticated=settings.unauthenticated_connections,
            unauthenticated_per_address=settings.unauthenticated_per_address,
        ),
        throttles=throttles,
        caps=Caps(store, members_per_room=settings.members_per_room, rooms_per_user=settings.rooms_per_user),
        trusted_proxies=settings.trusted_proxies,
        command_rate=_command_rate(settings),
        origins=frozenset(settings.origins),
        production=settings.production,
        session_seconds=settings.session_days * 86_400,
    )


def _rates(settings: Settings) -> Rates:
    return Rates(
        sends=Rate(settings.sends_per_second, settings.sends_burst),
        requests=_command_rate(settings),
        login_failures_per_account=settings.login_failures_per_account,
        login_failures_per_address=settings.login_failures_per_address,
        signups_per_address=settings.signups_per_address,
        refreshes=settings.refreshes_per_minute,
        misses=settings.misses_per_minute,
        rooms=settings.rooms_per_minute,
        searches=settings.searches_per_minute,
        connections_per_user=settings.connections_per_user,
    )


def _command_rate(settings: Settings) -> Rate:
    per_second = settings.commands_per_second
    return Rate(per_second, max(1, int(per_second * COMMANDS_BURST_SECONDS)))


def _serve_docs(app: FastAPI) -> None:
    """Serve /docs from our own machine: no page of ours asks another host for anything."""
    app.mount("/docs/assets", StaticFiles(directory=DOCS_ASSETS), name="docs-assets")

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

    @app.get("/docs", include_in_schema=False)
    async def docs(_request: Request) -> Response:
        return page
