"""/mcp: what assistants and agents do in rooms, by the Model Context Protocol, without sessions and streams."""

from fastapi import Request, Response

from api.http.bodies.mcp import RPC_BODY, RPC_ERRORS, RpcRefusal, RpcResult
from api.http.caller import AnsweringDep, CallerDep, StillDep
from api.http.ending import gone
from api.http.mcp import answer_rpc, read_rpc
from api.http.routing import Router
from api.http.scopes import reads_or_writes
from api.http.services import ServicesDep
from api.http.strict import StrictRoute
from api.http.tools import ToolCaller

router = Router(tags=["mcp"], route_class=StrictRoute)


@router.post(
    "/mcp",
    response_model=RpcResult | RpcRefusal,
    responses={202: {"description": "A notification, which has no answer"}, **RPC_ERRORS},
    openapi_extra=RPC_BODY,
)
@reads_or_writes
async def call(
    request: Request, parts: ServicesDep, caller: CallerDep, still_allowed: StillDep, answering: AnsweringDep
) -> Response:
    """Carry out one request of the Model Context Protocol, for assistants and agents.

    There are no sessions and no streams: each request is answered in JSON. docs/integrations/mcp.md says how clients
    are configured, and which tools there are.
    """
    body = await read_rpc(request)
    user = ToolCaller(caller, parts, lambda: gone(request), still_allowed, answering)
    return await answer_rpc(request, body, user)
