"""/users: looking up users, and changing, exporting and erasing one's own account."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import StreamingResponse

from api.errors import Conflict
from api.http.bodies.accounts import FoundUser, Me, NewProfile, UsersOut
from api.http.bodies.export import exported
from api.http.bodies.sessions import Erase
from api.http.caller import ClientDep, IdentityDep
from api.http.cookies import RefreshCookieDep
from api.http.deps import AccountsDep, PresenceDep
from api.http.json_lines import json_lines
from api.http.openapi import refuses
from api.http.query import MAX_USERS, Cursor, UserLimit
from api.http.routing import Router
from api.http.scopes import needs_log_in, reads
from api.http.strict import StrictRoute

router = Router(prefix="/users", tags=["users"], route_class=StrictRoute)


@router.get("")
@reads
async def users(  # noqa: PLR0913, PLR0917  the query fields
    q: Annotated[str, Query(min_length=2, max_length=128)],
    identity: IdentityDep,
    accounts: AccountsDep,
    presence: PresenceDep,
    cursor: Cursor = None,
    limit: UserLimit = MAX_USERS,
) -> UsersOut:
    """List the users whose username or display name contains `q`, without disabled users.

    Those whose username begins with `q` come first. A page may be short, or empty, and have a next one.
    """
    page = await accounts.search(identity.user.id, q, cursor=cursor, limit=limit)
    items = [FoundUser.of(one, online=presence.is_online(one.id)) for one in page.items]
    return UsersOut(items=items, next_cursor=page.next_cursor)


@router.get("/me")
@reads
async def me(identity: IdentityDep) -> Me:
    """Return the caller's own account."""
    return Me.of(identity.user, admin=identity.is_admin)


@router.patch("/me")
@needs_log_in
async def change_me(body: NewProfile, identity: IdentityDep, accounts: AccountsDep) -> Me:
    """Change what the caller says about themselves. What is not given stays as it is."""
    user = await accounts.set_profile(identity.user.id, body.profile())
    return Me.of(user, admin=identity.is_admin)


@router.delete("/me", status_code=204, responses=refuses(Conflict))
@needs_log_in
async def erase_me(
    body: Erase,
    identity: IdentityDep,
    client: ClientDep,
    accounts: AccountsDep,
    cookie: RefreshCookieDep,
) -> None:
    """Erase the caller's account. The erasure goes on after the answer, and nothing can stop it."""
    await accounts.erase(identity, body.password, client)
    cookie.clear()


@router.get(
    "/me/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"application/jsonl": {}},
            "description": "JSON Lines. The last line is of type `end`.",
        }
    },
)
@needs_log_in
async def export_me(identity: IdentityDep, client: ClientDep, accounts: AccountsDep) -> StreamingResponse:
    """Return everything that the caller wrote and owns, as JSON Lines."""
    records = await accounts.export(identity, client)
    headers = {
        "content-disposition": 'attachment; filename="tailwire-export.jsonl"',
        "cache-control": "no-store",
    }
    return StreamingResponse(json_lines(records, exported), headers=headers, media_type="application/jsonl")


@router.get("/{user_id}")
@reads
async def user(
    user_id: str, _identity: IdentityDep, accounts: AccountsDep, presence: PresenceDep
) -> FoundUser:
    """Return a user as others see them."""
    found = await accounts.user(user_id)
    return FoundUser.of(found, online=presence.is_online(found.id))
