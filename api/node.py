"""Makes the parts of a node, connects them, runs its tasks, and ends all of it in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from api import __version__
from api.accounts.directory import account_named, make_room_bot
from api.accounts.passwords import Passwords
from api.accounts.wiring import AccountServices, signing_secrets, wire_accounts, wire_audit
from api.config import Settings
from api.feed import Feed, GrowthListener
from api.guard import AddressGuard
from api.http.probes import Probes
from api.http.services import Services
from api.http.wiring import http_settings
from api.jobs.wiring import Jobs, wire_jobs, wire_previews
from api.limits.wiring import Limits, wire_limits
from api.metrics.metrics import Metrics
from api.metrics.parts import Parts
from api.metrics.recorded import Recorded
from api.metrics.workers import WorkerFiles
from api.models.accounts import Record
from api.realtime.hub import Hub
from api.realtime.nodes import NodeParts, Nodes
from api.realtime.signals import Signals
from api.realtime.wiring import Realtime, wire_hub, wire_realtime, wire_signals
from api.rooms.attachments import FileParts, file_bytes_of
from api.rooms.wiring import RoomServices, wire_files, wire_rooms
from api.search.wiring import NodeSearch, wire_search
from api.server.workers import directory_of_workers
from api.store import Store
from api.store.reads import BatchedReads
from api.store.skew import ClockSkew
from api.store.timing import time_calls
from api.tasks import Tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What is made first, because the jobs and services of a node are made with it."""

    settings: Settings
    store: Store
    recorded: Recorded
    skew: ClockSkew
    reads: BatchedReads
    tasks: Tasks
    hub: Hub
    signals: Signals
    limits: Limits
    guard: AddressGuard
    record: Record
    search: NodeSearch | None
    files: FileParts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunningNode:
    """All parts of a node."""

    ground: _Ground
    jobs: Jobs
    rooms: RoomServices
    accounts: AccountServices
    realtime: Realtime
    feed: Feed
    nodes: Nodes


@asynccontextmanager
async def running(
    settings: Settings, store: Store, passwords: Passwords, recorded: Recorded
) -> AsyncIterator[Services]:
    """Make and connect all parts, run the tasks while the context is open, and yield the services."""
    node = await _wire(settings, store, passwords, recorded)
    metrics_text = _keep_metrics(node)
    _keep_tasks(node)
    try:
        yield _services(node, metrics_text)
    finally:
        await _close(node)


async def _wire(settings: Settings, store: Store, passwords: Passwords, recorded: Recorded) -> _RunningNode:
    ground = await _lay_ground(settings, store, recorded)
    jobs = _jobs(ground)
    rooms = _rooms(ground, jobs)
    accounts = await _accounts(ground, passwords, jobs, rooms)
    ground.hub.on_session_ended.append(accounts.authenticator.forget)
    ground.signals.on_profile_changed.append(accounts.authenticator.forget_all_of)
    if rooms.attachments is not None and jobs.files is not None:
        rooms.attachments.on_used, rooms.attachments.on_gone = jobs.files.used.set, jobs.files.begin
    realtime = wire_realtime(
        settings,
        store,
        hub=ground.hub,
        reads=ground.reads,
        limits=ground.limits,
        rooms=rooms,
        authenticator=accounts.authenticator,
        on_refused=partial(recorded.refused, "socket"),
    )
    feed = _feed(ground, jobs, realtime)
    return _RunningNode(
        ground=ground,
        jobs=jobs,
        rooms=rooms,
        accounts=accounts,
        realtime=realtime,
        feed=feed,
        nodes=_nodes(ground, jobs, realtime, feed),
    )


async def _lay_ground(settings: Settings, store: Store, recorded: Recorded) -> _Ground:
    time_calls(store, recorded.called)
    skew = ClockSkew(store)
    await skew.measure()
    hub = wire_hub(settings)
    return _Ground(
        settings=settings,
        store=store,
        recorded=recorded,
        skew=skew,
        reads=BatchedReads(store),
        tasks=Tasks(),
        hub=hub,
        signals=wire_signals(store, hub),
        limits=wire_limits(settings, store),
        guard=AddressGuard(settings.webhook_allow),
        record=wire_audit(settings, store).record,
        search=await wire_search(store, settings.search_index, recorded.searched, is_on=settings.search),
        files=wire_files(settings, await signing_secrets(settings, store)),
    )


def _jobs(ground: _Ground) -> Jobs:
    settings, files = ground.settings, ground.files
    return wire_jobs(
        ground.store,
        erase=settings.erase,
        post=ground.guard.post,
        record=ground.record,
        tell=ground.signals.tell,
        files=None if files is None else files.store,
        unsent_file_hours=settings.unsent_file_hours,
        previews=wire_previews(settings, files),
    )


def _rooms(ground: _Ground, jobs: Jobs) -> RoomServices:
    return wire_rooms(
        ground.store,
        reads=ground.reads,
        limits=ground.limits,
        on_left=ground.hub.leave,
        on_deleted=jobs.deletion.begin,
        tell=ground.signals.tell,
        record=ground.record,
        make_bot=partial(make_room_bot, ground.store),
        receipts=ground.settings.receipts,
        consumers_per_user=ground.settings.consumers_per_user,
        check_url=ground.guard.normal_url,
        on_webhooks_changed=jobs.webhooks.tell,
        search_index=None if ground.search is None else ground.search.index,
        find_account=partial(account_named, ground.store),
        files=ground.files,
    )


async def _accounts(
    ground: _Ground, passwords: Passwords, jobs: Jobs, rooms: RoomServices
) -> AccountServices:
    hub, files = ground.hub, ground.files
    return await wire_accounts(
        ground.settings,
        ground.store,
        reads=ground.reads,
        passwords=passwords,
        throttles=ground.limits.throttles,
        caps=ground.limits.caps,
        is_fed=lambda: hub.is_fed,
        on_ended=hub.end_sessions,
        on_erasing=jobs.erasure.begin,
        on_room_deleted=jobs.deletion.begin,
        tell=ground.signals.tell,
        door=rooms.invites,
        read_file=None if files is None else files.store.read,
    )


def _feed(ground: _Ground, jobs: Jobs, realtime: Realtime) -> Feed:
    listeners: list[GrowthListener] = [
        realtime.notices,
        realtime.polls,
        realtime.room_polls,
        jobs.webhooks,
    ]
    listeners += [jobs.followers] if jobs.followers.all else []
    listeners += [ground.search.indexer] if ground.search is not None else []
    return Feed(
        ground.store,
        ground.hub,
        realtime.revocation,
        ground.signals,
        presence=realtime.presence,
        listeners=listeners,
        on_webhooks=jobs.webhooks.hear,
    )


def _nodes(ground: _Ground, jobs: Jobs, realtime: Realtime, feed: Feed) -> Nodes:
    return Nodes(
        ground.store,
        NodeParts(
            version=__version__,
            hub=ground.hub,
            admission=realtime.admission,
            memory=ground.limits.memory,
            feed=feed.state,
            tasks=ground.tasks.states,
            followers=jobs.followers.all,
            leases=jobs.leases.counts,
            clock_skew_ms=lambda: ground.skew.milliseconds,
        ),
    )


def _measured(node: _RunningNode) -> Parts:
    """Return the parts of which /metrics tells how much there is of something now."""
    ground, jobs, rooms, realtime = node.ground, node.jobs, node.rooms, node.realtime
    return Parts(
        version=__version__,
        hub=ground.hub,
        feed=node.feed.state,
        tasks=ground.tasks.states,
        signals=ground.signals.counts,
        offers=lambda: {
            **ground.signals.offers,
            "presence": realtime.presence.offer_count,
            "notice": realtime.notices.offer_count,
        },
        presence=realtime.presence,
        waiting_polls=lambda: realtime.poll_slots.taken_count,
        consumed=lambda: {
            "entries": rooms.consumers.given_count,
            "acks": rooms.consumers.ack_count,
        },
        tokens=lambda: node.accounts.authenticator.token_counts,
        hook_posts=lambda: rooms.hooks.post_counts,
        known_memberships=lambda: ground.hub.user_rooms.count,
        reads=lambda: ground.reads.counts() | {"log": realtime.replay.read_count},
        entries=lambda: rooms.writing.counts,
        followers=jobs.followers.all,
        leases=jobs.leases.counts,
        webhooks=jobs.webhooks,
        search=ground.search,
        files=rooms.attachments,
        removal=jobs.files,
        links=None if jobs.previews is None else jobs.previews.reader,
        mentions=lambda: rooms.writing.mention_counts,
        socket_count=lambda: realtime.admission.open_count,
        memory_is_short=lambda: ground.limits.memory.is_short,
        answer_bytes=lambda: ground.limits.answers.bytes_under_way,
        clock_skew_ms=lambda: ground.skew.milliseconds,
        database_bytes=ground.store.size_bytes,
    )


def _keep_metrics(node: _RunningNode) -> Callable[[], bytes]:
    """Return what makes the text of /metrics. Where workers share a port, it is that of all, kept by a task."""
    metrics = Metrics(node.ground.recorded, _measured(node))
    directory = directory_of_workers()
    if directory is None:
        return metrics.text
    workers = WorkerFiles(directory, metrics.registry)
    node.ground.tasks.keep("metrics", workers.run)
    return workers.text


def _keep_tasks(node: _RunningNode) -> None:
    ground, realtime, tasks = node.ground, node.realtime, node.ground.tasks
    tasks.keep("feed", node.feed.run)
    tasks.keep("revocation", realtime.revocation.run)
    tasks.keep("clock", ground.skew.run)
    tasks.keep("heartbeats", realtime.heartbeats.run)
    tasks.keep("nodes", node.nodes.run)
    tasks.keep("presence", realtime.presence.run)
    tasks.keep("notices", realtime.notices.run)
    tasks.keep("receipts", ground.signals.run)
    if ground.search is not None:
        tasks.keep("search", ground.search.indexer.run)
    for name, run, most_seconds in node.jobs.tasks():
        tasks.keep(name, run, max_backoff_seconds=most_seconds)


def _services(node: _RunningNode, metrics_text: Callable[[], bytes]) -> Services:
    ground = node.ground
    return Services(
        accounts=node.accounts,
        rooms=node.rooms,
        realtime=node.realtime,
        limits=ground.limits,
        nodes=node.nodes,
        probes=Probes(
            check_store=ground.store.check,
            memory_is_short=lambda: ground.limits.memory.is_short,
            clock_skew_ms=lambda: ground.skew.milliseconds,
            connection_count=lambda: ground.hub.connection_count,
            feed=node.feed.state,
            tasks=ground.tasks.states,
            metrics_text=metrics_text,
            database_bytes=ground.store.size_bytes,
            search=ground.search,
        ),
        recorder=ground.recorded,
        settings=http_settings(ground.settings, file_bytes=file_bytes_of(node.rooms.attachments)),
    )


async def _close(node: _RunningNode) -> None:
    """End sockets and tasks first, then what they used."""
    ground = node.ground
    ground.hub.close_all()
    await ground.tasks.close()
    await ground.guard.close()
    await node.jobs.close()
    if ground.search is not None:
        await ground.search.close()
    if ground.files is not None:
        await ground.files.close()
    await node.nodes.close()
    await node.accounts.uses.close()
    await ground.reads.close()
    await node.realtime.replay.close()
