"""RFC 6455 and 7692: `kosoku` runs the cases of the Autobahn test suite against our own protocol class."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from kosoku import FailureError, run_fuzzingclient

from api.protocol.frames import frame
from api.realtime.sink import EXTENSION
from api.server import websocket as transport
from api.server.run import bind, configuration
from tests.node import SECONDS

if TYPE_CHECKING:
    from kosoku._kosoku import CaseResult

BIG_BYTES = 20 * 1024 * 1024
"""The limit here. The cases send messages of 16 MiB in many pieces; our real limits are tested elsewhere."""
CASES_SECONDS = 90.0


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Send every message back: text through the sink, like events; everything else through ASGI."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    offered = scope["extensions"].get(EXTENSION)
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is not None and offered is not None:
            offered["sink"].write(frame(text.encode()))
        else:
            await send({**message, "type": "websocket.send"})


@asynccontextmanager
async def echoing(*, compression: bool) -> AsyncIterator[str]:
    bound = bind("127.0.0.1", 0)
    config = configuration(echo, compression=compression, keep_alive_seconds=5, lifespan="off")
    config.ws_max_size = BIG_BYTES
    bound.listen()  # a client that comes before the server waits in the queue
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        yield f"127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(SECONDS):
            await task
        bound.close()


NOT_OURS = {
    # A close frame inside a fragmented message. The library `websockets` intends to answer it with 1002.
    "7.1.5"
}
COMPRESSED = [
    # All ways to agree on compression (12.1 to 12.5, 13.1 to 13.7), with messages of 16, 64 and 256 bytes only:
    # bigger ones take too long.
    f"{chapter}.{way}.{size}"
    for chapter, ways in ((12, 5), (13, 7))
    for way in range(1, ways + 1)
    for size in range(1, 4)
]


@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*autobahntestsuite:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(
    ("cases", "compression"), [(["*"], False), (COMPRESSED, True)], ids=["plain", "compressed"]
)
def test_the_protocol_is_kept_in_every_case(
    cases: list[str], monkeypatch: pytest.MonkeyPatch, *, compression: bool
) -> None:
    monkeypatch.setattr(transport, "MAX_FRAGMENTS", BIG_BYTES)
    excluded = [] if compression else ["12.*", "13.*"]

    async def verdicts() -> "list[CaseResult]":
        async with echoing(compression=compression) as address, asyncio.timeout(CASES_SECONDS):
            try:
                return await run_fuzzingclient(f"ws://{address}", cases, excluded, concurrency=4)
            except FailureError as failure:
                return list(failure.results)

    results = asyncio.run(verdicts())
    failed = {
        result.case_id: f"{result.behavior.value}, {result.behavior_close.value}: {result.expectation}"
        for result in results
        if not result.passed
    }
    assert failed.keys() == NOT_OURS & {result.case_id for result in results}, failed
    assert len(results) >= len(COMPRESSED)
