"""Finds users by their names: the queries for them, and the comparison. Pure.

A row of `users` holds its names in the form in which they are searched, because to make it takes longer than to compare
it. The form of the display name is stored with the name of which it was made. So where an older node has changed the
name since, that is noticed.
"""

from typing import Any, Final

from api.models.names import is_named, searched_form
from api.store import paging
from api.store.rethinkdb import r

OTHERS: Final = 1
"""The number in the keys of users who are found otherwise than by the beginning of their username."""


def searched(username: str, display_name: str) -> dict[str, str]:
    """Return the field `searched` of a user."""
    return {"username": searched_form(username), **searched_display_name(display_name)}


def searched_display_name(display_name: str) -> dict[str, str]:
    """Return what changes in the field `searched` with the display name."""
    return {"display_name": searched_form(display_name), "of": display_name}


def has_text(row: dict[str, Any], wanted: str) -> bool:
    """Say whether one of the names of a user contains a text, which is in the form in which names are searched."""
    form, display_name = row.get("searched", {}), row["display_name"]
    if form.get("of") != display_name:  # a node of the version before has changed it, or made the account
        return is_named(wanted, row["username"], display_name)
    return wanted in form["username"] or wanted in form["display_name"]


def part_of(row: dict[str, Any], prefix: str) -> int:
    """Return the part of a list of found users in which this one is: the first, or that of the `OTHERS`."""
    return 0 if row["username"].lower().startswith(prefix) else OTHERS


def named_query(prefix: str, last: str, limit: int) -> Any:
    """Return the query for users whose username begins with `prefix`, by name, those after the name `last`."""
    found = _users().between(
        max(prefix, last),
        prefix + paging.AFTER_ALL_TEXTS,
        index="name",
        left_bound="open" if last else "closed",
    )
    return found.order_by(index="name").limit(limit)


def names_query(last: str, limit: int) -> Any:
    """Return the query for the ids and names of users, by name, those after the name `last`."""
    found = _users().between(last, r.maxval, index="name", left_bound="open").order_by(index="name")
    return found.limit(limit).pluck("id", "username", "display_name", "searched")


def _users() -> Any:
    return r.table("users", read_mode="majority")
