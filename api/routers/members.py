"""/rooms/{room_id}/members: who is in a room, as what, and who says so."""

from fastapi import APIRouter

from api.clock import now_ms
from api.errors import Forbidden, NotFound
from api.http.bodies.rooms import MemberOut, MembersOut, NewRole
from api.http.deps import CanLeave, CanListMembers, CanSetRole, Cursor, Limit, ServicesDep, StoreDep
from api.http.openapi import refuses
from api.http.strict import StrictRoute
from api.models.accounts import User
from api.rooms import policy
from api.rooms.policy import Operation

router = APIRouter(prefix="/rooms/{room_id}/members", tags=["rooms"], route_class=StrictRoute)


@router.get("")
async def members(
    member: CanListMembers, store: StoreDep, cursor: Cursor = None, limit: Limit = 50
) -> MembersOut:
    """List a room's members."""
    page = await store.members.of_room(member.room_id, cursor=cursor, limit=limit)
    return MembersOut(items=[MemberOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.put("/{user_id}", responses=refuses(Forbidden))
async def set_role(user_id: str, body: NewRole, member: CanSetRole, parts: ServicesDep) -> MemberOut:
    """Give a user a role, or add them with it; again is harmless."""
    parts.throttles.send(member.user_id)
    room_id, user = member.room_id, await _user(parts, user_id)
    if await parts.store.members.get(room_id, user_id) is None:
        await parts.caps.one_more_member(room_id)
        await parts.caps.one_more_room(user_id)
    rule = policy.setting_role(body.role)
    await parts.store.members.change(room_id, user, body.role, by=member.user_id, at=now_ms(), rule=rule)
    changed = await parts.store.members.get(room_id, user_id)
    if changed is None:
        raise NotFound
    return MemberOut.of(changed)


@router.delete("/{user_id}", status_code=204, responses=refuses(Forbidden))
async def remove(user_id: str, member: CanLeave, parts: ServicesDep) -> None:
    """Remove a user from a room; again is harmless. Removing oneself is leaving."""
    room_id = member.room_id
    if user_id == member.user_id:
        rule = policy.leaving(room_id)
    else:
        policy.require(Operation.REMOVE_MEMBER, member.role)  # before it is told who there is
        rule = policy.removing(room_id)
    parts.throttles.send(member.user_id)
    user = await _user(parts, user_id)
    await parts.store.members.change(room_id, user, None, by=member.user_id, at=now_ms(), rule=rule)
    parts.hub.leave(room_id, user_id)


async def _user(parts: ServicesDep, user_id: str) -> User:
    account = await parts.reads.account(user_id)
    if account is None or account.erasing:
        raise NotFound
    return account.user
