"""What OpenAPI says of refusals: those that follow from what an operation takes, and those that it names itself."""

from typing import Any, Final

from api.errors import (
    BadJson,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TailwireError,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from api.http.bodies.forms import Problem

SESSION_HEADER: Final = "X-Tailwire-Session"
REFUSED: Final = 400
"""The first status that is an error."""
_FASTAPIS_OWN: Final = ("HTTPValidationError", "ValidationError")
_WAITS: Final = frozenset({RateLimited.status, Unavailable.status})


def refuses(*errors: type[TailwireError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that raises these of itself; see `contract` for what need not be named."""
    titles: dict[int | str, list[str]] = {}
    for error in errors:
        titles.setdefault(error.status, []).append(error.title)
    return {status: {"description": "; ".join(found)} for status, found in titles.items()}


def contract(schema: dict[str, Any]) -> dict[str, Any]:
    """Complete FastAPI's OpenAPI: what every operation that takes a body, a token or an id may refuse, and how."""
    schemas = schema["components"]["schemas"]
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            responses = {str(status): said for status, said in refuses(*_implied(path, operation)).items()}
            for status, said in operation["responses"].items():
                if status not in responses or not _is_fastapis(said):
                    responses[status] = said
            operation["responses"] = {status: responses[status] for status in sorted(responses)}
            for status, said in operation["responses"].items():
                if int(status) >= REFUSED and "content" not in said:
                    said.update(_form(int(status)))
    return schema


def _implied(path: str, operation: dict[str, Any]) -> list[type[TailwireError]]:
    """Return what follows from an operation's address and what it takes."""
    names = {one["name"] for one in operation.get("parameters", ())}
    body = operation.get("requestBody", {}).get("content", {})
    found: list[type[TailwireError]] = [Unauthorized]  # a token in the query, wherever
    if "health" not in operation["tags"]:
        found += [Invalid, Unavailable]  # an unknown query field; the store
    if body:
        found += [TooLarge, UnsupportedMediaType]
    if "application/json" in body:
        found.append(BadJson)
    if SESSION_HEADER in names:
        found.append(Forbidden)
    if "{" in path:
        found += [NotFound, RateLimited]  # who asks for too much that is not there must wait
    return found


def _is_fastapis(said: dict[str, Any]) -> bool:
    return bool(said.get("content")) and said["description"] == "Validation Error"


def _form(status: int) -> dict[str, Any]:
    """Return what all refusals with a status have in common."""
    form: dict[str, Any] = {
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    }
    if status in _WAITS:
        seconds = {"type": "integer", "minimum": 1}
        form["headers"] = {"Retry-After": {"required": True, "description": "Seconds", "schema": seconds}}
    if status == Unauthorized.status:
        form["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return form
