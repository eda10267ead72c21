"""/sync: what has changed in all rooms of the caller while a client was away."""

from fastapi import Response

from api.http.bodies.sync import SyncIn, SyncOut, sync_answer
from api.http.caller import ReaderDep
from api.http.deps import SyncDep
from api.http.plan import answer
from api.http.routing import Router
from api.http.scopes import reads
from api.http.strict import StrictRoute

router = Router(tags=["rooms"], route_class=StrictRoute)


@router.post("/sync", response_model=SyncOut)
@reads
async def sync(body: SyncIn, caller: ReaderDep, sync: SyncDep) -> Response:
    """Return what has changed in the caller's rooms since these positions, the room with the newest entry first.

    Of each room it is what a subscription from the same position would bring: its entries and `live`, or `reset`. Where
    nothing has changed it is nothing. A room that is not named gives `live` alone.
    """
    found = await sync.changes(
        caller.user.id, body.known, bound=caller.room_ids, others=body.others, limit=body.limit
    )
    return answer(sync_answer(found))
