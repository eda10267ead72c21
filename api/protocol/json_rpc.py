"""JSON-RPC 2.0, as far as MCP needs it: one request or notification in a body, and its answer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from api.errors import BadJson
from api.protocol import strict_json

VERSION: Final = "2.0"
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602

CallId: TypeAlias = str | int | None
"""The id of a request, which its answer repeats. None is that of an error that belongs to no request."""


class RpcError(Exception):
    """A call that is not carried out. `number` is JSON-RPC's own code, `code` is one of ours."""

    def __init__(self, number: int, message: str, code: str = "invalid", **data: Any) -> None:
        super().__init__(message)
        self.number = number
        self.message = message
        self.data: dict[str, Any] = {"code": code, **data}


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or a notification, which has no id and is not answered."""

    method: str
    params: Mapping[str, Any]
    id: str | int | None
    is_notification: bool


def read_call(body: bytes) -> Call:
    """Read the one call that a body holds. Raises `RpcError`."""
    try:
        said = strict_json.loads(body)
    except BadJson as error:
        raise RpcError(PARSE_ERROR, error.message, error.specific_code) from None
    if not isinstance(said, dict):
        raise RpcError(INVALID_REQUEST, "Send one request or notification in each body")
    method, params, call_id = said.get("method"), said.get("params", {}), said.get("id")
    if said.get("jsonrpc") != VERSION or not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "This is no request and no notification of JSON-RPC 2.0")
    if "id" in said and (isinstance(call_id, bool) or not isinstance(call_id, str | int)):
        raise RpcError(INVALID_REQUEST, "The id must be a text or a whole number")
    if not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "The params must be an object")
    return Call(method, params, call_id, is_notification="id" not in said)


def result_body(call_id: CallId, result: Mapping[str, Any]) -> bytes:
    """Return the answer to a request that was carried out."""
    return orjson.dumps({"jsonrpc": VERSION, "id": call_id, "result": result})


def error_body(call_id: CallId, error: RpcError) -> bytes:
    """Return the answer to a request that was not carried out."""
    told = {"code": error.number, "message": error.message, "data": error.data}
    return orjson.dumps({"jsonrpc": VERSION, "id": call_id, "error": told})
