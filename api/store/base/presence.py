"""Declares the part of a store that keeps who is connected to which node."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Final

from api.models.presence import NodeUsers

LIFE_MS: Final = 15_000
"""What a node has stored counts for so long after its last beat."""


class PresenceStore(ABC):
    """One row for each open store, with the users of its node. A row is a hint, and a crash may lose it."""

    @property
    @abstractmethod
    def node_id(self) -> str:
        """The id of the row of this store."""

    @abstractmethod
    async def put(self, user_ids: Collection[str]) -> None:
        """Store that these are the users of this node now. Raises `Unavailable`."""

    @abstractmethod
    async def beat(self) -> None:
        """Say that this node lives, and that its users are those of the last `put`. Raises `Unavailable`.

        Rows of nodes that have not beaten for `LIFE_MS` are removed.
        """

    @abstractmethod
    async def others(self, known: Mapping[str, int]) -> list[NodeUsers]:
        """Return the rows of all other nodes that have beaten within `LIFE_MS`, without those users that are `known`.

        `known` has the number of each known row by its node. Raises `Unavailable`.
        """
