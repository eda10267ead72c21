"""/users/me/blocks: blocking users, ending blocks, and listing them."""

from api.http.bodies.accounts import BlocksOut, UserOut
from api.http.caller import ClientDep, IdentityDep
from api.http.deps import BlocksDep
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import needs_log_in, reads
from api.http.strict import StrictRoute

router = Router(prefix="/users/me/blocks", tags=["users"], route_class=StrictRoute)


@router.get("")
@reads
async def blocks(
    identity: IdentityDep, blocks: BlocksDep, cursor: Cursor = None, limit: Limit = 50
) -> BlocksOut:
    """List the users whom the caller has blocked, the newest block first."""
    page = await blocks.of_user(identity.user.id, cursor=cursor, limit=limit)
    return BlocksOut(items=[UserOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.put("/{user_id}", status_code=204)
@needs_log_in
async def block(user_id: str, identity: IdentityDep, client: ClientDep, blocks: BlocksDep) -> None:
    """Block a user, who is not told. Repeating it changes nothing."""
    await blocks.block(identity.user, user_id, client.address)


@router.delete("/{user_id}", status_code=204)
@needs_log_in
async def unblock(user_id: str, identity: IdentityDep, client: ClientDep, blocks: BlocksDep) -> None:
    """End a block. Repeating it changes nothing."""
    await blocks.unblock(identity.user, user_id, client.address)
