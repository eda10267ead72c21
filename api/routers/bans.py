"""/rooms/{room_id}/bans: banning users from a room, ending bans, and listing them."""

from pydantic.json_schema import SkipJsonSchema

from api.errors import Forbidden
from api.http.bodies.moderation import BansOut, NewBan
from api.http.caller import ClientDep, IdentityDep
from api.http.deps import BansDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import manages, reads
from api.http.strict import StrictRoute

router = Router(
    prefix="/rooms/{room_id}/bans", tags=["rooms"], route_class=StrictRoute, responses=refuses(Forbidden)
)


@router.get("")
@reads
async def bans(
    room_id: str, identity: IdentityDep, bans: BansDep, cursor: Cursor = None, limit: Limit = 50
) -> BansOut:
    """List who is banned from a room, the newest ban first."""
    return BansOut.of(await bans.of_room(room_id, identity.user.id, cursor=cursor, limit=limit))


@router.put("/{user_id}", status_code=204)
@manages
async def ban(  # noqa: PLR0913, PLR0917  what is needed
    room_id: str,
    user_id: str,
    identity: IdentityDep,
    client: ClientDep,
    bans: BansDep,
    body: NewBan | SkipJsonSchema[None] = None,
) -> None:
    """Ban a user, who may be no member, and end their membership. Repeating it changes only the reason."""
    await bans.ban(room_id, identity.user, user_id, None if body is None else body.reason, client.address)


@router.delete("/{user_id}", status_code=204)
@manages
async def unban(room_id: str, user_id: str, identity: IdentityDep, client: ClientDep, bans: BansDep) -> None:
    """End a ban. Repeating it changes nothing."""
    await bans.end(room_id, identity.user, user_id, client.address)
