"""/admin/invites: invites to the server. Users who are no administrators get 404 from all of these routes."""

from api.errors import NotFound
from api.http.bodies.invites import InviteOut, InvitesOut, MadeInvite, NewInvite
from api.http.caller import ActorDep
from api.http.deps import HttpSettingsDep, InvitesDep
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import needs_log_in
from api.http.strict import StrictRoute

router = Router(prefix="/admin/invites", tags=["admin"], route_class=StrictRoute, responses=refuses(NotFound))


@router.post("", status_code=201)
@needs_log_in
async def make_invite(
    body: NewInvite, invites: InvitesDep, actor: ActorDep, settings: HttpSettingsDep
) -> MadeInvite:
    """Make an invite to the server. Its code and its link are in this answer only."""
    invite, code = await invites.make(
        actor, admin=body.admin, max_uses=body.max_uses, expires_in_seconds=body.expires_in
    )
    return MadeInvite.with_code(invite, code, settings.url)


@router.get("")
@needs_log_in
async def invites(invites: InvitesDep, cursor: Cursor = None, limit: Limit = 50) -> InvitesOut:
    """List the invites to the server, newest first."""
    page = await invites.to_server(cursor=cursor, limit=limit)
    return InvitesOut(items=[InviteOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.delete("/{invite_id}", status_code=204)
@needs_log_in
async def end_invite(invite_id: str, invites: InvitesDep, actor: ActorDep) -> None:
    """End an invite: nobody else gets in with it."""
    await invites.end(invite_id, actor)
