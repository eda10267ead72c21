"""The AsyncAPI document of the socket, made of the types of commands and events. Pure.

It is of version 3.1, and describes the server: commands are what it receives, events are what it sends.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, get_args
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from api.models.kinds import KIND_NAME
from api.protocol.close_codes import CLOSINGS
from api.protocol.commands import Authenticate, Command, Ping, Read, Subscribe, Watch, Write
from api.protocol.entries import EntryEvent, LinkPreviewFields, SentFileFields, ShownAsFields
from api.protocol.events import OtherEvent, client_limits
from api.protocol.fields import FEATURES, MAX_FIRST_FRAME_BYTES, MAX_WATCHED, VERSION
from api.protocol.problems import all_codes
from api.protocol.signal_events import SignalEvent

PATH: Final = "/ws/messages"
LATER: Final = "LaterEntry"
"""The name of the message that stands for entries of kinds which only later versions know."""
ACK: Final = "AckEvent"
ACK_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    ACK: (),
    "PositionAck": ("room_id", "epoch", "seq"),
    "EntryAck": ("room_id", "epoch", "seq", "at"),
}
"""The forms of `ack`, with the fields that each has beside `ref`."""
_OWN_ACK: Final[Mapping[type[Command], str]] = {
    Subscribe: "PositionAck",
    Read: "PositionAck",
    **dict.fromkeys(get_args(Write), "EntryAck"),
}
_BROUGHT: Final[Mapping[type[Command], tuple[str, ...]]] = {
    Authenticate: ("ReadyEvent",),
    Ping: ("PongEvent",),
    Watch: ("PresenceEvent",),
}
"""What a command brings beside its ack or error. `subscribe` brings entries, too."""
_CHANNEL: Final = {"$ref": "#/channels/messages"}


def _names(events: Any) -> list[str]:
    return [one.__name__ for one in get_args(events)]


_TOLD: Final[tuple[tuple[str, str, str, tuple[str, ...]], ...]] = (
    (
        "entries",
        "What is written to the rooms to which the connection is subscribed",
        "Of a room they come in steps of exactly one. Where one is missing, subscribe again from the last that came.",
        (*_names(EntryEvent), LATER),
    ),
    (
        "memberships",
        "What has changed in the memberships of the user",
        "A null `role` ends the subscription. With a role, subscribe from your position if you want the room's events.",
        ("MembershipEvent",),
    ),
    (
        "signals",
        "What may be lost, and is asked for again when it matters",
        "None of it has a `seq`, and none of it comes again after a reconnect.",
        tuple(_names(SignalEvent)),
    ),
    (
        "warnings",
        "The token ends soon",
        "Refresh it and send it by `authenticate` on this socket, which is closed with 4401 otherwise.",
        ("ExpiringEvent",),
    ),
    (
        "heartbeats",
        "Nothing else was sent for a while",
        "Where not even this comes for 1.5 times `heartbeat_seconds`, the connection is dead.",
        ("HeartbeatEvent",),
    ),
    (
        "resets",
        "The room has a new epoch, or the client is too far behind",
        "Drop what is known of the room, and load its history. The subscription goes on after `seq`.",
        ("ResetEvent",),
    ),
)
"""The groups of events that come by themselves: the name, what they are, what a client does, and the messages."""

_DESCRIPTION: Final = """\
Text frames, each one flat JSON object with a `type`. Clients send commands; the server sends events. Every command with
a `ref` gets exactly one `ack` or one `error` with that ref. Clients ignore fields and events that they do not know. Of
an entry, which is an event with `room_id`, `seq` and `at`, they take the `seq` all the same: entries of a room come in
steps of exactly one. /docs and docs/protocol.md have the rest, and /openapi.json the HTTP half."""


def asyncapi(*, version: str, url: str, subscriptions: int, file_bytes: int) -> dict[str, Any]:
    """Return the document of a server of this version, at this address, with these limits."""
    schemas, messages = _schemas(), dict(_messages())
    place = urlsplit(url)
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Tailwire",
            "version": version,
            "description": _DESCRIPTION,
            "contact": {"name": "Whoever runs this server", "url": url},
            "license": {"name": "MIT"},
            "tags": [{"name": feature} for feature in FEATURES],
        },
        "defaultContentType": "application/json",
        "servers": {
            "this": {
                "host": place.netloc,
                "protocol": "wss" if place.scheme == "https" else "ws",
                **({"pathname": place.path} if place.path.strip("/") else {}),
                "description": f"This server. It speaks version {VERSION} of the protocol.",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            "messages": {
                "address": PATH,
                "title": "The socket",
                "description": "All commands and events of one connection.",
                "servers": [{"$ref": "#/servers/this"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            }
        },
        "operations": dict(_operations()),
        "components": {
            "schemas": schemas,
            "messages": messages,
            "correlationIds": {
                "ref": {
                    "description": "Chosen by the client. The ack or the error of a command has it too.",
                    "location": "$message.payload#/ref",
                }
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token, or the token of a program, on the handshake. Browsers send it by"
                    " `authenticate` as the first frame instead.",
                }
            },
        },
        "x-limits": {
            **client_limits(subscriptions=subscriptions, file_bytes=file_bytes),
            "first_frame_bytes": MAX_FIRST_FRAME_BYTES,
            "watched": MAX_WATCHED,
        },
        "x-close-codes": [{"code": int(code), **one._asdict()} for code, one in CLOSINGS.items()],
        "x-error-codes": all_codes(),
    }


def schemas_over_http() -> dict[str, Any]:
    """Return the schemas of events that are told over HTTP too: of all entries together, `Entry`, and of others."""
    every = _schemas()
    names = [*_names(EntryEvent), LATER, "LiveEvent", "ResetEvent", "MembershipEvent"]
    names += [one.__name__ for one in (ShownAsFields, SentFileFields, LinkPreviewFields)]
    entry = {"anyOf": [_schema(name) for name in (*_names(EntryEvent), LATER)]}
    return {"Entry": entry | {"description": "An entry of a room's log."}} | {
        name: every[name] for name in names
    }


def names_of_commands() -> dict[str, type[Command]]:
    """Return the model of each command, by its `type`."""
    return {
        name: model for model in get_args(Command) for name in get_args(model.model_fields["type"].annotation)
    }


def replies(command: str) -> list[str]:
    """Return the names of the messages that answer a command."""
    model = names_of_commands()[command]
    found = [*_BROUGHT.get(model, ()), _OWN_ACK.get(model, ACK), "ErrorEvent"]
    if model is Subscribe:
        found += ["LiveEvent", "ResetEvent", *_names(EntryEvent), LATER]
    return found


def name_of_command(command: str) -> str:
    """Return the name of the message and of the schema of a command."""
    return f"{''.join(word.capitalize() for word in command.split('_'))}Command"


# -- schemas


def _schemas() -> dict[str, Any]:
    """Return the schemas of all commands and events, by name."""
    events = [*get_args(EntryEvent), *get_args(OtherEvent)]
    commands = get_args(Command)
    _, made = TypeAdapter.json_schemas(
        [
            *((one, "validation", TypeAdapter(one)) for one in commands),
            *((one, "serialization", TypeAdapter(one)) for one in events),
        ],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = made["$defs"]
    for name, model in names_of_commands().items():
        schema = deepcopy(schemas[model.__name__])
        schema["properties"]["type"] = {"const": name, "type": "string"}
        schemas[name_of_command(name)] = schema | {"title": name_of_command(name)}
    for model in commands:
        del schemas[model.__name__]
    schemas |= {name: _ack(schemas[ACK], name, fields) for name, fields in ACK_FIELDS.items()}
    schemas["ErrorEvent"]["properties"]["code"]["enum"] = all_codes()
    schemas[LATER] = _later(schemas["MessageEvent"])
    for one in schemas.values():
        _tidy(one)
    return dict(sorted(schemas.items()))


def _ack(whole: dict[str, Any], name: str, fields: Sequence[str]) -> dict[str, Any]:
    """Return the schema of an ack with these fields, and no others."""
    properties = {one: whole["properties"][one] for one in ("type", "ref", *fields)}
    return whole | {
        "title": name,
        "description": "A command was carried out.",
        "properties": deepcopy(properties),
        "required": [*properties],
    }


def _later(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of entries of kinds that this version does not know."""
    envelope = {
        name: deepcopy(entry["properties"][name]) for name in ("room_id", "seq", "at", "user_id", "username")
    }
    kind = {"type": "string", "pattern": KIND_NAME}
    return {
        "type": "object",
        "title": LATER,
        "description": "An entry of a kind that only later versions know. Clients step over it.",
        "properties": {"type": kind, **envelope},
        "required": ["type", *envelope],
        "additionalProperties": True,
    }


def _tidy(schema: dict[str, Any]) -> None:
    """Say which texts are times, and take out the titles that pydantic makes of the names of fields."""
    for name, field in schema["properties"].items():
        field.pop("title", None)
        if name == "at" or name.endswith(("_at", "_until", "_time")):
            for one in field.get("anyOf", [field]):
                if one.get("type") == "string":
                    one["format"] = "date-time"


# -- messages and operations


def _messages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all messages with their names."""
    for name, model in names_of_commands().items():
        yield (
            name_of_command(name),
            _message(name, model.__doc__)
            | {
                "payload": _schema(name_of_command(name)),
                "correlationId": {"$ref": "#/components/correlationIds/ref"},
            },
        )
    for event in (*get_args(EntryEvent), *get_args(OtherEvent)):
        (type_,) = get_args(event.__annotations__["type"])
        for name in ACK_FIELDS if event.__name__ == ACK else (event.__name__,):
            answers = {"correlationId": {"$ref": "#/components/correlationIds/ref"}}
            yield (
                name,
                _message(type_, event.__doc__)
                | {"payload": _schema(name)}
                | (answers if type_ in {"ack", "error"} else {}),
            )
    yield (
        LATER,
        _message("(any kind)", "An entry of a kind that only later versions know.")
        | {"payload": _schema(LATER)},
    )


def _message(name: str, doc: str | None) -> dict[str, Any]:
    summary, _, rest = " ".join((doc or "").split()).partition(". ")
    return {
        "name": name,
        "title": name,
        "summary": summary.removesuffix("."),
        **({"description": rest} if rest else {}),
    }


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_channel(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/messages/messages/{name}"} for name in names]


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an operation for each command, with its answers, and for each group of events that come by themselves."""
    for name, model in names_of_commands().items():
        message = _message(name, model.__doc__)
        del message["name"]
        yield (
            name,
            {
                "action": "receive",
                "channel": _CHANNEL,
                **message,
                "messages": _in_channel([name_of_command(name)]),
                "reply": {"channel": _CHANNEL, "messages": _in_channel(replies(name))},
            },
        )
    for name, summary, description, events in _TOLD:
        yield (
            f"tell_{name}",
            {
                "action": "send",
                "channel": _CHANNEL,
                "summary": summary,
                "description": description,
                "messages": _in_channel(events),
            },
        )
