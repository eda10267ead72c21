"""Uploads files, and downloads others, all at the same time, as fast as they go: `python -P file_load.py PLAN`.

PLAN is a file of JSON. Like load.c the program waits for the line `go`, and prints its events.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

BLOCK: Final = bytes(range(256)) * 256
END: Final = b"\r\n\r\n"


def say(event: str, **fields: Any) -> None:
    """Print an event as load.c does."""
    print(json.dumps({"event": event, **fields}), flush=True)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Read the head of an answer, and return its status and the length of its body."""
    head = (await reader.readuntil(END)).lower()
    return int(head.split(b" ", 2)[1]), int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])


async def upload(port: int, token: str, size: int) -> str | None:
    """Upload a file in one request. Return its id, or None where that failed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /rooms/lobby/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {size}\r\n\r\n"
    )
    try:
        writer.write(head.encode())
        for begin in range(0, size, len(BLOCK)):
            writer.write(BLOCK[: size - begin])
            await writer.drain()
        status, length = await _answer(reader)
        body = await reader.readexactly(length)
        return str(json.loads(body)["file_id"]) if status == 201 else None  # noqa: PLR2004
    except (OSError, EOFError):
        return None
    finally:
        writer.close()


async def download(port: int, path: str) -> bool:
    """Read a file. Return whether all of it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        status, left = await _answer(reader)
        while left and (some := await reader.read(len(BLOCK))):
            left -= len(some)
    except (OSError, EOFError):
        return False
    else:
        return status == 200 and not left  # noqa: PLR2004
    finally:
        writer.close()


async def main(plan: dict[str, Any]) -> None:
    """Wait for the line `go`, do everything at once, and say how long it took."""
    say("connected", count=len(plan["tokens"]) + len(plan["paths"]), seconds=0, fault="")
    await asyncio.to_thread(sys.stdin.readline)
    port, size, began = plan["port"], plan["size"], time.monotonic()

    async def timed(work: Any) -> tuple[Any, float]:
        return await work, time.monotonic() - began

    uploads = [timed(upload(port, token, size)) for token in plan["tokens"]]
    downloads = [timed(download(port, path)) for path in plan["paths"]]
    done: Sequence[tuple[Any, float]] = await asyncio.gather(*uploads, *downloads)
    say(
        "done",
        failed=sum(not result for result, _ in done),
        up_seconds=max(seconds for _, seconds in done[: len(uploads)]),
        down_seconds=max(seconds for _, seconds in done[len(uploads) :]),
    )


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))
