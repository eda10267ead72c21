"""/admin/rooms: administration of rooms. Other users get 404 from all of these routes."""

from api.errors import Forbidden, NotFound
from api.http.bodies.admin import AdminRoomOut, AdminRoomsOut, NewOwner
from api.http.bodies.rooms import MemberOut, MembersOut
from api.http.caller import ActorDep
from api.http.deps import PresenceDep, RoomAdminDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit, RoomNamed
from api.http.routing import Router
from api.http.scopes import needs_log_in
from api.http.strict import StrictRoute

router = Router(prefix="/admin/rooms", tags=["admin"], route_class=StrictRoute, responses=refuses(NotFound))


@router.get("")
@needs_log_in
async def all_rooms(
    rooms: RoomAdminDep, q: RoomNamed = None, cursor: Cursor = None, limit: Limit = 50
) -> AdminRoomsOut:
    """List all rooms, also the private ones, oldest first: their names and sizes, never their messages."""
    page = await rooms.all(named=q, cursor=cursor, limit=limit)
    return AdminRoomsOut(items=[AdminRoomOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/{room_id}")
@needs_log_in
async def any_room(room_id: str, rooms: RoomAdminDep) -> AdminRoomOut:
    """Return a room as administrators see it."""
    return AdminRoomOut.of(await rooms.room(room_id))


@router.get("/{room_id}/members")
@needs_log_in
async def members_of_any_room(
    room_id: str, rooms: RoomAdminDep, presence: PresenceDep, cursor: Cursor = None, limit: Limit = 50
) -> MembersOut:
    """List the members of a room. How far they have read is only for the members."""
    page = await rooms.members(room_id, cursor=cursor, limit=limit)
    items = [
        MemberOut.of(one, online=presence.is_online(one.user_id), with_receipt=False) for one in page.items
    ]
    return MembersOut(items=items, next_cursor=page.next_cursor)


@router.patch("/{room_id}")
@needs_log_in
async def name_owner(room_id: str, body: NewOwner, rooms: RoomAdminDep, actor: ActorDep) -> AdminRoomOut:
    """Make a user an owner of a room, and a member if they are none."""
    return AdminRoomOut.of(await rooms.name_owner(room_id, body.owner_id, actor))


@router.delete("/{room_id}", status_code=204, responses=refuses(Forbidden))
@needs_log_in
async def delete_any_room(room_id: str, rooms: RoomAdminDep, actor: ActorDep) -> None:
    """Delete a room with all its messages. It cannot be undone."""
    await rooms.delete(room_id, actor)
