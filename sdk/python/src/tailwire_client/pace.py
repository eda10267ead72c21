"""How long a client waits before it tries again."""

import random
from dataclasses import dataclass, field
from typing import Final

FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 30.0
"""Both are those of docs/protocol.md, *A client that reconnects*."""
_MOST_DOUBLINGS: Final = 20


@dataclass
class Pace:
    """Waits that grow with the tries and have full jitter: between 0 and `min(most, first * 2^tries)` seconds."""

    first_seconds: float = FIRST_SECONDS
    most_seconds: float = MOST_SECONDS
    rng: random.Random = field(default_factory=random.SystemRandom)

    def wait(self, tries: int) -> float:
        """Return the seconds to wait after so many tries in vain."""
        most = min(self.most_seconds, self.first_seconds * 2 ** min(tries, _MOST_DOUBLINGS))
        return self.rng.uniform(0, most)
