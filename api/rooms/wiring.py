"""Makes the room services of a node."""

from dataclasses import dataclass

from api.limits.wiring import Limits
from api.models.changes import Tell
from api.rooms.direct import DirectRooms
from api.rooms.invites import RoomInvites
from api.rooms.members import MemberService, OnLeft
from api.rooms.mentions import MentionService
from api.rooms.message_changes import MessageChanges
from api.rooms.messages import MessageService
from api.rooms.room_changes import OnDeleted, RoomChanges
from api.rooms.rooms import RoomService
from api.rooms.writing import Writing
from api.store.base.store import Store
from api.store.reads import BatchedReads


@dataclass(frozen=True, slots=True)
class RoomServices:
    """The room services that routers and sockets use."""

    rooms: RoomService
    members: MemberService
    direct: DirectRooms
    invites: RoomInvites
    messages: MessageService
    changes: MessageChanges
    mentions: MentionService
    writing: Writing
    room_changes: RoomChanges


def wire_rooms(  # noqa: PLR0913  their dependencies
    store: Store, *, reads: BatchedReads, limits: Limits, on_left: OnLeft, on_deleted: OnDeleted, tell: Tell
) -> RoomServices:
    """Return the room services."""
    rooms = RoomService(store, limits.throttles, limits.caps)
    members = MemberService(store, reads, rooms, limits.throttles, limits.caps, on_left, tell)
    direct = DirectRooms(store, reads, rooms, members, limits.throttles, limits.caps)
    invites = RoomInvites(store, rooms, members, limits.throttles, limits.caps)
    writing = Writing(store, members, direct, limits.throttles, limits.memory)
    mentions = MentionService(store)
    messages = MessageService(store, members, mentions, writing)
    changes = MessageChanges(store, reads, members, mentions, writing)
    room_changes = RoomChanges(store, rooms, members, limits.throttles, on_deleted)
    return RoomServices(rooms, members, direct, invites, messages, changes, mentions, writing, room_changes)
