"""Has pictures looked at in another process, and keeps that process."""

import asyncio
import signal
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from api.errors import BadFile, Overloaded
from api.files.child import SAFE_TO_RETRY, ChildProcess

AT_ONCE: Final = 2
"""So many pictures are looked at at a time. Each may take a gigabyte of memory."""
MOST_WAITING: Final = 100
"""When more pictures wait than this, a further one is refused at once."""
LOOK_SECONDS: Final = 30.0
"""A photograph takes less than two seconds. What takes so long is given up."""
MODULE: Final = "api.files.picture_process"

REASONS: Final = {
    "pixels": "The picture has too many pixels: 50 million at most",
    "frames": "The picture moves too long: 1,000 frames and 100 million pixels at most",
    "costly": "The picture takes too much time or memory",
    "broken": "The picture is damaged, or not what it seems to be",
}

log = structlog.get_logger("api.files")


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a picture, and the files that were made of it.

    `blur` is its ThumbHash in base64. `clean` is a copy with nothing but the picture, of the same type, and `thumb` a
    WebP of at most 720 pixels a side.
    """

    type: str
    width: int
    height: int
    blur: str
    clean: Path
    thumb: Path


@dataclass(frozen=True, slots=True)
class Portrait:
    """The square from the middle of a picture in two sizes: WebP of 96 and of 384 pixels a side."""

    small: bytes
    large: bytes


class Pictures:
    """Looks at pictures. Its processes are started when they are first needed, and replaced when they end."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._idle: list[ChildProcess] = []
        self._waiting = 0
        self.counts = {"shown": 0, "refused": 0, "given_up": 0}

    async def look(self, source: AbstractAsyncContextManager[Path], into: Path) -> Picture | None:
        """Write what is made of the picture in `source` to the directory `into`. None if it is no picture.

        `source` is entered when it is this picture's turn: it may make a large copy, of which few are to be there at a
        time. Raises `BadFile` where it seems to be a picture and cannot be shown, and `Overloaded` where a retry may
        help.
        """
        clean, thumb = into / "clean", into / "thumb"
        async with self._turn(), source as path:
            answer = await self._ask(
                {"task": "look", "source": str(path), "clean": str(clean), "thumb": str(thumb)}
            )
        return None if answer is None else Picture(**answer, clean=clean, thumb=thumb)

    async def portrait(self, source: Path) -> Portrait | None:
        """Cut a square from the middle of the picture in `source`. None if it is no picture. Raises as `look`."""
        async with self._turn():
            answer = await self._ask({"task": "portrait", "source": str(source)})
        if answer is None:
            return None
        return Portrait(small=b64decode(answer["small"]), large=b64decode(answer["large"]))

    async def close(self) -> None:
        """End the processes."""
        for process in self._idle:
            await process.end()
        self._idle.clear()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= MOST_WAITING:
            raise Overloaded("Too many pictures are waiting")
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        answer = await self._ask_process(request | {"seconds": LOOK_SECONDS})
        if (reason := _reason(answer)) is not None:
            self.counts["refused"] += 1
            raise BadFile(REASONS[reason])
        self.counts["shown"] += 1
        return None if answer["type"] is None else answer

    async def _ask_process(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._idle.pop() if self._idle else ChildProcess(MODULE)
        try:
            answer = await process.ask(request)
        except BaseException as error:
            # Its answer might be taken for that to the next request.
            await process.end()
            self.counts["given_up"] += 1
            if isinstance(error, (OSError, EOFError, TimeoutError)):
                log.warning("picture_process_replaced", error=type(error).__name__)
                raise Overloaded("The picture could not be looked at now") from error
            raise
        self._idle.append(process)
        if (status := answer.get("died")) is not None:
            log.warning("picture_not_looked_at", status=status)
        if status in SAFE_TO_RETRY:
            self.counts["given_up"] += 1
            raise Overloaded("The picture could not be looked at now")
        return answer


def _reason(answer: dict[str, Any]) -> str | None:
    if "died" in answer:
        return "costly" if answer["died"] == -signal.SIGXCPU else "broken"
    reason: str | None = answer.get("refused")
    return reason
