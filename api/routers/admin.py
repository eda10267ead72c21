"""/admin: what administrators do. For everybody else there are no such paths."""

from fastapi import APIRouter

from api.errors import Conflict
from api.http.bodies.admin import AccountOut, AccountsOut, AuditOut, Flags, NewPassword
from api.http.bodies.sessions import SessionsOut
from api.http.deps import ActorDep, AdminDep, Cursor, IdentityDep, Limit, ServicesDep, StoreDep
from api.http.openapi import refuses
from api.http.strict import StrictRoute

router = APIRouter(prefix="/admin", tags=["admin"], route_class=StrictRoute)


@router.get("/users")
async def users(admin: AdminDep, cursor: Cursor = None, limit: Limit = 50) -> AccountsOut:
    """List all accounts."""
    page = await admin.accounts(cursor=cursor, limit=limit)
    return AccountsOut(items=[AccountOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.patch("/users/{user_id}", responses=refuses(Conflict))
async def change_user(
    user_id: str, body: Flags, admin: AdminDep, actor: ActorDep, parts: ServicesDep
) -> AccountOut:
    """Disable or enable an account, or change whether it is an administrator's."""
    if body.admin is not None:
        await admin.set_admin(user_id, body.admin, actor)
    if body.disabled is not None:
        parts.hub.end_sessions(await admin.set_disabled(user_id, body.disabled, actor))
    return AccountOut.of(await admin.account(user_id))


@router.post("/users/{user_id}/password", status_code=204)
async def reset_password(
    user_id: str, body: NewPassword, admin: AdminDep, actor: ActorDep, parts: ServicesDep
) -> None:
    """Give somebody a password; all their sessions end."""
    async with parts.throttles.hashing():
        ended = await admin.reset_password(user_id, body.new_password, actor)
    parts.hub.end_sessions(ended)


@router.get("/users/{user_id}/sessions")
async def sessions(user_id: str, admin: AdminDep, identity: IdentityDep) -> SessionsOut:
    """List somebody's sessions."""
    return SessionsOut.of(await admin.sessions(user_id), identity.session_id)


@router.delete("/users/{user_id}/sessions", status_code=204)
async def end_sessions(user_id: str, admin: AdminDep, actor: ActorDep, parts: ServicesDep) -> None:
    """End all of somebody's sessions."""
    parts.hub.end_sessions(await admin.end_sessions(user_id, actor))


@router.get("/audit")
async def audit(_admin: AdminDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> AuditOut:
    """List what was done to accounts, newest first."""
    return AuditOut.of(await store.audit.all(cursor=cursor, limit=limit))
