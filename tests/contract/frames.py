"""Holds the frames that tests receive to /asyncapi.json, so that no test passes with an event that it does not have."""

import json
from copy import deepcopy
from functools import cache
from typing import Any, Final

import jsonschema_rs

from api.protocol.asyncapi import LATER, asyncapi, name_of_command, names_of_commands, replies

Event = dict[str, Any]

DOCUMENT: Final = asyncapi(version="0", url="http://localhost:8000", subscriptions=100, file_bytes=1)


def require_described(event: Event) -> None:
    """Require that an event is one of the document's, with no field more than it says."""
    names = _messages_of(event["type"]) or [LATER]
    _require_any(names, event)


def require_reply(command: str, event: Event) -> None:
    """Require that an ack or an error is what the document says of this command."""
    if command in names_of_commands():
        _require_any([one for one in replies(command) if one in _messages_of(event["type"])], event)


def require_command(command: Event) -> None:
    """Require that a command is as the document says."""
    _require_any([name_of_command(command["type"])], command)


@cache
def _messages_of(type_: str) -> list[str]:
    """Return the names of the messages that a server sends under a `type`."""
    sent = {
        reference["$ref"].rpartition("/")[2]
        for operation in DOCUMENT["operations"].values()
        for part in (operation.get("reply"), operation if operation["action"] == "send" else None)
        if part is not None
        for reference in part["messages"]
    }
    messages = DOCUMENT["components"]["messages"]
    return sorted(name for name in sent if messages[name]["name"] == type_)


def _require_any(names: list[str], event: Event) -> None:
    assert any(_validator(name).is_valid(event) for name in names), (
        f"/asyncapi.json does not have this frame: {json.dumps(event)[:500]}; "
        + "; ".join(
            f"{name}: {error.message}" for name in names for error in _validator(name).iter_errors(event)
        )
    )


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return what holds a value to a schema. Clients ignore fields that they do not know, but a test does not."""
    schemas = deepcopy(DOCUMENT["components"]["schemas"])
    for schema in schemas.values():
        schema.setdefault("additionalProperties", False)
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    )
