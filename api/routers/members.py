"""/rooms/{room_id}/members: listing, adding and removing members, and changing their roles."""

from fastapi import APIRouter

from api.errors import Forbidden, UserBanned
from api.http.bodies.moderation import ClearedOut
from api.http.bodies.rooms import MemberOut, MembersOut, NewRole
from api.http.deps import AuthorDep, ClientDep, IdentityDep, MembersDep, MessageChangesDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit, MemberNamed, Since
from api.http.strict import StrictRoute

router = APIRouter(prefix="/rooms/{room_id}/members", tags=["rooms"], route_class=StrictRoute)


@router.get("")
async def members(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    identity: IdentityDep,
    members: MembersDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    q: MemberNamed = None,
) -> MembersOut:
    """List a room's members. `q` finds them by any part of their names, without case and accents."""
    page = await members.of_room(room_id, identity.user.id, named=q, cursor=cursor, limit=limit)
    return MembersOut(items=[MemberOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.put("/{user_id}", responses=refuses(Forbidden, UserBanned))
async def set_role(
    room_id: str, user_id: str, body: NewRole, identity: IdentityDep, members: MembersDep
) -> MemberOut:
    """Give a user a role, and add them to the room if they are no member. Repeating it changes nothing."""
    return MemberOut.of(await members.set_role(room_id, identity.user.id, user_id, body.role))


@router.delete("/{user_id}", status_code=204, responses=refuses(Forbidden))
async def remove(
    room_id: str, user_id: str, identity: IdentityDep, client: ClientDep, members: MembersDep
) -> None:
    """Remove a user from a room. Repeating it changes nothing. Removing oneself is leaving."""
    await members.remove(room_id, identity.user, user_id, client.address)


@router.delete("/{user_id}/messages", responses=refuses(Forbidden))
async def clear(  # noqa: PLR0913, PLR0917  what is needed
    room_id: str,
    user_id: str,
    author: AuthorDep,
    client: ClientDep,
    changes: MessageChangesDep,
    since: Since = None,
) -> ClearedOut:
    """Delete the messages that a user wrote in a room since a time, or all of them: at most 1,000, the newest first."""
    cleared = await changes.clear(author, room_id, user_id, since=since or 0, address=client.address)
    return ClearedOut.of(cleared)
