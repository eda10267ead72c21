"""Makes dataclasses of what the server sends. Unknown fields are ignored, those left out have their default."""

import dataclasses
from collections.abc import Hashable, Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tailwire_client.errors import BrokenContract

T = TypeVar("T")


def read(kind: type[T], fields: object, /, **more: object) -> T:
    """Return a `kind`, a dataclass, with these fields of a JSON object, and `more` that the object does not have.

    Raises BrokenContract where a field is missing or of another type.
    """
    if not isinstance(fields, Mapping):
        raise BrokenContract(f"{kind.__name__} is not an object")
    given = {**fields, **more}
    made: dict[str, Any] = {}
    for name, hint, is_needed in _fields_of(cast("Hashable", kind)):
        if name in given:
            try:
                made[name] = _convert(hint, given[name])
            except (TypeError, ValueError) as error:
                raise BrokenContract(
                    f"{kind.__name__}.{name} is of another type than it should be"
                ) from error
        elif is_needed:
            raise BrokenContract(f"{kind.__name__} lacks {name}")
    return kind(**made)


def read_all(kind: type[T], items: object, /, **more: object) -> tuple[T, ...]:
    """Return what `read` makes of each item of a JSON array."""
    if not isinstance(items, list):
        raise BrokenContract(f"there is no list of {kind.__name__}")
    return tuple(read(kind, item, **more) for item in items)


@cache
def _fields_of(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (
            one.name,
            hints[one.name],
            one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
        )
        for one in dataclasses.fields(kind)
    )


def _convert(hint: Any, value: Any) -> Any:
    """Return the value as its type hint says. Raises TypeError, or ValueError for a time that is none."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        (hint,) = (one for one in arguments if one is not NoneType)
        return None if value is None and NoneType in arguments else _convert(hint, value)
    if origin is tuple:
        return tuple(_convert(arguments[0], one) for one in _checked((list, tuple), value))
    if hint is Any or origin is Mapping or (isinstance(value, hint) and type(value) is not bool):
        return value
    if dataclasses.is_dataclass(hint):
        return read(cast("type[Any]", hint), value)
    return datetime.fromisoformat(_checked((str,), value)) if hint is datetime else _checked((hint,), value)


def _checked(kinds: tuple[type[Any], ...], value: Any) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise TypeError
    return value
