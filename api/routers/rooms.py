"""/rooms: the rooms there are, and their coming and going."""

from typing import Literal

from fastapi import APIRouter

from api.clock import now_ms
from api.errors import Forbidden, NotFound, RateLimited
from api.http.bodies.rooms import NewRoom, ReadUpTo, RoomOut, RoomsOut
from api.http.deps import CanLeave, CanMarkRead, Cursor, IdentityDep, Limit, ServicesDep, StoreDep
from api.http.openapi import refuses
from api.http.strict import StrictRoute
from api.ids import random_id
from api.models.rooms import Role, Room, RoomView
from api.rooms import policy
from api.rooms.policy import Operation

router = APIRouter(prefix="/rooms", tags=["rooms"], route_class=StrictRoute)


@router.get("")
async def rooms(
    identity: IdentityDep,
    store: StoreDep,
    scope: Literal["mine", "public"] = "mine",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RoomsOut:
    """List the caller's rooms, or all public ones."""
    find = store.rooms.of_user if scope == "mine" else store.rooms.public
    page = await find(identity.user.id, cursor=cursor, limit=limit)
    return RoomsOut(items=[RoomOut.of(view) for view in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=refuses(RateLimited))
async def create(body: NewRoom, identity: IdentityDep, store: StoreDep, parts: ServicesDep) -> RoomOut:
    """Make a room; the caller is its owner."""
    parts.throttles.make_room(identity.user.id)
    await parts.caps.one_more_room(identity.user.id)
    room = Room(random_id(), body.name, body.topic, body.visibility, now_ms())
    return RoomOut.of(await store.rooms.create(room, identity.user))


@router.get("/{room_id}")
async def room(room_id: str, identity: IdentityDep, store: StoreDep) -> RoomOut:
    """Return a public room, or one of the caller's."""
    return RoomOut.of(await _view(store, room_id, identity.user.id, Operation.SEE))


@router.post("/{room_id}/join")
async def join(room_id: str, identity: IdentityDep, store: StoreDep, parts: ServicesDep) -> RoomOut:
    """Become a member of a public room; again is harmless."""
    view = await _view(store, room_id, identity.user.id, Operation.JOIN)
    parts.throttles.send(identity.user.id)
    if view.role is None:
        await parts.caps.one_more_member(room_id)
        await parts.caps.one_more_room(identity.user.id)
    await store.members.join(room_id, identity.user, Role.MEMBER, now_ms())
    return RoomOut.of(await _view(store, room_id, identity.user.id, Operation.SEE))


@router.post("/{room_id}/leave", status_code=204, responses=refuses(Forbidden))
async def leave(identity: IdentityDep, member: CanLeave, parts: ServicesDep) -> None:
    """Leave a room. The lobby cannot be left, for everybody is in it; nor can a room by its last owner."""
    room_id, user = member.room_id, identity.user
    parts.throttles.send(user.id)
    rule = policy.leaving(room_id)
    await parts.store.members.change(room_id, user, None, by=user.id, at=now_ms(), rule=rule)
    parts.hub.leave(room_id, user.id)


@router.put("/{room_id}/read", status_code=204)
async def read(body: ReadUpTo, member: CanMarkRead, store: StoreDep) -> None:
    """Say that everything up to `seq` has been seen; it never goes back."""
    await store.members.mark_read(member.room_id, member.user_id, body.seq)


async def _view(store: StoreDep, room_id: str, user_id: str, operation: Operation) -> RoomView:
    """Return a room as a user who may do this with it sees it. Raises `NotFound`."""
    view = await store.rooms.view(room_id, user_id)
    if view is None:
        raise NotFound
    policy.require(operation, view.role, view.room.visibility)
    return view
