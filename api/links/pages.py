"""Has pages read in another process, and keeps that process."""

import asyncio
from base64 import b64encode
from typing import Any, Final

import structlog

from api.files.child import ChildProcess
from api.links.page import PageHead

MODULE: Final = "api.links.page_process"
READ_SECONDS: Final = 5.0
"""A page is read in milliseconds. What takes so long is given up."""

log = structlog.get_logger("api.links")


class PageReader:
    """Reads pages, one at a time. Its process is started when it is first needed, and replaced when it ends."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._process = ChildProcess(MODULE)

    async def read(self, body: bytes, charset: str, url: str) -> PageHead | None:
        """Return what the page says that came from a URL. None where it takes too much time or memory."""
        said = {"body": b64encode(body).decode(), "charset": charset, "url": url, "seconds": READ_SECONDS}
        async with self._turn:
            answer = await self._ask(said)
        return None if answer is None or "died" in answer else PageHead(**answer)

    async def close(self) -> None:
        """End the process."""
        await self._process.end()

    async def _ask(self, said: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return await self._process.ask(said)
        except BaseException as error:
            await self._process.end()
            if isinstance(error, (OSError, EOFError, TimeoutError)):
                log.warning("page_process_replaced", error=type(error).__name__)
                return None
            raise
