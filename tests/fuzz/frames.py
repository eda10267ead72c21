"""Random frames and nearly valid commands on real sockets. The server must go on after each of them."""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from api.models.rooms import LOBBY_ID
from api.protocol.close_codes import CloseCode
from tests.bad_inputs.answers import answers
from tests.fuzz.contract import PATIENT
from tests.node import PASSWORD, Node, Person
from tests.peer import TEXT, Peer, frame, peer
from tests.process import serving

ERRORS: Final = {
    *(
        "bad_json",
        "duplicate_key",
        "bad_number",
        "bad_envelope",
        "unknown_type",
        "extra_forbidden",
        "invalid",
    ),
    *("empty", "bad_ref", "ref_conflict", "not_found", "forbidden", "rate_limited", "limit", "unavailable"),
    *("reset", "deleted", "bad_emoji", "banned", "blocked"),
}
CODES: Final = {*map(int, CloseCode), 1000, 1002, 1007, 1009}
"""Our close codes, and those of RFC 6455 for broken frames."""
AN_EXAMPLE: Final = 100
A_LOOK: Final = 50_000
"""Frames between two readings of the memory and two log-ins: some minutes on a slow machine."""
A_SOCKET: Final = 10
"""Frames for one socket: fewer than the number of bad frames that ends one."""
WARM_EXAMPLES: Final = 20
END: Final = json.dumps({"type": "ping", "ref": "the end"}).encode()

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_values = (
    _scalars | st.lists(_scalars, max_size=3) | st.dictionaries(st.text(max_size=5), _scalars, max_size=3)
)
_commands = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                *("send", "subscribe", "unsubscribe", "read", "ping", "edit", "delete", "react", "pin"),
                *("typing", "watch"),
            ]
        )
    },
    optional={
        "room_id": st.sampled_from([LOBBY_ID, LOBBY_ID, "nowhere"]) | _values,
        "ref": st.text(min_size=1, max_size=9) | _values,
        "body": st.text(max_size=30) | _values,
        "seq": st.integers(1, 9) | _values,
        "since": st.fixed_dictionaries({"epoch": st.text(max_size=5), "seq": st.integers(-1, 9)}) | _values,
        "reply_to": st.integers(1, 9) | _values,
        "epoch": st.text(max_size=5) | _values,
        "emoji": st.sampled_from(["👍", "❤", "x"]) | _values,
        "back": st.booleans() | _values,
        "user_ids": st.lists(st.sampled_from(["nobody", "x"]), max_size=3) | _values,
        "x": _values,
    },
)


@dataclass
class Outcome:
    """The counts of a run. `memory` is the server's, in bytes: after warming up, at each `A_LOOK`, and at the end."""

    frames: int = 0
    closed: dict[int, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    log: str = ""


Tell: TypeAlias = Callable[[Outcome], None]


def try_frames(directory: Path, examples: int, tell: Tell = lambda _: None) -> Outcome:
    """Start a server and send it a hundred frames for each example. Call `tell` at each `A_LOOK`.

    Raises `AssertionError` for an answer that is not documented.
    """
    outcome = Outcome()
    environment = PATIENT | {
        "TAILWIRE_STORE": f"sqlite:///{directory / 'tailwire.db'}",
        "TAILWIRE_PORT": "0",
        "TAILWIRE_LOG_LEVEL": "info",
    }
    with asyncio.Runner() as runner, (directory / "log").open("wb") as log:
        stack = AsyncExitStack()
        node = runner.run(stack.enter_async_context(serving(environment, directory, log=log)))
        try:
            person = runner.run(node.sign_up("alice"))
            for count in (WARM_EXAMPLES, examples):
                _examples(runner, person, outcome, count, tell)
                outcome.memory.append(_memory_bytes(node))
            runner.run(_is_answered(person))
        finally:
            runner.run(stack.aclose())
    outcome.log = (directory / "log").read_text()
    return outcome


def _examples(runner: asyncio.Runner, person: Person, outcome: Outcome, count: int, tell: Tell) -> None:
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(commands=st.lists(_commands, min_size=1, max_size=5), chance=st.randoms(use_true_random=True))
    def example(commands: list[dict[str, Any]], chance: Random) -> None:
        written = [_mutated(json.dumps(chance.choice(commands)).encode(), chance) for _ in range(AN_EXAMPLE)]
        for first in range(0, AN_EXAMPLE, A_SOCKET):
            runner.run(_write(person, b"".join(written[first : first + A_SOCKET]), outcome))
        outcome.frames += AN_EXAMPLE
        if outcome.frames % A_LOOK == 0:
            runner.run(_log_in(person))
            outcome.memory.append(_memory_bytes(person.node))
            tell(outcome)

    example()


def _mutated(text: bytes, chance: Random) -> bytes:
    """Return a frame with this text, or with a mutation of it; some frames are broken themselves."""
    at = chance.randrange(len(text))
    match chance.randrange(12):
        case 0:
            text = text[:at] + chance.randbytes(chance.randrange(1, 9)) + text[at + chance.randrange(9) :]
        case 1:
            text = text[:at]
        case 2:
            text = text + text[at:]
        case 3:
            text = bytes([*text[:at], text[at] ^ (1 << chance.randrange(8)), *text[at + 1 :]])
        case 4:
            return frame(TEXT, text[:at], fin=False) + frame(0, text[at:])
        case 5:
            return frame(chance.choice((9, 10)), text[: min(at, 125)])
        case 6 if chance.random() < 0.2:
            return frame(chance.randrange(16), text[:125], fin=chance.random() < 0.5, rsv=chance.randrange(8))
        case 7 if chance.random() < 0.1:
            return chance.randbytes(chance.randrange(1, 40))
    return frame(TEXT, text)


async def _log_in(person: Person) -> None:
    """Get a new access token, because one holds for 15 minutes only."""
    secret = {"username": person.username, "password": PASSWORD}
    answer = await person.node.client().post("/auth/login", json=secret)
    person.access_token = answer.json()["access_token"]


async def _write(person: Person, written: bytes, outcome: Outcome) -> None:
    """Write frames to a new socket and read its events, until it is closed or the last frame is answered."""
    async with peer(person.node, person.access_token) as opened:
        opened.writer.write(written + frame(TEXT, END))
        try:
            async with asyncio.timeout(0.5):
                await _read(opened, outcome)
        except TimeoutError:  # a frame claimed too great a length, so the server waits for the rest
            outcome.closed[0] = outcome.closed.get(0, 0) + 1


async def _read(opened: Peer, outcome: Outcome) -> None:
    while True:
        try:
            got = await opened.frame()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if got.opcode is Opcode.CLOSE:
            code = int.from_bytes(bytes(got.data)[:2])
            assert code in CODES, code
            outcome.closed[code] = outcome.closed.get(code, 0) + 1
            return
        if got.opcode is Opcode.TEXT:
            event = json.loads(bytes(got.data))
            if event["type"] == "error":
                assert event["code"] in ERRORS, event
                outcome.errors[event["code"]] = outcome.errors.get(event["code"], 0) + 1
            elif event["type"] == "ack" and event["ref"] == "the end":
                return


async def _is_answered(person: Person) -> None:
    async with person.socket() as socket:
        await answers(socket)


def _memory_bytes(node: Node) -> int:
    assert node.process is not None
    pages = Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
