"""/rooms/{room_id}/invites and /invites: making, listing, ending, looking at and accepting invites to rooms."""

from fastapi import Response

from api.errors import BadInvite, Forbidden, NotFound, RateLimited
from api.http.bodies.invites import (
    MadeRoomInvite,
    NewRoomInvite,
    PreviewOut,
    RoomInviteOut,
    RoomInvitesOut,
)
from api.http.bodies.room_json import room_json
from api.http.bodies.rooms import RoomOut
from api.http.caller import AddressDep, IdentityDep
from api.http.deps import HttpSettingsDep, RoomInvitesDep, SignUpsDep
from api.http.openapi import refuses
from api.http.plan import answer
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import manages, manages_all, reads
from api.http.strict import StrictRoute

router = Router(tags=["invites"], route_class=StrictRoute)
PATH = "/rooms/{room_id}/invites"


@router.post(PATH, status_code=201, responses=refuses(Forbidden))
@manages
async def make_invite(  # noqa: PLR0913, PLR0917  what is needed
    room_id: str,
    body: NewRoomInvite,
    identity: IdentityDep,
    address: AddressDep,
    invites: RoomInvitesDep,
    settings: HttpSettingsDep,
) -> MadeRoomInvite:
    """Make an invite to a room. Its code and its link are in this answer only."""
    invite, code = await invites.make(
        room_id,
        identity.user,
        address,
        role=body.role,
        max_uses=body.max_uses,
        expires_in_seconds=body.expires_in,
    )
    return MadeRoomInvite.with_code(invite, code, settings.url)


@router.get(PATH, responses=refuses(Forbidden))
@reads
async def list_invites(
    room_id: str, identity: IdentityDep, invites: RoomInvitesDep, cursor: Cursor = None, limit: Limit = 50
) -> RoomInvitesOut:
    """List the invites to a room, newest first."""
    page = await invites.of_room(room_id, identity.user.id, cursor=cursor, limit=limit)
    return RoomInvitesOut(items=[RoomInviteOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.delete(PATH + "/{code}", status_code=204, responses=refuses(Forbidden))
@manages
async def end_invite(
    room_id: str, code: str, identity: IdentityDep, address: AddressDep, invites: RoomInvitesDep
) -> None:
    """End an invite to a room, by its code or its `invite_id`: nobody else gets in with it."""
    await invites.end(room_id, identity.user.id, code, address)


@router.get("/invites/{code}", responses=refuses(BadInvite, RateLimited))
async def preview(code: str, address: AddressDep, signups: SignUpsDep) -> PreviewOut:
    """Say where an invite leads, to whoever has its code. Looking at it uses nothing."""
    return PreviewOut.of(await signups.preview(code, address))


@router.post(
    "/invites/{code}/accept", response_model=RoomOut, responses=refuses(BadInvite, NotFound, Forbidden)
)
@manages_all
async def accept(code: str, identity: IdentityDep, address: AddressDep, invites: RoomInvitesDep) -> Response:
    """Become a member of the room to which a code invites. Repeating it changes nothing, and uses nothing more."""
    return answer(room_json(await invites.accept(code, identity.user, address)))
