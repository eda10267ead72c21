"""One open socket: commands and their answers, and everything else that comes."""

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

from tailwire_client.errors import BrokenContract, Problem, RateLimited, Unreachable, problem_of
from tailwire_client.version import USER_AGENT

OPEN_SECONDS: Final = 10.0
"""From the start of the handshake to its answer, and from there to `ready`."""
ANSWER_SECONDS: Final = 15.0
"""A socket that leaves a command unanswered for so long is taken for dead."""
PING_SECONDS: Final = 20.0
"""A ping is sent so often, and its pong must come within as long. Servers close what they have not heard of later."""
CLOSE_SECONDS: Final = 1.0
FRAME_BYTES: Final = 4 * 1024 * 1024
"""The largest frame that is taken, far above those of this version of the protocol."""

Fields = Mapping[str, Any]


class Connection:
    """An open socket that has said `ready`. `opened` makes it."""

    def __init__(self, raw: ClientConnection, ready: Fields) -> None:
        self._raw = raw
        self.ready = ready
        self.rate_wait_seconds = 0.0
        """How long the server last told this connection to wait."""
        self._waiting: dict[str, Callable[[Fields | None], None]] = {}
        self._numbers = itertools.count(1)

    @property
    def close_code(self) -> int | None:
        """The code with which the server closed, or None."""
        received = self._raw.protocol.close_rcvd
        return None if received is None else received.code

    async def write(self, command: Fields) -> None:
        """Send a command. Raises Unreachable where the socket is closed."""
        try:
            await self._raw.send(json.dumps(command, ensure_ascii=False))
        except ConnectionClosed as closed:
            raise Unreachable("The connection was lost") from closed

    async def ask(self, command: Fields, answered: Callable[[Fields | None], None]) -> None:
        """Send a command, under a ref of its own where it has none.

        `answered` is called with its ack or error, before anything that came after it is read, or with None when the
        socket is lost.
        """
        ref = command.get("ref") or f"c{next(self._numbers)}"
        self._waiting[ref] = answered
        try:
            await self.write({**command, "ref": ref})
        except BaseException:
            self._waiting.pop(ref, None)
            raise

    async def call(self, command: Fields) -> Fields:
        """Send a command and return its ack. Raises Problem for its error, and Unreachable where none came."""
        answer: asyncio.Future[Fields | None] = asyncio.get_running_loop().create_future()

        def answered(fields: Fields | None) -> None:
            if not answer.done():
                answer.set_result(fields)

        await self.ask(command, answered)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                fields = await answer
        except TimeoutError as late:
            await self.close()
            raise Unreachable("The server left a command unanswered") from late
        if fields is None:
            raise Unreachable("The connection was lost before the answer")
        if fields["type"] == "error":
            raise problem_of(fields)
        return fields

    async def events(self) -> AsyncGenerator[Fields, None]:
        """Yield what comes and is no answer, until the socket is closed, which raises nothing."""
        with suppress(ConnectionClosed):
            async for frame in self._raw:
                fields = _parsed(frame)
                if fields is not None and not self._answers(fields):
                    yield fields

    async def close(self) -> None:
        """Close the socket."""
        await self._raw.close()

    def lose(self) -> None:
        """Tell those who wait for an answer that none will come."""
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            answered(None)

    def _answers(self, fields: Fields) -> bool:
        if fields["type"] not in {"ack", "error"}:
            return False
        if fields["type"] == "error" and fields.get("code") == "rate_limited":
            self.rate_wait_seconds = float(fields.get("retry_after_seconds") or 0)
        answered = self._waiting.pop(fields.get("ref") or "", None)
        if answered is not None:
            answered(fields)
        return True


@asynccontextmanager
async def opened(
    url: str, token: str, *, tls: ssl.SSLContext | None, trust_env: bool
) -> AsyncIterator[Connection]:
    """Open a socket, and close it in the end.

    Raises Problem where the server refuses the handshake, Unauthorized among them, and Unreachable.
    """
    try:
        raw = await connect(
            url,
            additional_headers={"Authorization": f"Bearer {token}"},
            user_agent_header=USER_AGENT,
            ssl=tls if url.startswith("wss:") else None,
            proxy=True if trust_env else None,
            open_timeout=OPEN_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=FRAME_BYTES,
        )
    except InvalidStatus as refusal:
        raise _refusal(refusal) from refusal
    except (OSError, InvalidHandshake, WebSocketException, TimeoutError, EOFError) as failure:
        raise Unreachable("The socket cannot be opened", is_unsent=True) from failure
    connection: Connection | None = None
    try:
        connection = Connection(raw, await _ready(raw))
        yield connection
    finally:
        await raw.close()
        if connection is not None:
            connection.lose()


async def _ready(raw: ClientConnection) -> Fields:
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            fields = _parsed(await raw.recv())
    except TimeoutError as late:
        raise Unreachable("The server does not say that it is ready") from late
    except ConnectionClosed as closed:
        code = None if closed.rcvd is None else closed.rcvd.code
        raise ClosedEarly(code) from closed
    if fields is None or fields["type"] != "ready":
        raise BrokenContract("The first event is not `ready`")
    return fields


class ClosedEarly(Unreachable):
    """The socket was closed before it was ready, with `code` or None."""

    def __init__(self, code: int | None) -> None:
        super().__init__("The socket was closed before it was ready", is_unsent=True)
        self.code = code


def _refusal(refusal: InvalidStatus) -> Problem:
    answer = refusal.response
    try:
        fields = json.loads(answer.body or b"")
    except ValueError:
        fields = {}
    problem = problem_of(
        fields if isinstance(fields, dict) else {}, answer.status_code, answer.headers.get("Retry-After")
    )
    if isinstance(problem, RateLimited) and problem.retry_after_seconds is None:
        problem.retry_after_seconds = ANSWER_SECONDS
    return problem


def _parsed(frame: str | bytes) -> Fields | None:
    """Return the object in a frame, or None for what is not one with a type: clients are lenient."""
    try:
        fields = json.loads(frame)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and isinstance(fields.get("type"), str) else None
