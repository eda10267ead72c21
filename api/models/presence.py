"""Who is connected to which node."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeUsers:
    """The users of a node, as it has stored them.

    `number` is another one whenever the users are others. `user_ids` is None where the caller knows them by that
    number. `age_ms` is the time since the node has last said that it lives.
    """

    node_id: str
    number: int
    age_ms: int
    user_ids: frozenset[str] | None
