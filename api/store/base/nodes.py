"""Declares the part of a store that keeps what the nodes say of themselves."""

from abc import ABC, abstractmethod
from typing import Final

from api.models.nodes import Node, NodeState

KEPT_MS: Final = 3_600_000
"""A node that was not heard of for this long is forgotten. Until then it can be seen that it is gone."""


class NodeStore(ABC):
    """The nodes that serve on this database, each with its last word about itself. It may be lost in a crash."""

    @abstractmethod
    async def say(self, node_id: str, state: NodeState) -> None:
        """Store what a node says of itself, in the place of what it said before. Forgets nodes after `KEPT_MS`."""

    @abstractmethod
    async def leave(self, node_id: str) -> None:
        """Forget a node that ends."""

    @abstractmethod
    async def all(self) -> list[Node]:
        """Return all nodes that are not forgotten, by their id. Rows that cannot be read are left out."""
