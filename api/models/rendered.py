"""Records that keep their JSON, because they are written often and look the same each time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Rendered:
    """The base of such a record. What is kept is no part of it: it is neither compared nor copied."""

    _json: bytes | None = field(default=None, init=False, repr=False, compare=False)

    def json(self, make: Callable[[Any], bytes]) -> bytes:
        """Return what `make`, which is always the same, makes of the record."""
        made = self._json
        if made is None:
            # orjson's own bytes are kept by a block of memory that is up to twenty times as long.
            made = bytes(memoryview(make(self)))
            object.__setattr__(self, "_json", made)
        return made
