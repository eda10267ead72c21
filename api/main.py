"""Wires every part of a server into one ASGI application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI

from api import __version__, logs
from api.accounts.directory import account_named, make_room_bot
from api.accounts.security import Passwords
from api.accounts.weak_passwords import load_tables
from api.accounts.wiring import signing_secrets, wire_accounts, wire_audit
from api.config import Settings, read_settings
from api.feed import Feed, GrowthListener
from api.guard import AddressGuard
from api.http.application import Application
from api.http.cross_origin import install_cross_origin
from api.http.deps import Services
from api.http.docs_page import install_docs
from api.http.hardening import Hardening, page_policy
from api.http.head import HeadAsGet
from api.http.page import install_page
from api.http.probes import Probes
from api.http.problems import install_errors
from api.http.request_log import RequestLog
from api.http.wiring import http_settings
from api.jobs.wiring import wire_jobs, wire_previews
from api.limits.memory import tune_collector
from api.limits.wiring import wire_limits
from api.metrics.metrics import Metrics
from api.metrics.parts import Parts
from api.metrics.recorded import Recorded
from api.metrics.workers import WorkerFiles
from api.realtime.nodes import NodeParts, Nodes
from api.realtime.wiring import wire_hub, wire_realtime, wire_signals
from api.rooms.attachments import file_bytes_of
from api.rooms.wiring import wire_files, wire_rooms
from api.routers import (
    admin,
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
    invites,
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
from api.search.wiring import wire_search
from api.server.workers import directory_of_workers
from api.store import Store, open_store
from api.store.reads import BatchedReads
from api.store.skew import ClockSkew
from api.store.timing import time_calls
from api.tasks import Tasks

BUILT_FRONTEND: Final = Path(__file__).resolve().parent.parent / "frontend" / "dist"

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
    for part in (
        *(server, problems, auth, blocks, users, rooms, direct, members, bans, messages, reports, mentions),
        *(
            consumers,
            sync,
            search,
            mcp,
            hooks,
            webhooks,
            room_invites,
            admin,
            admin_rooms,
            invites,
            bots,
            tokens,
        ),
        *(attachments, avatars, health, ws),
    ):
        app.add_routes_of(part.router)
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
            async with _running(settings, store, passwords, recorded) as services:
                app.state.services = services
                yield
        finally:
            passwords.close()
            await store.close()

    return lifespan


@asynccontextmanager
async def _running(
    settings: Settings, store: Store, passwords: Passwords, recorded: Recorded
) -> AsyncIterator[Services]:
    """Make and connect all parts, run the tasks while the context is open, and yield the services."""
    time_calls(store, recorded.called)
    skew = ClockSkew(store)
    await skew.measure()
    reads, tasks, hub = BatchedReads(store), Tasks(), wire_hub(settings)
    signals = wire_signals(store, hub)
    limits, guard = wire_limits(settings, store), AddressGuard(settings.webhook_allow)
    record = wire_audit(settings, store).record
    searching = await wire_search(store, settings.search_index, recorded.searched, is_on=settings.search)
    files = wire_files(settings, await signing_secrets(settings, store))
    jobs = wire_jobs(
        store,
        erase=settings.erase,
        post=guard.post,
        record=record,
        tell=signals.tell,
        files=None if files is None else files.store,
        unsent_file_hours=settings.unsent_file_hours,
        previews=wire_previews(settings, files),
    )
    rooms = wire_rooms(
        store,
        reads=reads,
        limits=limits,
        on_left=hub.leave,
        on_deleted=jobs.deletion.begin,
        tell=signals.tell,
        record=record,
        make_bot=partial(make_room_bot, store),
        receipts=settings.receipts,
        consumers_per_user=settings.consumers_per_user,
        check_url=guard.normal_url,
        on_webhooks_changed=jobs.webhooks.tell,
        search_index=None if searching is None else searching.index,
        find_account=partial(account_named, store),
        files=files,
    )
    accounts = await wire_accounts(
        settings,
        store,
        reads=reads,
        passwords=passwords,
        throttles=limits.throttles,
        caps=limits.caps,
        is_fed=lambda: hub.is_fed,
        on_ended=hub.end_sessions,
        on_erasing=jobs.erasure.begin,
        on_room_deleted=jobs.deletion.begin,
        tell=signals.tell,
        door=rooms.invites,
        read_file=None if files is None else files.store.read,
    )
    hub.on_session_ended.append(accounts.authenticator.forget)
    signals.on_profile_changed.append(accounts.authenticator.forget_all_of)
    if rooms.attachments is not None and jobs.files is not None:
        rooms.attachments.on_used, rooms.attachments.on_gone = jobs.files.used.set, jobs.files.begin
    realtime = wire_realtime(
        settings,
        store,
        hub=hub,
        reads=reads,
        limits=limits,
        rooms=rooms,
        authenticator=accounts.authenticator,
        on_refused=partial(recorded.refused, "socket"),
    )
    followers = jobs.followers
    presence, notices = realtime.presence, realtime.notices
    listeners: list[GrowthListener] = [notices, realtime.polls, realtime.room_polls, jobs.webhooks]
    listeners += [followers] if followers.all else []
    listeners += [searching.indexer] if searching is not None else []
    feed = Feed(
        store,
        hub,
        realtime.revocation,
        signals,
        presence=presence,
        listeners=listeners,
        on_webhooks=jobs.webhooks.hear,
    )
    nodes = Nodes(
        store,
        NodeParts(
            version=__version__,
            hub=hub,
            admission=realtime.admission,
            memory=limits.memory,
            feed=feed.state,
            tasks=tasks.states,
            followers=followers.all,
            leases=jobs.leases.counts,
            clock_skew_ms=lambda: skew.milliseconds,
        ),
    )
    metrics = Metrics(
        recorded,
        Parts(
            version=__version__,
            hub=hub,
            feed=feed.state,
            tasks=tasks.states,
            signals=signals.counts,
            offers=lambda: {
                **signals.offers,
                "presence": presence.offer_count,
                "notice": notices.offer_count,
            },
            presence=presence,
            waiting_polls=lambda: realtime.poll_slots.taken_count,
            consumed=lambda: {
                "entries": rooms.consumers.given_count,
                "acks": rooms.consumers.ack_count,
            },
            tokens=lambda: accounts.authenticator.token_counts,
            hook_posts=lambda: rooms.hooks.post_counts,
            known_memberships=lambda: hub.user_rooms.count,
            reads=lambda: reads.counts() | {"log": realtime.replay.read_count},
            entries=lambda: rooms.writing.counts,
            followers=followers.all,
            leases=jobs.leases.counts,
            webhooks=jobs.webhooks,
            search=searching,
            files=rooms.attachments,
            removal=jobs.files,
            links=None if jobs.previews is None else jobs.previews.reader,
            mentions=lambda: rooms.writing.mention_counts,
            socket_count=lambda: realtime.admission.open_count,
            memory_is_short=lambda: limits.memory.is_short,
            answer_bytes=lambda: limits.answers.bytes_under_way,
            clock_skew_ms=lambda: skew.milliseconds,
            database_bytes=store.size_bytes,
        ),
    )
    metrics_text = metrics.text
    if (directory := directory_of_workers()) is not None:
        workers = WorkerFiles(directory, metrics.registry)
        tasks.keep("metrics", workers.run)
        metrics_text = workers.text
    works = {
        "feed": feed.run,
        "revocation": realtime.revocation.run,
        "clock": skew.run,
        "heartbeats": realtime.heartbeats.run,
        "nodes": nodes.run,
        "presence": presence.run,
        "notices": notices.run,
        "receipts": signals.run,
        **({"search": searching.indexer.run} if searching is not None else {}),
    }
    for name, work in works.items():
        tasks.keep(name, work)
    for name, run, most_seconds in jobs.tasks():
        tasks.keep(name, run, max_backoff_seconds=most_seconds)
    try:
        yield Services(
            accounts=accounts,
            rooms=rooms,
            realtime=realtime,
            limits=limits,
            nodes=nodes,
            probes=Probes(
                check_store=store.check,
                memory_is_short=lambda: limits.memory.is_short,
                clock_skew_ms=lambda: skew.milliseconds,
                connection_count=lambda: hub.connection_count,
                feed=feed.state,
                tasks=tasks.states,
                metrics_text=metrics_text,
                database_bytes=store.size_bytes,
                search=searching,
            ),
            recorder=recorded,
            settings=http_settings(settings, file_bytes=file_bytes_of(rooms.attachments)),
        )
    finally:
        hub.close_all()
        await tasks.close()
        await guard.close()
        await jobs.close()
        if searching is not None:
            await searching.close()
        if files is not None:
            await files.close()
        await nodes.close()
        await accounts.uses.close()
        await reads.close()
        await realtime.replay.close()
