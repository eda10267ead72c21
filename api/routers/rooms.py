"""/rooms: the rooms there are, and who is in them."""

from typing import Literal

from fastapi import APIRouter

from api.clock import now_ms
from api.deps import Cursor, IdentityDep, Limit, MemberDep, ServicesDep, StoreDep
from api.errors import Forbidden, NotFound
from api.http import StrictRoute
from api.ids import random_id
from api.models import LOBBY_ID, Role, Room, RoomView, Visibility
from api.schemas import MemberOut, MembersOut, NewRoom, ReadUpTo, RoomOut, RoomsOut

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
    find = store.rooms_of if scope == "mine" else store.public_rooms
    page = await find(identity.user.id, cursor=cursor, limit=limit)
    return RoomsOut(items=[RoomOut.of(view) for view in page.items], next_cursor=page.next_cursor)


@router.post("", status_code=201)
async def create(body: NewRoom, identity: IdentityDep, store: StoreDep, parts: ServicesDep) -> RoomOut:
    """Make a room; the caller is its owner."""
    parts.throttles.make_room(identity.user.id)
    await parts.caps.one_more_room(identity.user.id)
    room = Room(random_id(), body.name, body.topic, body.visibility, now_ms())
    return RoomOut.of(await store.create_room(room, identity.user))


@router.get("/{room_id}")
async def room(room_id: str, identity: IdentityDep, store: StoreDep) -> RoomOut:
    """Return a public room, or one of the caller's."""
    return RoomOut.of(await _visible(store, room_id, identity.user.id))


@router.post("/{room_id}/join")
async def join(room_id: str, identity: IdentityDep, store: StoreDep, parts: ServicesDep) -> RoomOut:
    """Become a member of a public room; again is harmless."""
    view = await _visible(store, room_id, identity.user.id)
    if view.role is None:
        await parts.caps.one_more_member(room_id)
        await parts.caps.one_more_room(identity.user.id)
    joined = await store.join(room_id, identity.user, Role.MEMBER, now_ms())
    if joined is not None:  # what was said before they came is not unread to them
        await store.mark_read(room_id, identity.user.id, joined.entry.seq)
    return RoomOut.of(await _visible(store, room_id, identity.user.id))


@router.post("/{room_id}/leave", status_code=204)
async def leave(identity: IdentityDep, member: MemberDep, parts: ServicesDep) -> None:
    """Leave a room. The lobby cannot be left: everybody is in it."""
    if member.room_id == LOBBY_ID:
        raise Forbidden("Nobody can leave the lobby")
    await parts.store.leave(member.room_id, identity.user, now_ms())
    parts.hub.leave(member.room_id, identity.user.id)


@router.get("/{room_id}/members")
async def members(member: MemberDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> MembersOut:
    """List a room's members."""
    page = await store.members(member.room_id, cursor=cursor, limit=limit)
    return MembersOut(items=[MemberOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.put("/{room_id}/read", status_code=204)
async def read(body: ReadUpTo, member: MemberDep, store: StoreDep) -> None:
    """Say that everything up to `seq` has been seen; it never goes back."""
    await store.mark_read(member.room_id, member.user_id, body.seq)


async def _visible(store: StoreDep, room_id: str, user_id: str) -> RoomView:
    view = await store.room_view(room_id, user_id)
    if view is None or (view.role is None and view.room.visibility is not Visibility.PUBLIC):
        raise NotFound
    return view
