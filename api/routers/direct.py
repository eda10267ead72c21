"""/direct: opening the one room of exactly these people."""

from typing import Any, Final

from fastapi import Response

from api.errors import Forbidden, NotFound
from api.http.bodies.room_json import room_json
from api.http.bodies.rooms import NewDirect, RoomOut
from api.http.caller import IdentityDep
from api.http.deps import DirectDep
from api.http.openapi import refuses
from api.http.plan import answer
from api.http.routing import Router
from api.http.scopes import manages_all
from api.http.strict import StrictRoute

router = Router(
    prefix="/direct", tags=["rooms"], route_class=StrictRoute, responses=refuses(Forbidden, NotFound)
)
_MADE: Final[dict[int | str, dict[str, Any]]] = {201: {"model": RoomOut, "description": "It was made now"}}


@router.put("/{user_id}", response_model=RoomOut, responses=_MADE)
@manages_all
async def open_pair(user_id: str, identity: IdentityDep, direct: DirectDep) -> Response:
    """Open the direct room with one other user. They hear of it with its first message."""
    view, is_new = await direct.open(identity.user, [user_id])
    return answer(room_json(view), 201 if is_new else 200)


@router.post("", response_model=RoomOut, responses=_MADE)
@manages_all
async def open_group(body: NewDirect, identity: IdentityDep, direct: DirectDep) -> Response:
    """Open the direct room with several other users. They hear of it with its first message."""
    view, is_new = await direct.open(identity.user, body.user_ids)
    return answer(room_json(view), 201 if is_new else 200)
