"""Makes the parts of a node that serve its sockets."""

from dataclasses import dataclass

from api.accounts.identity import Authenticator
from api.config import Settings
from api.limits.poll_slots import PollSlots
from api.limits.wiring import Limits
from api.protocol.fields import features
from api.realtime.admission import Admission
from api.realtime.commands import Commands
from api.realtime.handler import ConnectionHandler, OnRefused
from api.realtime.heartbeats import Heartbeats
from api.realtime.hub import Hub
from api.realtime.notices import Notices
from api.realtime.polls import Polls
from api.realtime.presence import Presence
from api.realtime.replay import Replay
from api.realtime.revocation import Revocation
from api.realtime.room_polls import RoomPolls
from api.realtime.signals import Signals
from api.realtime.subscriptions import Subscriptions
from api.rooms.wiring import RoomServices
from api.store.base.store import Store
from api.store.reads import BatchedReads


@dataclass(frozen=True, slots=True)
class Realtime:
    """The parts of a node that serve its sockets."""

    hub: Hub
    replay: Replay
    revocation: Revocation
    heartbeats: Heartbeats
    admission: Admission
    handler: ConnectionHandler
    presence: Presence
    notices: Notices
    polls: Polls
    room_polls: RoomPolls
    poll_slots: PollSlots


def wire_hub(settings: Settings) -> Hub:
    """Return the hub. It is made first, because services of rooms and accounts tell it what has ended."""
    return Hub(connections_per_user=settings.connections_per_user)


def wire_signals(store: Store, hub: Hub) -> Signals:
    """Return what tells signals. Services of rooms and accounts use it."""
    return Signals(hub, store.signals)


def wire_realtime(  # noqa: PLR0913  its dependencies
    settings: Settings,
    store: Store,
    *,
    hub: Hub,
    reads: BatchedReads,
    limits: Limits,
    rooms: RoomServices,
    authenticator: Authenticator,
    on_refused: OnRefused,
) -> Realtime:
    """Return the hub and the parts that use it."""
    replay = Replay(store)
    subscriptions = Subscriptions(
        reads, replay, hub, rooms.members, limits.throttles, limits.answers, most=settings.subscriptions
    )
    notices = Notices(store.members, store.blocks, hub)
    presence = Presence(store.presence, store.signals, hub)
    commands = Commands(
        hub,
        subscriptions,
        presence,
        rooms,
        authenticator,
        limits.throttles,
        heartbeat_seconds=settings.heartbeat_seconds,
        max_subscriptions=settings.subscriptions,
        features=features(
            receipts=settings.receipts, search=settings.search, files=rooms.attachments is not None
        ),
    )
    slots = PollSlots(per_user=settings.polls_per_user)
    admission = Admission(
        limits.memory,
        connections=settings.connections,
        unauthenticated=settings.unauthenticated_connections,
        unauthenticated_per_address=settings.unauthenticated_per_address,
    )
    return Realtime(
        hub=hub,
        replay=replay,
        revocation=Revocation(store, hub),
        heartbeats=Heartbeats(hub, limits.memory, heartbeat_seconds=settings.heartbeat_seconds),
        admission=admission,
        handler=ConnectionHandler(
            commands, authenticator, admission, reads, hub, limits.memory, limits.commands, on_refused
        ),
        presence=presence,
        notices=notices,
        polls=Polls(rooms.consumers, hub, notices, limits.answers, slots),
        room_polls=RoomPolls(rooms.messages, hub, limits.answers, slots),
        poll_slots=slots,
    )
