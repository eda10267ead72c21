"""/mentions: the messages that mention the caller, of all rooms."""

from api.http.bodies.messages import MentionsOut, MessageOut
from api.http.caller import IdentityDep
from api.http.deps import MentionsDep
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import reads
from api.http.strict import StrictRoute

router = Router(prefix="/mentions", tags=["messages"], route_class=StrictRoute)


@router.get("")
@reads
async def mentions(
    identity: IdentityDep, mentions: MentionsDep, cursor: Cursor = None, limit: Limit = 50
) -> MentionsOut:
    """List the messages of others that mention the caller, newest first, in all rooms that the caller is in now."""
    page = await mentions.of_user(identity.user.id, cursor=cursor, limit=limit)
    items = [MessageOut.of(one) for one in page.items if identity.reaches(one.room_id)]
    return MentionsOut(items=items, next_cursor=page.next_cursor)
