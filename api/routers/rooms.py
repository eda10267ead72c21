"""/rooms: listing, creating, joining, leaving and reading rooms, and how one is notified of them."""

from typing import Literal

from fastapi import Response

from api.errors import EpochChanged, FieldError, Forbidden, Invalid
from api.http.bodies.room_json import room_json, rooms_json
from api.http.bodies.rooms import NewNotify, NewPlace, NewRoom, NewSettings, ReadUpTo, RoomOut, RoomsOut
from api.http.caller import IdentityDep
from api.http.deps import MembersDep, RoomChangesDep, RoomsDep
from api.http.openapi import refuses
from api.http.plan import answer
from api.http.query import Cursor, Limit, RoomIds, RoomNamed
from api.http.routing import Router
from api.http.scopes import manages, manages_all, reads, writes
from api.http.strict import StrictRoute

router = Router(prefix="/rooms", tags=["rooms"], route_class=StrictRoute)


@router.get("", response_model=RoomsOut)
@reads
async def rooms(  # noqa: PLR0913, PLR0917  the query fields
    identity: IdentityDep,
    rooms: RoomsDep,
    scope: Literal["mine", "public"] = "mine",
    cursor: Cursor = None,
    limit: Limit = 50,
    ids: RoomIds = None,
    q: RoomNamed = None,
) -> Response:
    """List the caller's rooms, all public rooms, or those of the rooms `ids` that the caller is a member of.

    `q` finds public rooms by any part of their names, without case and accents. A token that is bound to certain rooms
    sees only these.
    """
    if q is not None and scope != "public":
        raise Invalid(errors=(FieldError(("query", "q"), "must come with the scope public"),))
    if ids is not None:
        if scope != "mine" or cursor is not None:
            raise Invalid(errors=(FieldError(("query", "ids"), "cannot be given with scope or cursor"),))
        views = await rooms.of_user_among(identity.user.id, list(filter(identity.reaches, ids.split(","))))
        return answer(rooms_json(views, next_cursor=None))
    if identity.room_ids is not None and scope == "mine":
        views = await rooms.of_user_among(identity.user.id, sorted(identity.room_ids))
        return answer(rooms_json(views, next_cursor=None))
    if scope == "mine":
        page = await rooms.of_user(identity.user.id, cursor=cursor, limit=limit)
    else:
        page = await rooms.public(identity.user.id, named=q, cursor=cursor, limit=limit)
    reached = [view for view in page.items if identity.reaches(view.room.id)]
    return answer(rooms_json(reached, page.next_cursor))


@router.post("", status_code=201, response_model=RoomOut)
@manages_all
async def create(body: NewRoom, identity: IdentityDep, rooms: RoomsDep) -> Response:
    """Create a room. The caller becomes its owner."""
    view = await rooms.create(identity.user, body.name, body.topic, body.visibility)
    return answer(room_json(view), 201)


@router.get("/{room_id}", response_model=RoomOut)
@reads
async def room(room_id: str, identity: IdentityDep, rooms: RoomsDep) -> Response:
    """Return a public room, or a room that the caller is a member of."""
    return answer(room_json(await rooms.view(room_id, identity.user.id)))


@router.patch("/{room_id}", response_model=RoomOut, responses=refuses(Forbidden))
@manages
async def change(
    room_id: str, body: NewSettings, identity: IdentityDep, room_changes: RoomChangesDep
) -> Response:
    """Change a room. Moderators change its topic and slow mode, owners all. Null leaves a field as it is.

    Nobody writes to an archived room, or changes anything else of it.
    """
    return answer(room_json(await room_changes.change(room_id, identity.user, body.fields_given())))


@router.delete("/{room_id}", status_code=204, responses=refuses(Forbidden))
@manages
async def delete(room_id: str, identity: IdentityDep, room_changes: RoomChangesDep) -> None:
    """Delete a room with all its messages, for owners. It cannot be undone. Nobody finds it from then."""
    await room_changes.delete(room_id, identity.user)


@router.post("/{room_id}/join", response_model=RoomOut)
@manages
async def join(room_id: str, identity: IdentityDep, members: MembersDep) -> Response:
    """Become a member of a public room. Repeating it changes nothing."""
    return answer(room_json(await members.join(room_id, identity.user)))


@router.post("/{room_id}/leave", status_code=204, responses=refuses(Forbidden))
@manages
async def leave(room_id: str, identity: IdentityDep, members: MembersDep) -> None:
    """Leave a room. Nobody can leave the lobby, and the last owner of a room cannot leave it."""
    await members.leave(room_id, identity.user)


@router.put("/{room_id}/read", status_code=204, responses=refuses(EpochChanged))
@writes
async def read(room_id: str, body: ReadUpTo, identity: IdentityDep, members: MembersDep) -> None:
    """Say that the caller has seen everything up to `seq`. The stored seq decreases only with `back`."""
    await members.mark_read(room_id, identity.user, body.seq, epoch=body.epoch, back=body.back)


@router.put("/{room_id}/place", status_code=204)
@writes
async def place(room_id: str, body: NewPlace, identity: IdentityDep, members: MembersDep) -> None:
    """Set where the caller keeps a room in their list of rooms. A direct room is hidden until its next message."""
    await members.set_place(
        room_id, identity.user, favourite=body.favourite, section=body.section, hidden=body.hidden
    )


@router.put("/{room_id}/notifications", status_code=204)
@writes
async def notifications(room_id: str, body: NewNotify, identity: IdentityDep, members: MembersDep) -> None:
    """Set how the caller is notified of a room: of nothing before `muted_until`, and then as `level` says."""
    await members.set_notify(room_id, identity.user, body.notify())
