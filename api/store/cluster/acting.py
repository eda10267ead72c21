"""Lists the kinds of entries that a flush carries out, and checks that every node knows them.

Entries of such a kind *act*, and their rows have the field `acts`. A node that does not know the kind of such an entry
leaves it and all later entries in the tail of the head, and still serves them. So a new kind that acts may be written
only after `tailwire init` of a version that knows it has said so in `meta`: by then all nodes are of that version.
"""

from typing import Any, Final

from api.errors import Unavailable
from api.models.kinds import KINDS
from api.models.log import Kind
from api.store.rethinkdb import Pool, r

ALWAYS_KNOWN: Final = frozenset({Kind.DELETE, Kind.MEMBER})
"""These kinds act, and every version knows them."""
AT_ONCE: Final = frozenset({Kind.DELETE, Kind.MEMBER, Kind.PIN, Kind.ROOM})
"""Entries of these kinds are flushed at once, and carried out one by one. The others only change folded messages, so
they are flushed when their time comes."""
ROW: Final = "kinds"
"""This row of `meta` lists, as `acting`, the kinds that act and may be written."""


def acting_kinds() -> list[str]:
    """Return the kinds that act, of those that this version knows."""
    return [str(kind) for kind, shape in KINDS.items() if shape.acts]


def allow_query(meta: Any) -> Any:
    """Return the write that allows all kinds that act in this version. Kinds that were allowed before stay allowed."""
    row = {"id": ROW, "acting": acting_kinds()}
    return meta.insert(
        row, conflict=lambda _id, old, new: old.merge({"acting": old["acting"].set_union(new["acting"])})
    )


class AllowedKinds:
    """Knows which kinds may be written. What was allowed once stays allowed."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: set[str] = {*ALWAYS_KNOWN}

    async def require(self, kind: Kind) -> None:
        """Raise `Unavailable` for a kind that acts as long as there may be nodes that do not know it."""
        if not KINDS[kind].acts or kind in self._known:
            return
        row = await self._pool.run(r.table("meta", read_mode="majority").get(ROW))
        if row is None or kind not in row["acting"]:
            raise Unavailable("some nodes may be of an older version: when none is, run `tailwire init`")
        self._known.add(kind)
