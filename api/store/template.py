"""Builds queries whose values stand in the query itself.

RethinkDB parses and compiles each query anew. So a query that is sent for every message has as few terms as possible:
a value in its place costs less than a parameter, which `Prepared` has, and from which each value must be taken.
"""

from collections.abc import Callable
from typing import Any, Final

from api.store.rethinkdb import Wire, r, wire_of

_MARK: Final = "\0"
"""Begins the text that stands for a value. No text of ours begins so: no key of RethinkDB may hold it."""


def value(name: str) -> Any:
    """Return the term that stands for the value `name`: a text, a number or a bool."""
    return r.expr(_MARK + name)


class Template:
    """A query with places for values. It is built only once, as the driver takes milliseconds to build one.

    `make` returns the query, with terms made by `value`. It is called when the query is first used.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._wire: Any = None

    def __call__(self, **values: str | float | bool) -> Any:
        """Return the query with these values. Raises `KeyError` if one is missing."""
        if self._wire is None:
            self._wire = wire_of(self._make())
        return Wire(_filled(self._wire, values))


def _filled(wire: Any, values: dict[str, str | float | bool]) -> Any:
    if isinstance(wire, list):
        return [_filled(one, values) for one in wire]
    if isinstance(wire, dict):
        return {name: _filled(one, values) for name, one in wire.items()}
    if isinstance(wire, str) and wire.startswith(_MARK):
        return values[wire.removeprefix(_MARK)]
    return wire
