"""/admin: accounts, the audit log, and how this server is. Other users get 404 from all of these routes."""

from api import __version__
from api.errors import Conflict, NotFound, UsernameTaken
from api.http.bodies.admin import (
    AboutUser,
    AccountOut,
    AccountsOut,
    AccountToMake,
    AuditOut,
    EventInQuery,
    Flags,
    NewPassword,
    PartOfName,
    StateInQuery,
)
from api.http.bodies.sessions import SessionsOut
from api.http.bodies.status import SettingsOut, StatusOut, StoreOut
from api.http.caller import NEEDS_ADMIN, ActorDep, IdentityDep
from api.http.deps import NEEDS_MEMORY, AdminDep, HttpSettingsDep, NodesDep, ProbesDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import needs_log_in
from api.http.strict import StrictRoute

router = Router(prefix="/admin", tags=["admin"], route_class=StrictRoute, responses=refuses(NotFound))


@router.get("/users")
@needs_log_in
async def users(
    admin: AdminDep,
    q: PartOfName = None,
    state: StateInQuery = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AccountsOut:
    """List all accounts, oldest first, or those with `q` in their names or as their id, and of this state."""
    page = await admin.accounts(q, state, cursor=cursor, limit=limit)
    return AccountsOut(items=[AccountOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.post("/users", status_code=201, responses=refuses(UsernameTaken), dependencies=[NEEDS_MEMORY])
@needs_log_in
async def make_user(body: AccountToMake, admin: AdminDep, actor: ActorDep) -> AccountOut:
    """Make an account, whoever else may sign up. Tell its user the password by another way than this server."""
    return AccountOut.of(await admin.create(body.username, body.password, body.display_name, actor))


@router.get("/users/{user_id}")
@needs_log_in
async def user(user_id: str, admin: AdminDep) -> AccountOut:
    """Return an account."""
    return AccountOut.of(await admin.account(user_id))


@router.patch("/users/{user_id}", responses=refuses(Conflict))
@needs_log_in
async def change_user(user_id: str, body: Flags, admin: AdminDep, actor: ActorDep) -> AccountOut:
    """Disable or enable an account, or give or take the rights of an administrator.

    Disabling an account ends its sessions. Administrators cannot change their own account, and the last one stays.
    """
    return AccountOut.of(await admin.change(user_id, disabled=body.disabled, admin=body.admin, actor=actor))


@router.delete("/users/{user_id}", status_code=204, responses=refuses(Conflict))
@needs_log_in
async def erase_user(user_id: str, admin: AdminDep, actor: ActorDep) -> None:
    """Erase an account, as its user would. The erasure goes on after the answer, and nothing can stop it."""
    await admin.erase(user_id, actor)


@router.post("/users/{user_id}/password", status_code=204, responses=refuses(Conflict))
@needs_log_in
async def reset_password(user_id: str, body: NewPassword, admin: AdminDep, actor: ActorDep) -> None:
    """Set a user's password, and end all their sessions. One's own is changed by `PUT /auth/password`."""
    await admin.reset_password(user_id, body.new_password, actor)


@router.get("/users/{user_id}/sessions")
@needs_log_in
async def sessions(user_id: str, admin: AdminDep, identity: IdentityDep) -> SessionsOut:
    """List a user's sessions, newest first."""
    return SessionsOut.of(await admin.sessions(user_id), identity.session_id)


@router.delete("/users/{user_id}/sessions", status_code=204)
@needs_log_in
async def end_sessions(user_id: str, admin: AdminDep, actor: ActorDep) -> None:
    """End all of a user's sessions."""
    await admin.end_sessions(user_id, actor)


@router.delete("/users/{user_id}/sessions/{session_id}", status_code=204)
@needs_log_in
async def end_session(user_id: str, session_id: str, admin: AdminDep, actor: ActorDep) -> None:
    """End one of a user's sessions."""
    await admin.end_session(user_id, session_id, actor)


@router.get("/audit")
@needs_log_in
async def audit(
    admin: AdminDep,
    event: EventInQuery = None,
    user_id: AboutUser = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AuditOut:
    """List the events of the audit log, newest first: all, or those of one kind, or about one user."""
    return AuditOut.of(*await admin.audit_log(event, user_id, cursor=cursor, limit=limit))


@router.get("/status", dependencies=[NEEDS_ADMIN])
@needs_log_in
async def status(nodes: NodesDep, probes: ProbesDep, settings: HttpSettingsDep) -> StatusOut:
    """Return how the nodes, the store, the leases and the followers of this server are."""
    store = StoreOut(kind=settings.store_kind, up=await probes.store_is_up(), bytes=probes.database_bytes())
    return StatusOut.of(await nodes.all(), await nodes.leases(), store, version=__version__)


@router.get("/settings", dependencies=[NEEDS_ADMIN])
@needs_log_in
async def settings(settings: HttpSettingsDep) -> SettingsOut:
    """Return the settings in force on this node, each with its source, and never a secret."""
    return SettingsOut.of(settings.shown, settings.open_doors)
