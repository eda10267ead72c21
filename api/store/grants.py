"""The form in which stores keep what tokens let programs do. Pure; both stores use it."""

from typing import Any

from api.models.accounts import Grant, Scope


def row_of_grant(grant: Grant) -> dict[str, Any]:
    """Return a grant as JSON keeps it."""
    room_ids = None if grant.room_ids is None else sorted(grant.room_ids)
    return {"name": grant.name, "scopes": sorted(grant.scopes), "room_ids": room_ids}


def grant_of(row: dict[str, Any]) -> Grant:
    """Return the grant in a row. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    room_ids = row["room_ids"]
    return Grant(
        row["name"], frozenset(map(Scope, row["scopes"])), None if room_ids is None else frozenset(room_ids)
    )
