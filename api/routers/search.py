"""/search: the messages that the caller searches for, of all rooms or of one."""

from api.errors import Indexing, NotFound, RateLimited
from api.http.bodies.search import SearchOut
from api.http.caller import IdentityDep
from api.http.deps import SearchDep
from api.http.openapi import refuses
from api.http.query import Cursor, RoomIdInQuery, SearchLimit, SearchText
from api.http.routing import Router
from api.http.scopes import reads
from api.http.strict import StrictRoute

router = Router(tags=["search"], route_class=StrictRoute)


@router.get("/search", responses=refuses(NotFound, RateLimited, Indexing))
@reads
async def messages(  # noqa: PLR0913, PLR0917  the query fields
    identity: IdentityDep,
    search: SearchDep,
    q: SearchText,
    room_id: RoomIdInQuery = None,
    cursor: Cursor = None,
    limit: SearchLimit = 20,
) -> SearchOut:
    """Find messages by words, phrases and filters, newest first, in rooms that the caller may read now.

    docs/protocol.md, *Search*, says what may be asked for.
    """
    if room_id is not None:
        identity.require_room(room_id)
    found = await search.messages(
        identity.user, q, room_id=room_id, bound=identity.room_ids, cursor=cursor, limit=limit
    )
    return SearchOut.of(found.items, found.next_cursor, found.terms)
