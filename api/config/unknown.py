"""Finds variables of the environment that look like settings, and are none: most are misspelt."""

import os
from collections.abc import Set as AbstractSet
from difflib import get_close_matches

from api.config import PREFIX, all_settings, name_of

NOT_SETTINGS = frozenset({"TAILWIRE_ADMIN", "TAILWIRE_ADMIN_PASSWORD", "TAILWIRE_APP_PASSWORD"})
"""Variables of `tailwire init` and of compose.yaml, which may stand in the same environment."""


def unknown_names() -> dict[str, str | None]:
    """Return the variables of the environment that begin as ours and are no setting, with the nearest one's name."""
    known = {name_of(name) for name in all_settings()} | NOT_SETTINGS
    unknown = [name for name in sorted(os.environ) if name.startswith(PREFIX) and name not in known]
    return {name: _nearest(name, known) for name in unknown}


def _nearest(name: str, known: AbstractSet[str]) -> str | None:
    # Compared without the prefix, which makes all of them alike.
    rests = [one.removeprefix(PREFIX) for one in known]
    found = get_close_matches(name.removeprefix(PREFIX), rests, n=1)
    return PREFIX + found[0] if found else None
