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
    all_codes,
)
from api.http.bodies.forms import Problem
from api.http.examples import EXAMPLES

SESSION_HEADER: Final = "X-Tailwire-Session"
REFUSED: Final = 400
"""Statuses from this one on are errors."""
LINK: Final = {
    "description": 'The next page, as `<?cursor=...>; rel="next"` (RFC 8288)',
    "schema": {"type": "string"},
}
RATE_LIMIT: Final = {
    "RateLimit-Policy": {"description": 'The limits, as `"sends";q=20;w=2`', "schema": {"type": "string"}},
    "RateLimit": {"description": 'What is left of them, as `"sends";r=0;t=1`', "schema": {"type": "string"}},
}
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
        if int(status) < REFUSED and _is_page(said, schemas):
            said["headers"] = {"Link": LINK}


def operation_id(route: APIRoute) -> str:
    """Return a name for a route that reads well as a method of a generated client, such as `rooms_join`."""
    if not route.tags:  # a route that OpenAPI does not show
        return route.name
    tag = str(route.tags[0])
    name = {tag: "list", tag.removesuffix("s"): "get"}.get(route.name, route.name)
    return f"{tag}_{name}"


def _describe(operation: dict[str, Any]) -> None:
    """Make the first sentence of a description the summary, in place of the name of a function in capitals."""
    first, _, rest = " ".join(operation.pop("description", operation["summary"]).split()).partition(". ")
    operation["summary"] = first.removesuffix(".")
    if rest:
        operation["description"] = rest


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
    if "security" in operation:
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
    if status in _WAITS:
        seconds = {"type": "integer", "minimum": 1}
        form["headers"] = {"Retry-After": {"required": True, "description": "Seconds", "schema": seconds}}
    if status == RateLimited.status:
        form["headers"] |= RATE_LIMIT
    if status == Unauthorized.status:
        form["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return form
