"""Makes the TypeScript types of the wire from both contracts. They are types only, so no page is larger for them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from api.protocol.asyncapi import schemas_over_http
from tests.contract.documents import made_http, made_socket

FOLDER: Final = Path(__file__).parents[2] / "sdk" / "typescript" / "src" / "wire" / "generated"
_SIMPLE: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_REFERENCE: Final = "#/components/schemas/"
_HEAD: Final = """\
/** {what} Made by `make docs` from the code of the server: do not edit. */
"""

Schema = Mapping[str, Any]


def files() -> dict[Path, str]:
    """Return the text of each generated file."""
    return {
        FOLDER / "http.ts": http_types(made_http()),
        FOLDER / "socket.ts": socket_types(made_socket()),
    }


def renew() -> None:
    """Write the files anew."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in files().items():
        path.write_text(text)


def http_types(document: Schema) -> str:
    """Return the types of all bodies."""
    schemas, events = document["components"]["schemas"], {*schemas_over_http()}
    sent = _reachable(schemas, _sent(document))
    own = {name: one for name, one in sorted(schemas.items()) if name not in events}
    used = sorted(events & set(_references([*own.values()])))
    made = [_HEAD.format(what="The bodies of HTTP requests and answers, as in /openapi.json.")]
    made += [f"import type {{ {', '.join(used)} }} from './socket.ts';\n"]
    made += [_declared(name, one, is_sent=name in sent) for name, one in own.items()]
    return "\n".join(made)


def socket_types(document: Schema) -> str:
    """Return the types of all commands and events, and the unions of them by what they are."""
    schemas, messages = document["components"]["schemas"], document["components"]["messages"]
    commands = [name for name in messages if name.endswith("Command")]
    entries = _named(document["operations"]["tell_entries"]["messages"])
    others = [name for name in messages if name not in {*commands, *entries}]
    made = [_HEAD.format(what="The commands and events of the socket, as in /asyncapi.json.")]
    made += [_declared(name, one, is_sent=name in commands) for name, one in schemas.items()]
    for name, members in (("Command", commands), ("Entry", entries), ("OtherEvent", others)):
        made.append(f"export type {name} =\n  | " + "\n  | ".join(members) + ";\n")
    return "\n".join(made)


def _named(references: Iterable[Schema]) -> list[str]:
    return [one["$ref"].rpartition("/")[2] for one in references]


def _sent(document: Schema) -> set[str]:
    """Return the schemas of the bodies of requests."""
    bodies = [
        content["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    return set(_references(bodies))


def _reachable(schemas: Schema, names: set[str]) -> set[str]:
    found = set(names)
    while more := {each for name in found for each in _references(schemas[name])} - found:
        found |= more
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(_REFERENCE)
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _declared(name: str, schema: Schema, *, is_sent: bool) -> str:
    comment = _comment(schema, "")
    if "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema, is_sent=is_sent)};\n"
    lines = [f"{comment}export interface {name} {{"]
    for field, one in schema["properties"].items():
        mark = "" if field in schema.get("required", ()) else "?"
        lines.append(f"{_comment(one, '  ')}  {_key(field)}{mark}: {_type(one, is_sent=is_sent)};")
    return "\n".join([*lines, "}", ""])


def _comment(schema: Schema, indent: str) -> str:
    said = " ".join(str(schema.get("description", "")).split()).replace("*/", "* /")
    return f"{indent}/** {said} */\n" if said else ""


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _type(schema: Schema, *, is_sent: bool) -> str:
    """Return the type of a value. What a page sends may be a list that it cannot change."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REFERENCE)
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " | ".join(_literal(value) for value in values)
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(one, is_sent=is_sent) for one in alternatives))
    kind = schema.get("type")
    if kind == "array":
        item = _type(schema["items"], is_sent=is_sent)
        item = f"({item})" if " | " in item else item
        return f"{'readonly ' if is_sent else ''}{item}[]"
    if kind == "object":
        return "Record<string, unknown>"
    return _SIMPLE.get(str(kind), "unknown")


def _literal(value: Any) -> str:
    return "'" + value + "'" if isinstance(value, str) and "'" not in value else json.dumps(value)
