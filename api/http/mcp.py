"""Carries out the requests of MCP: what the protocol asks for, and the tools."""

from typing import Any, Final

import structlog
from fastapi import Request, Response

from api import __version__
from api.errors import Forbidden, TailwireError, Unauthorized
from api.http.hardening import is_allowed_origin
from api.http.plan import JSON
from api.http.services import services
from api.http.strict import read_body, require_type
from api.http.tools import TOOLS, ToolCaller, described, tools_for, use_tool
from api.protocol import json_rpc, mcp
from api.protocol.fields import MAX_REQUEST_BYTES
from api.protocol.json_rpc import Call, RpcError
from api.protocol.problems import problem_body

OK: Final = "ok"


async def read_rpc(request: Request) -> bytes:
    """Return the body of a request of MCP. Raises `Forbidden` for a page of another origin, and what a body may."""
    if "origin" in request.headers and not is_allowed_origin(request, services(request).settings.origins):
        raise Forbidden("This page may not use the server by MCP: its origin is not among TAILWIRE_ORIGINS")
    require_type(request, JSON)
    await read_body(request, MAX_REQUEST_BYTES)
    return await request.body()


async def answer_rpc(request: Request, body: bytes, caller: ToolCaller) -> Response:
    """Return the answer to a request of MCP."""
    try:
        made = json_rpc.read_call(body)
    except RpcError as error:
        return _refusal(None, error, 400)
    try:
        version = mcp.version_of(made, request.headers)
    except RpcError as error:
        return _refusal(made, error, 400)
    if made.is_notification:
        return Response(status_code=202)
    try:
        result = await _carry_out(made, version, caller)
    except RpcError as error:
        return _refusal(made, error, mcp.status_of(error, version))
    completed = mcp.complete(result, version, _server(caller))
    return Response(json_rpc.result_body(made.id, completed), media_type=JSON)


async def _carry_out(made: Call, version: str, user: ToolCaller) -> dict[str, Any]:
    """Return the result of a request. Raises `RpcError` where it is not one of MCP, or of this version."""
    is_stateless = version == mcp.STATELESS
    match made.method:
        case "tools/list":
            if made.params.get("cursor") is not None:
                raise mcp.no_such_page()
            tools = tools_for(user.identity, search=user.parts.settings.search)
            return mcp.listed([described(one.name) for one in tools], version)
        case "tools/call":
            return await _use(made, user)
        case "server/discover" if is_stateless:
            return mcp.discovered()
        case "initialize" if not is_stateless:
            return mcp.initialized(mcp.agreed_version(made), _server(user))
        case "ping" if not is_stateless:
            return {}
    raise mcp.no_such_method()


async def _use(made: Call, user: ToolCaller) -> dict[str, Any]:
    """Use a tool. What it refuses is its result, which a model can read, and no error of the protocol."""
    name, arguments = mcp.named_tool(made)
    tool = TOOLS.get(name)
    if tool is None or (tool.needs_search and not user.parts.settings.search):
        raise mcp.no_such_tool()
    outcome = TailwireError.code
    try:
        text = await use_tool(tool, user, arguments)
        outcome = OK
        return mcp.used(text)
    except TailwireError as error:
        outcome = error.specific_code
        if isinstance(error, Unauthorized):
            raise  # the token has ended meanwhile, and no model can do anything about it
        structlog.contextvars.bind_contextvars(code=outcome)  # for the request log
        told = problem_body(error, structlog.contextvars.get_contextvars().get("request_id"))
        return mcp.used(told.decode(), is_error=True)
    finally:
        user.parts.recorder.used(name, outcome)


def _server(user: ToolCaller) -> dict[str, Any]:
    return {"name": "tailwire", "title": user.parts.settings.name, "version": __version__}


def _refusal(made: Call | None, error: RpcError, status: int) -> Response:
    structlog.contextvars.bind_contextvars(code=error.data["code"])  # for the request log
    call_id = None if made is None else made.id
    return Response(json_rpc.error_body(call_id, error), status, media_type=JSON)
