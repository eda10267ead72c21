"""What happened between the server and the client, for whoever has to find out why a rule failed."""

import asyncio
import json
import time
from collections import deque
from typing import Any, Final

MOST_LINES: Final = 40
MOST_CHARACTERS: Final = 220


class Trace:
    """The last lines of what happened, each with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._happened = asyncio.Event()

    def note(self, who: str, what: Any) -> None:
        """Add a line, and wake whoever waits for one."""
        text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False)
        if len(text) > MOST_CHARACTERS:
            text = f"{text[:MOST_CHARACTERS]}..."
        self._lines.append(f"{time.monotonic() - self._began:7.3f}  {who:<10} {text}")
        self._happened.set()

    async def more(self) -> None:
        """Wait until something happens."""
        self._happened.clear()
        await self._happened.wait()

    @property
    def lines(self) -> list[str]:
        """The last lines, the oldest first."""
        return list(self._lines)
