"""/admin: administration of accounts. Other users get 404 from all of these routes."""

from fastapi import APIRouter

from api.errors import Conflict, NotFound
from api.http.bodies.admin import AccountOut, AccountsOut, AuditOut, Flags, NewPassword
from api.http.bodies.sessions import SessionsOut
from api.http.deps import ActorDep, AdminDep, IdentityDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.strict import StrictRoute

router = APIRouter(prefix="/admin", tags=["admin"], route_class=StrictRoute, responses=refuses(NotFound))


@router.get("/users")
async def users(admin: AdminDep, cursor: Cursor = None, limit: Limit = 50) -> AccountsOut:
    """List all accounts."""
    page = await admin.accounts(cursor=cursor, limit=limit)
    return AccountsOut(items=[AccountOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.patch("/users/{user_id}", responses=refuses(Conflict))
async def change_user(user_id: str, body: Flags, admin: AdminDep, actor: ActorDep) -> AccountOut:
    """Disable or enable an account, or give or take the rights of an administrator.

    Disabling an account ends its sessions. Administrators cannot change their own account, and the last one stays.
    """
    return AccountOut.of(await admin.change(user_id, disabled=body.disabled, admin=body.admin, actor=actor))


@router.post("/users/{user_id}/password", status_code=204, responses=refuses(Conflict))
async def reset_password(user_id: str, body: NewPassword, admin: AdminDep, actor: ActorDep) -> None:
    """Set a user's password, and end all their sessions. One's own is changed by `PUT /auth/password`."""
    await admin.reset_password(user_id, body.new_password, actor)


@router.get("/users/{user_id}/sessions")
async def sessions(user_id: str, admin: AdminDep, identity: IdentityDep) -> SessionsOut:
    """List a user's sessions, newest first."""
    return SessionsOut.of(await admin.sessions(user_id), identity.session_id)


@router.delete("/users/{user_id}/sessions", status_code=204)
async def end_sessions(user_id: str, admin: AdminDep, actor: ActorDep) -> None:
    """End all of a user's sessions."""
    await admin.end_sessions(user_id, actor)


@router.get("/audit")
async def audit(admin: AdminDep, cursor: Cursor = None, limit: Limit = 50) -> AuditOut:
    """List the events of the audit log, newest first."""
    return AuditOut.of(await admin.audit_log(cursor=cursor, limit=limit))
