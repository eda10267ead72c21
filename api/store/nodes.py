"""The form in which nodes store what they say of themselves. Pure; both stores use it."""

import dataclasses
from typing import Any, Final

from api.models.nodes import NodeState

_PLAIN: Final = {one.name: one.type for one in dataclasses.fields(NodeState) if one.type in {str, int, bool}}
_TEXTS: Final = ("ailing", "leases")


def encoded(state: NodeState) -> dict[str, Any]:
    """Return the form of a state: a JSON object."""
    return dataclasses.asdict(state)


def read_state(form: object) -> NodeState | None:
    """Return the state that a form holds, or None if it is no object.

    A node of another version may say more or less. What is not known is left out, and what is missing or makes no sense
    has its default.
    """
    if not isinstance(form, dict):
        return None
    found: dict[str, Any] = {name: form[name] for name, of in _PLAIN.items() if type(form.get(name)) is of}
    for name in _TEXTS:
        texts = form.get(name)
        if isinstance(texts, list):
            found[name] = tuple(one for one in texts if isinstance(one, str))
    followers = form.get("followers")
    if isinstance(followers, dict):
        found["followers"] = {name: lag for name, lag in followers.items() if type(lag) is int}
    return NodeState(**found)
