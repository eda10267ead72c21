"""Says what of a contract has changed so that a client which keeps to the old one may break. Pure.

A client ignores fields, events, statuses and codes that it does not know: docs/protocol.md, *Conventions*. So what is
new in answers breaks nothing. What may break it is less in an answer, and more that is asked for in a request.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from api.protocol.asyncapi import LATER

Schema = Mapping[str, Any]
Document = Mapping[str, Any]

SUCCESS: Final = ("200", "201", "202", "204", "206")
_LOWER: Final = ("maximum", "maxLength", "maxItems")
_HIGHER: Final = ("minimum", "minLength", "minItems")


class _Side(NamedTuple):
    """The schemas of two documents, of which one follows the other. What is `sent` is sent by clients."""

    old: Document
    new: Document
    sent: bool


def broken_http(old: Document, new: Document) -> list[str]:
    """Return what of an OpenAPI document may break a client."""
    return sorted(set(_operations(old, new)))


def broken_socket(old: Document, new: Document) -> list[str]:
    """Return what of an AsyncAPI document may break a client."""
    return sorted(set(_messages(old, new)))


# -- OpenAPI


def _operations(old: Document, new: Document) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            where = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{where} is gone"
                continue
            if before["operationId"] != after["operationId"]:
                yield f"{where} has another operationId: {after['operationId']}"
            yield from _parameters(where, before, after, _Side(old, new, sent=True))
            yield from _bodies(where, before, after, _Side(old, new, sent=True))
            yield from _answers(where, before, after, _Side(old, new, sent=False))


def _parameters(where: str, before: Schema, after: Schema, side: _Side) -> Iterator[str]:
    was, now = _parameters_of(before), _parameters_of(after)
    yield from (
        f"{where} wants {key[1]}" for key, one in now.items() if key not in was and one.get("required")
    )
    for key, one in was.items():
        if key not in now:
            yield f"{where} does not take {key[1]}"
            continue
        if now[key].get("required") and not one.get("required"):
            yield f"{where} wants {key[1]}"
        yield from _compared(f"{where} {key[1]}", one["schema"], now[key]["schema"], side)


def _parameters_of(operation: Schema) -> dict[tuple[str, str], Schema]:
    return {(one["in"], one["name"].lower()): one for one in operation.get("parameters", ())}


def _bodies(where: str, before: Schema, after: Schema, side: _Side) -> Iterator[str]:
    was, now = before.get("requestBody"), after.get("requestBody")
    if now is not None and now.get("required") and not (was or {}).get("required"):
        yield f"{where} wants a body"
    for type_, one in (was or {}).get("content", {}).items():
        if type_ not in (now or {}).get("content", {}):
            yield f"{where} does not take {type_}"
        elif now is not None:
            yield from _compared(where, one.get("schema", {}), now["content"][type_].get("schema", {}), side)


def _answers(where: str, before: Schema, after: Schema, side: _Side) -> Iterator[str]:
    for status, was in before["responses"].items():
        if status not in SUCCESS:
            continue
        now = after["responses"].get(status)
        if now is None:
            yield f"{where} does not answer {status}"
            continue
        for type_, one in was.get("content", {}).items():
            if type_ not in now.get("content", {}):
                yield f"{where} {status} is not {type_}"
            else:
                yield from _compared(
                    f"{where} {status}", one.get("schema", {}), now["content"][type_].get("schema", {}), side
                )


# -- AsyncAPI


def _messages(old: Document, new: Document) -> Iterator[str]:
    for name, before in old["operations"].items():
        after = new["operations"].get(name)
        if after is None:
            yield f"the operation {name} is gone"
            continue
        for part, sent in ((("messages",), before["action"] == "receive"), (("reply", "messages"), False)):
            kept = _named(_at(after, part))
            for message in _named(_at(before, part)):
                if message not in kept:
                    yield f"{name} has no {message}"
                    continue
                was, now = _payload(old, message), _payload(new, message)
                yield from _compared(f"{name}: {message}", was, now, _Side(old, new, sent))
    codes = {one["code"] for one in new["x-close-codes"]}
    for one in old["x-close-codes"]:
        if one["code"] not in codes:
            yield f"the close code {one['code']} is gone"


def _payload(document: Document, message: str) -> Schema:
    payload: Schema = document["components"]["messages"][message]["payload"]
    return payload


def _at(value: Any, path: Iterable[str]) -> list[Any]:
    for name in path:
        value = value.get(name, {})
    return list(value or ())


def _named(references: Iterable[Schema]) -> list[str]:
    return [one["$ref"].rpartition("/")[2] for one in references]


# -- schemas


def _compared(
    where: str, was: Schema, now: Schema, side: _Side, seen: frozenset[str] = frozenset()
) -> Iterator[str]:
    """Yield what of a schema may break a client."""
    key = f"{was.get('$ref')} {now.get('$ref')}"
    if "$ref" in was and key in seen:
        return
    seen |= {key}
    before, after = _forms(was, side.old), _forms(now, side.new)
    one_way, other_way = (after, before) if side.sent else (before, after)
    # Clients send what they sent before, and are sent what they expected: so each form has a place on the other side.
    is_open = not side.sent and any(form.get("title") == LATER for form in before.values())
    for kind in other_way.keys() - one_way.keys():
        if is_open and kind.startswith("object "):
            continue  # a kind of entries that clients of before know as a later one
        yield f"{where} {'may not be' if side.sent else 'may be'} {kind}"
    for kind in before.keys() & after.keys():
        yield from _of_kind(where, before[kind], after[kind], side, seen)


def _of_kind(where: str, was: Schema, now: Schema, side: _Side, seen: frozenset[str]) -> Iterator[str]:
    yield from _values(where, was, now, side)
    fields, later = was.get("properties", {}), now.get("properties", {})
    wanted = set(now.get("required", ()))
    for name, field in fields.items():
        if name not in later:
            if not side.sent or now.get("additionalProperties") is False:
                yield f"{where} has no {name}"
            continue
        if side.sent and name in wanted and name not in was.get("required", ()):
            yield f"{where} wants {name}"
        if not side.sent and name in was.get("required", ()) and name not in wanted:
            yield f"{where} may lack {name}"
        yield from _compared(f"{where} {name}", field, later[name], side, seen)
    if side.sent:
        yield from (f"{where} wants {name}" for name in wanted - fields.keys())
    if "items" in was and "items" in now:
        yield from _compared(f"{where} items", was["items"], now["items"], side, seen)


def _values(where: str, was: Schema, now: Schema, side: _Side) -> Iterator[str]:
    """Yield what of single values is not as it was."""
    before, after = (each.get("enum", [each["const"]] if "const" in each else None) for each in (was, now))
    if before is not None and after is not None:
        yield from (f"{where} is never {value}" for value in before if value not in after)
    if not side.sent:
        return
    if before is None and after is not None:
        yield f"{where} is one of {len(after)} values only"
    for name in _LOWER:
        if name in now and now[name] < was.get(name, float("inf")):
            yield f"{where} has a lower {name}"
    for name in _HIGHER:
        if name in now and now[name] > was.get(name, float("-inf")):
            yield f"{where} has a higher {name}"
    if now.get("pattern") not in {None, was.get("pattern")}:
        yield f"{where} has another pattern"


def _forms(schema: Schema, document: Document) -> dict[str, Schema]:
    """Return the forms that a value may have, by the names of their types; those of objects also by their model."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _forms(document["components"]["schemas"][name], document)
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        forms: dict[str, Schema] = {}
        for one in alternatives:
            for kind, form in _forms(one, document).items():
                forms[kind if kind not in forms else f"{kind} {form.get('title', len(forms))}"] = form
        return forms
    return {str(schema.get("type", "anything")): schema}
