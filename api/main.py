"""Makes the ASGI application of a server: its routes, its middleware and its lifespan."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI

from api import __version__, logs
from api.accounts.passwords import Passwords
from api.accounts.weak_passwords import load_tables
from api.config import Settings, read_settings
from api.http.application import Application
from api.http.cross_origin import install_cross_origin
from api.http.docs_page import install_docs
from api.http.hardening import Hardening, page_policy
from api.http.head import HeadAsGet
from api.http.page import install_page
from api.http.problems import install_errors
from api.http.request_log import RequestLog
from api.limits.memory import tune_collector
from api.metrics.recorded import Recorded
from api.node import running
from api.routers import (
    admin,
    admin_invites,
    admin_rooms,
    attachments,
    auth,
    avatars,
    bans,
    blocks,
    bots,
    consumers,
    direct,
    health,
    hooks,
    mcp,
    members,
    mentions,
    messages,
    problems,
    reports,
    room_invites,
    rooms,
    search,
    server,
    sync,
    tokens,
    users,
    webhooks,
    ws,
)
from api.store import open_store

BUILT_FRONTEND: Final = Path(__file__).resolve().parent.parent / "frontend" / "dist"

ROUTERS: Final = (
    server.router,
    problems.router,
    auth.router,
    blocks.router,
    users.router,
    rooms.router,
    direct.router,
    members.router,
    bans.router,
    messages.router,
    reports.router,
    mentions.router,
    consumers.router,
    sync.router,
    search.router,
    mcp.router,
    hooks.router,
    webhooks.router,
    room_invites.router,
    admin.router,
    admin_rooms.router,
    admin_invites.router,
    bots.router,
    tokens.router,
    attachments.router,
    avatars.router,
    health.router,
    ws.router,
)
"""All routers. Where two routes match a path, that of the first one answers."""

DESCRIPTION: Final = "Self-hosted realtime messaging. [/asyncapi.json](asyncapi.json) describes the socket."


def create_app(settings: Settings, make_passwords: Callable[[], Passwords] = Passwords) -> FastAPI:
    """Return the application for these settings. Nothing is opened before its lifespan begins."""
    recorded = Recorded()
    app = Application(
        prefix=urlsplit(settings.url or "").path,
        serve_socket=ws.serve,
        title="Tailwire",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(settings, make_passwords, recorded),
        openapi_url="/openapi.json" if settings.serves_docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_errors(app)
    for router in ROUTERS:
        app.add_routes_of(router)
    if settings.serves_docs:
        install_docs(app)
    frontend = settings.frontend or BUILT_FRONTEND
    if (frontend / "index.html").is_file():
        install_page(app, frontend, settings.files_public_endpoint)
    app.add_middleware(HeadAsGet)
    if settings.origins:
        install_cross_origin(app, settings.origins)
    app.add_middleware(
        Hardening,
        hsts_seconds=settings.hsts_seconds,
        trusted_proxies=settings.trusted_proxies,
        hosts=settings.allowed_hosts,
        page_policy=page_policy(settings.files_public_endpoint),
    )
    app.add_middleware(RequestLog, trusted_proxies=settings.trusted_proxies, recorder=recorded)
    return app


def app() -> FastAPI:
    """Return the application for the environment's settings. Uvicorn calls this in each worker."""
    settings = read_settings()
    logs.configure(settings.log_format, settings.log_level)
    app = create_app(settings)
    tune_collector()
    return app


def _lifespan(
    settings: Settings, make_passwords: Callable[[], Passwords], recorded: Recorded
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(load_tables)
        store = await open_store(settings.store)
        passwords = make_passwords()
        try:
            async with running(settings, store, passwords, recorded) as services:
                app.state.services = services
                yield
        finally:
            passwords.close()
            await store.close()

    return lifespan
