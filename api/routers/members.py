"""/rooms/{room_id}/members: listing, adding and removing members, and changing their roles."""

from api.errors import Forbidden, UserBanned
from api.http.bodies.moderation import ClearedOut
from api.http.bodies.rooms import MemberOut, MembersOut, NewRole
from api.http.caller import AuthorDep, ClientDep, IdentityDep
from api.http.deps import MembersDep, MessageChangesDep, PresenceDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit, MemberNamed, Since
from api.http.routing import Router
from api.http.scopes import manages, reads
from api.http.strict import StrictRoute

router = Router(prefix="/rooms/{room_id}/members", tags=["rooms"], route_class=StrictRoute)


@router.get("")
@reads
async def members(  # noqa: PLR0913, PLR0917  the query fields
    room_id: str,
    identity: IdentityDep,
    members: MembersDep,
    presence: PresenceDep,
    cursor: Cursor = None,
    limit: Limit = 50,
    q: MemberNamed = None,
) -> MembersOut:
    """List a room's members. `q` finds them by any part of their names, without case and accents.

    Those of small rooms see how far the others have read.
    """
    page = await members.of_room(room_id, identity.user.id, named=q, cursor=cursor, limit=limit)
    with_receipt = await members.receipts.are_shown_in(room_id)
    items = [
        MemberOut.of(one, online=presence.is_online(one.user_id), with_receipt=with_receipt)
        for one in page.items
    ]
    return MembersOut(items=items, next_cursor=page.next_cursor)


@router.put("/{user_id}", responses=refuses(Forbidden, UserBanned))
@manages
async def set_role(  # noqa: PLR0913, PLR0917  the fields of the request
    room_id: str,
    user_id: str,
    body: NewRole,
    identity: IdentityDep,
    members: MembersDep,
    presence: PresenceDep,
) -> MemberOut:
    """Give a user a role, and add them to the room if they are no member. Repeating it changes nothing."""
    member = await members.set_role(room_id, identity.user.id, user_id, body.role)
    with_receipt = await members.receipts.are_shown_in(room_id)
    return MemberOut.of(member, online=presence.is_online(user_id), with_receipt=with_receipt)


@router.delete("/{user_id}", status_code=204, responses=refuses(Forbidden))
@manages
async def remove(
    room_id: str, user_id: str, identity: IdentityDep, client: ClientDep, members: MembersDep
) -> None:
    """Remove a user from a room. Repeating it changes nothing. Removing oneself is leaving."""
    await members.remove(room_id, identity.user, user_id, client.address)


@router.delete("/{user_id}/messages", responses=refuses(Forbidden))
@manages
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
