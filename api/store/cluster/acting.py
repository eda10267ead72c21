"""Kinds of entries that act on a RethinkDB cluster: a flush carries them out, so every node must know them.

The row of such an entry says `acts`. A node that does not know its kind leaves it, and what follows, in the tail of
the head, and serves it all the same. So a new kind that acts is written only when `tailwire init` of a version that
knows it has said so in `meta`: by then all nodes are of that version.
"""

from typing import Any, Final

from api.errors import Unavailable
from api.models.kinds import KINDS
from api.models.log import Kind
from api.store.rethinkdb import Pool, r

ALWAYS_KNOWN: Final = frozenset({Kind.DELETE, Kind.MEMBER})
"""These act in every version."""
ROW: Final = "kinds"
"""The row of `meta` that names, as `acting`, those that may be written."""


def acting_kinds() -> list[str]:
    """Return the kinds that act, of those that this version knows."""
    return [str(kind) for kind, shape in KINDS.items() if shape.acts]


def allow_query(meta: Any) -> Any:
    """Return the write that allows all kinds that act in this version; what was allowed before stays so."""
    row = {"id": ROW, "acting": acting_kinds()}
    return meta.insert(
        row, conflict=lambda _id, old, new: old.merge({"acting": old["acting"].set_union(new["acting"])})
    )


async def require_allowed(pool: Pool, kind: Kind) -> None:
    """Raises `Unavailable` for a kind that acts while there may be nodes that do not know it."""
    if not KINDS[kind].acts or kind in ALWAYS_KNOWN:
        return
    row = await pool.run(r.table("meta", read_mode="majority").get(ROW))
    if row is None or kind not in row["acting"]:
        raise Unavailable("some nodes may be of an older version: when none is, run `tailwire init`")
