"""Looks into the files and tables of a store for what its deletes have erased."""

import time
from typing import Final

from tests.faults.case import Round
from tests.faults.log import Log
from tests.faults.scene import Scene
from tests.faults.states import erased_words
from tests.faults.traffic import Traffic
from tests.node import eventually
from tests.stranger import Stranger

ERASED_SECONDS: Final = 10.0
PATIENCE_SECONDS: Final = 30.0
READ_SECONDS: Final = 5.0
"""How long somebody reads the store, as a backup does."""


def stranger(scene: Scene) -> Stranger:
    """Return somebody who reaches into the store."""
    return Stranger(scene.url, scene.database)


async def require_erased(one: Round, scene: Scene, people: Traffic, *, since: float) -> None:
    """Require that nothing of what the history has deleted is in the store any more, at most 10 s after `since`."""
    words = erased_words(people.history, Log(people.history))
    one.took("erased words", len(words))

    async def are_gone() -> bool:
        return not await stranger(scene).held(words)

    try:
        await eventually(are_gone, seconds=PATIENCE_SECONDS)
    except TimeoutError:
        one.require(False, f"not-erased: the store has {await stranger(scene).held(words)}")
    one.took("erased", time.monotonic() - since, at_most=ERASED_SECONDS)
