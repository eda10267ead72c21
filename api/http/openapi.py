"""Completes OpenAPI: errors that a route names or that follow from its parameters, names, formats and examples."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi.routing import APIRoute

from api.errors import (
    BadJson,
    BadRequest,
    Forbidden,
    Invalid,
    Misdirected,
    NotFound,
    RateLimited,
    TailwireError,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from api.http.bodies.forms import Problem
from api.http.examples import EXAMPLES
from api.protocol.asyncapi import schemas_over_http
from api.protocol.problems import all_codes

SESSION_HEADER: Final = "X-Tailwire-Session"
REFUSED: Final = 400
"""Statuses from this one on are errors."""
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Link": {
        "description": 'The next page, as `<?cursor=...>; rel="next"` (RFC 8288)',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": 'The limits, as `"sends";q=20;w=2`', "schema": {"type": "string"}},
    "RateLimit": {"description": 'What is left of them, as `"sends";r=0;t=1`', "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": '`Bearer`, with `error="invalid_token"` where a token was shown that does not hold (RFC 6750)',
        "schema": {"type": "string"},
    },
}
"""Headers of answers, which stand in the components by these names."""
TAGS: Final = {
    "server": "What anybody may know of a server, and what the codes of its errors mean.",
    "auth": "Signing up, logging in, and the sessions of a user.",
    "users": "The caller's own account, other users, and whom the caller has blocked.",
    "rooms": "Rooms and their members, bans, and all that changes while a client is away.",
    "messages": "Messages, their changes, threads and mentions, and the log of a room.",
    "reports": "Messages that were reported to the administrators.",
    "consumers": "Readers that miss nothing: their positions are kept by the server.",
    "search": "Finding messages.",
    "hooks": "Addresses at which other programs post messages into a room.",
    "webhooks": "Addresses to which the entries of a room are posted.",
    "invites": "Links by which people come into a room.",
    "admin": "What administrators do with accounts, rooms and the server.",
    "bots": "Users as which programs write.",
    "tokens": "What programs use in place of a log-in.",
    "mcp": "What assistants and agents use, by the Model Context Protocol.",
    "files": "Files of messages: uploading, listing and opening them.",
    "health": "How the server is, for whatever watches it.",
}
"""What the operations under each tag are about. It is the order in which they are shown."""
EVENTS_IN: Final = {
    "LogOut": ("Entry",),
    "EntriesOut": ("Entry", "ResetEvent", "MembershipEvent"),
    "SyncOut": ("Entry", "LiveEvent", "ResetEvent"),
}
"""Answers whose items are events of the socket, and which ones."""
_FASTAPIS_OWN: Final = ("HTTPValidationError", "ValidationError")
_WAITS: Final = frozenset({RateLimited.status, Unavailable.status})


def refuses(*errors: type[TailwireError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that raises these errors. `contract` adds those that follow from parameters."""
    titles: dict[int | str, list[str]] = {}
    for error in errors:
        titles.setdefault(error.status, []).append(error.title)
    return {status: {"description": "; ".join(found)} for status, found in titles.items()}


def contract(schema: dict[str, Any]) -> dict[str, Any]:
    """Complete FastAPI's OpenAPI: errors, summaries, formats of times, and examples."""
    schema["info"]["contact"] = {"name": "Whoever runs this server"}
    schema["info"]["license"] = {"name": "MIT", "identifier": "MIT"}
    schema.setdefault("servers", [{"url": "/", "description": "This server"}])
    schema["tags"] = [{"name": name, "description": what} for name, what in TAGS.items()]
    schema["components"]["headers"] = HEADERS
    _complete_schemas(schema["components"]["schemas"])
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _describe(operation)
            _add_errors(path, operation, schema["components"]["schemas"])
    return schema


def _complete_schemas(schemas: dict[str, Any]) -> None:
    """Replace FastAPI's form of errors by ours. Name the formats of times, and give examples."""
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    schemas["Problem"]["properties"]["code"]["enum"] = all_codes()
    schemas["Problem"]["properties"]["type"]["format"] = "uri-reference"
    schemas.update(schemas_over_http())
    for name, events in EVENTS_IN.items():
        forms = [{"$ref": f"#/components/schemas/{event}"} for event in events]
        schemas[name]["properties"]["items"]["items"] = {"anyOf": forms} if forms[1:] else forms[0]
    for name, one in schemas.items():
        for time in _times_of(one):
            time["format"] = "date-time"
        if name in EXAMPLES:
            one["examples"] = [EXAMPLES[name]]


def _add_errors(path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add the errors that follow from a body, a token or an id, and the form of all errors."""
    responses = {str(status): said for status, said in refuses(*_implied(path, operation)).items()}
    for status, said in operation["responses"].items():
        if status not in responses or not _is_fastapis(said):
            responses[status] = said
    operation["responses"] = {status: responses[status] for status in sorted(responses)}
    for status, said in operation["responses"].items():
        if int(status) >= REFUSED and "content" not in said:
            said.update(_form(int(status)))
        if int(status) < REFUSED:
            names = (["Link"] if _is_page(said, schemas) else []) + (
                ["RateLimit-Policy", "RateLimit"] if operation["security"] else []
            )
            if names:
                said["headers"] = _headers(*names)


def operation_id(route: APIRoute) -> str:
    """Return a name for a route that reads well as a method of a generated client, such as `rooms_join`."""
    if not route.tags:  # a route that OpenAPI does not show
        return route.name
    tag = str(route.tags[0])
    nouns = (tag.removesuffix("s"), tag)
    words = [word for word in route.name.split("_") if word not in nouns]
    return "_".join([tag, *(words or ["get" if route.name == nouns[0] else "list"])])


def _describe(operation: dict[str, Any]) -> None:
    """Make the first sentence of a description the summary, in place of a name in capitals, and name the security."""
    said = " ".join(operation.get("description", operation["summary"]).split())
    operation["summary"] = said.partition(". ")[0].removesuffix(".")
    operation["description"] = said
    operation.setdefault("security", [])  # said also where none is wanted


def _times_of(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of a model's times, which are the texts whose names end as the protocol says."""
    for name, field in schema.get("properties", {}).items():
        if name == "at" or name.endswith("_at"):
            yield from (one for one in field.get("anyOf", [field]) if one.get("type") == "string")


def _implied(path: str, operation: dict[str, Any]) -> list[type[TailwireError]]:
    """Return the errors that follow from an operation's path, parameters and body."""
    names = {one["name"] for one in operation.get("parameters", ())}
    body = operation.get("requestBody", {}).get("content", {})
    # At any path: doubled headers, another host, and a token in the query.
    found: list[type[TailwireError]] = [BadRequest, Misdirected, Unauthorized]
    if "health" not in operation["tags"]:
        found += [Invalid, Unavailable]  # for an unknown query field, and when the store is away
    if body:
        found += [TooLarge, UnsupportedMediaType]
    if "application/json" in body:
        found.append(BadJson)
    if SESSION_HEADER in names:
        found.append(Forbidden)
    if operation["security"]:
        # A user's requests have a rate, whatever they ask for, and the token of a program may not do everything.
        found += [RateLimited, Forbidden]
    if "{" in path:
        found.append(NotFound)
    return found


def _is_fastapis(said: dict[str, Any]) -> bool:
    return bool(said.get("content")) and said["description"] == "Validation Error"


def _is_page(said: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Say whether an answer is a page of a list, which may have a next one."""
    body = said.get("content", {}).get("application/json", {}).get("schema", {})
    return "next_cursor" in schemas.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {})


def _form(status: int) -> dict[str, Any]:
    """Return the content and the headers of all errors with a status."""
    form: dict[str, Any] = {
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    names = ["Retry-After"] if status in _WAITS else []
    if status == RateLimited.status:
        names += ["RateLimit-Policy", "RateLimit"]
    if status == Unauthorized.status:
        names.append("WWW-Authenticate")
    if names:
        form["headers"] = _headers(*names)
    return form


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
