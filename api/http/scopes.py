"""Says beside each route what the token of a program must allow. `caller.py` holds every request to it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from api.accounts.scopes import LOG_IN, MANAGE, MANAGE_ALL, READ, READ_OR_WRITE, WRITE, Needs

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_NAME: Final = "needs_of_a_token"


def _says(needs: Needs) -> Callable[[Endpoint], Endpoint]:
    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__[_NAME] = needs
        return endpoint

    return mark


reads = _says(READ)
"""Marks a route that reads."""
writes = _says(WRITE)
"""Marks a route by which members write: messages, reactions, typing, files and read marks."""
reads_or_writes = _says(READ_OR_WRITE)
"""Marks a route that itself says what each of its parts needs."""
manages = _says(MANAGE)
"""Marks a route that manages one room, whose id is in its path: members, invites, hooks."""
manages_all = _says(MANAGE_ALL)
"""Marks a route that may reach any room, so that no token may use it that is bound to certain rooms."""
needs_log_in = _says(LOG_IN)
"""Marks a route that no token may use."""


def needs_of(endpoint: Callable[..., Any]) -> Needs | None:
    """Return what a route needs of a token, or None for one that does not say."""
    needs: Needs | None = getattr(endpoint, _NAME, None)
    return needs
