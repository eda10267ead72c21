"""/users: who somebody is, and what they may do with their own account."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, Field

from api.accounts.export import export
from api.accounts.identity import Identity
from api.errors import NotFound, Unauthorized, Unavailable
from api.http.bodies.accounts import Me, Profile, UserOut, UsersOut
from api.http.bodies.forms import whole
from api.http.bodies.sessions import Erase
from api.http.cookies import RefreshCookieDep
from api.http.deps import ClientDep, Cursor, IdentityDep, ServicesDep, StoreDep
from api.http.strict import StrictRoute

router = APIRouter(prefix="/users", tags=["users"], route_class=StrictRoute)


MOST_FOUND: Final = 20
"""Users on a page: enough to choose from, few for who wants to list everybody."""


@router.get("")
async def users(
    q: Annotated[str, Query(min_length=2, max_length=128)],
    identity: IdentityDep,
    parts: ServicesDep,
    cursor: Cursor = None,
    limit: Annotated[int, Field(ge=1, le=MOST_FOUND), BeforeValidator(whole), Query()] = MOST_FOUND,
) -> UsersOut:
    """List the users whose username begins so, in the order of their names; none that is disabled."""
    parts.throttles.search(identity.user.id)
    page = await parts.accounts.search(q, cursor=cursor, limit=limit)
    return UsersOut(items=[UserOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.get("/me")
async def me(identity: IdentityDep) -> Me:
    """Return the caller's own account."""
    return Me.of(identity.user)


@router.patch("/me")
async def change_me(body: Profile, identity: IdentityDep, store: StoreDep) -> Me:
    """Change how the caller is shown."""
    return Me.of(await store.accounts.set_display_name(identity.user.id, body.display_name))


@router.delete("/me", status_code=204)
async def erase_me(
    body: Erase,
    identity: IdentityDep,
    client: ClientDep,
    parts: ServicesDep,
    cookie: RefreshCookieDep,
) -> None:
    """Erase the caller's account. What it takes goes on after the answer, and nothing stops it."""
    async with parts.throttles.password(identity.user.username, client.address):
        ended = await parts.accounts.erase(identity.user.id, body.password, client)
    parts.hub.end_sessions(ended)
    parts.erasure.begin()
    cookie.clear()


@router.get(
    "/me/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/jsonl": {}}, "description": "JSON Lines, the last one of type `end`"}
    },
)
async def export_me(identity: IdentityDep, client: ClientDep, parts: ServicesDep) -> StreamingResponse:
    """Return everything that the caller wrote and owns, as JSON Lines."""
    parts.throttles.export(identity.user.id)
    await parts.accounts.note_export(identity.user.id, client)
    headers = {
        "content-disposition": 'attachment; filename="tailwire-export.jsonl"',
        "cache-control": "no-store",
    }
    return StreamingResponse(_lines(parts.store, identity), headers=headers, media_type="application/jsonl")


async def _lines(store: StoreDep, identity: Identity) -> AsyncIterator[bytes]:
    try:
        async for record in export(store, identity.user, identity.session_id):
            yield orjson.dumps(record) + b"\n"
    except (Unauthorized, Unavailable) as error:  # the status is out: only the last line can tell
        yield orjson.dumps({"type": "error", "code": error.code}) + b"\n"


@router.get("/{user_id}")
async def user(user_id: str, _identity: IdentityDep, store: StoreDep) -> UserOut:
    """Return a user as others see them."""
    found = await store.accounts.get(user_id)
    if found is None or found.erasing:
        raise NotFound
    return UserOut.of(found.user)
