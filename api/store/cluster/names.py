"""Makes the ReQL queries that find users by their names. Pure.

A row of `users` holds its names in the form in which they are searched, because the database cannot make it. The form
of the display name is stored with the name of which it was made. So where an older node has changed the name since,
that is noticed, and it is compared without case only.
"""

import re
from typing import Any, Final

from api.models.names import searched_form
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


def is_meant(text: str) -> Any:
    """Return the condition for users with a text in their names, or as their id."""
    return lambda row: (row["id"] == text) | _has(row, text)


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


def others_query(text: str, prefix: str, last: str, limit: int) -> Any:
    """Return the query for users with a text in their names whose username does not begin with `prefix`, by name.

    No more than `LOOKED_AT` users after the name `last` are looked at. The answer has the `rows`, at most `limit`, and
    as `looked_to` the last name that was looked at, which is null if no more users are to be looked at.
    """
    ordered = _users().between(last, r.maxval, index="name", left_bound="open").order_by(index="name")
    looked_at = ordered.limit(paging.LOOKED_AT)
    found = looked_at.filter(
        lambda row: _has(row, text) & row["username"].downcase().match(f"^{re.escape(prefix)}").eq(None)
    ).limit(limit)
    is_cut = ordered.skip(paging.LOOKED_AT).limit(1).is_empty().not_()
    end = r.branch(is_cut, ordered.nth(paging.LOOKED_AT - 1)["username"].downcase(), None)
    return found.coerce_to("array").do(
        lambda rows: {"rows": rows, "looked_to": r.branch(rows.count() == limit, None, end)}
    )


def _users() -> Any:
    return r.table("users", read_mode="majority")


def _has(row: Any, text: str) -> Any:
    """Return whether one of the names of a user contains a text."""
    wanted = re.escape(searched_form(text))
    form = row["searched"].default({})
    display_name = r.branch(
        form["of"].default(None) == row["display_name"], form["display_name"], row["display_name"].downcase()
    )
    username = form["username"].default(row["username"].downcase())
    return username.match(wanted).ne(None) | display_name.match(wanted).ne(None)
