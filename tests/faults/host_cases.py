"""F5, F19 and F26: the machine under a node: the order of system calls, the clock, the memory."""

import asyncio
import random
import re
import shutil
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.faults.case import EMBEDDED, Rounds, case
from tests.faults.history import What
from tests.faults.listener import listening, stamp
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic, traffic
from tests.node import eventually

MEBIBYTE = 1024 * 1024
WHOLE_SECONDS = 10.0
HOUR_SECONDS = 3_600
CLOCKS = {"an hour back": -HOUR_SECONDS, "half an hour on": HOUR_SECONDS // 2}
"""How far the clock jumps. Not a whole hour on, because access tokens end after one."""
ROOM_MIB = 40
"""How much memory F26 leaves a node above its memory at the start."""
HEALED_SECONDS = 30.0
LIBRARIES = ("/usr/lib", "/usr/local/lib", "/usr/lib64")


@case(
    "F5",
    "every system call between a commit and its ack",
    stores=EMBEDDED,
    short=1,
    long=5,
    promise="I1: an fdatasync of the log between the write of a message and its ack, always",
)
async def synced_before_acked(scene: Scene, rounds: Rounds) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = scene.directory / "trace"
    async with scene.node() as node, traffic([node], random.Random(5), clients=10, rooms=2) as people:
        for one in rounds:
            trace.unlink(missing_ok=True)
            tracer = await asyncio.create_subprocess_exec(
                *(
                    "strace",
                    "-f",
                    "-y",
                    "-s",
                    "9000",
                    "-e",
                    "trace=pwrite64,fdatasync,fsync,sendto,write,sendmsg",
                ),
                *("-o", str(trace), "-p", str(node.pid)),
                stderr=asyncio.subprocess.PIPE,
            )
            assert tracer.stderr is not None
            attached = await tracer.stderr.readline()
            if b"attached" not in attached:
                pytest.skip(f"strace cannot look at the server here: {attached.decode().strip()}")
            async with one.watching(people):
                async with people.flowing(100):
                    await asyncio.sleep(1.0)
                await people.whole()
            tracer.terminate()
            await tracer.wait()
            acked = [record.ref for record in people.history if record.what is What.ACK and record.ref]
            looked_at, unsynced = _judge(trace.read_text(errors="replace").splitlines(), acked)
            one.took("acks looked at", looked_at, at_least=len(acked) * 0.9)
            one.require(not unsynced, f"acked before they were on disk: {unsynced[:3]}")


def _judge(calls: list[str], refs: list[str]) -> tuple[int, list[str]]:
    """Return how many of these messages have an ack in the trace, and the refs that were acked before their fdatasync.

    A call that strace shows in two halves is done at its second half.
    """
    written: dict[str, int] = {}
    acked: dict[str, int] = {}
    synced: list[tuple[int, int]] = []  # the lines at which an fdatasync of the log began and ended
    begun: dict[str, int] = {}
    name = re.compile("|".join(map(re.escape, refs)))
    for number, call in enumerate(calls):
        thread = call.split(maxsplit=1)[0]
        if "pwrite64(" in call and "-wal>" in call:
            for ref in name.findall(call):
                written.setdefault(ref, number)
        elif "fdatasync(" in call and "-wal>" in call:
            begun[thread] = number
            if "unfinished" not in call:
                synced.append((number, number))
        elif "fdatasync resumed" in call and thread in begun:
            synced.append((begun.pop(thread), number))
        elif '\\"type\\":\\"ack\\"' in call:
            for ref in name.findall(call):
                acked.setdefault(ref, number)
    both = written.keys() & acked.keys()
    return len(both), [
        ref for ref in both if not any(written[ref] < began and done < acked[ref] for began, done in synced)
    ]


@case(
    "F19",
    "the clock jumps: an hour back, half an hour on",
    stores=EMBEDDED,
    short=0,
    long=5,
    promise="I2; nobody is logged out or disconnected; heartbeats and timers go on",
)
async def clock_jumps(scene: Scene, rounds: Rounds) -> None:
    library = next((path for root in LIBRARIES for path in Path(root).rglob("libfaketime.so.1")), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    clock = scene.directory / "clock"
    clock.write_text("+0")
    settings = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    async with (
        scene.node(settings=settings) as node,
        traffic([node], random.Random(19), clients=20, rooms=2) as people,
    ):
        for one in rounds:
            for name, seconds in CLOCKS.items():
                async with one.watching(people):
                    async with people.flowing():
                        await asyncio.sleep(one.rng.uniform(0.1, 0.3))
                        clock.write_text(f"{seconds:+}")
                        await _is_jumped(node, seconds)
                        await asyncio.sleep(1.0)
                        clock.write_text("+0")
                        await _is_jumped(node, 0)
                    one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                codes = [code for client in people.clients for code in client.close_codes]
                one.require(not codes, f"{name}: sockets were closed: {codes}")
                one.require(await node.is_ready(), f"{name}: /readyz does not say 200")


async def _is_jumped(node: Api, seconds: float) -> None:
    """Wait until the node's timestamps are this many seconds ahead of our clock."""

    async def is_jumped() -> bool:
        try:
            made = await node.sign_up(f"clock{time.time_ns():x}")
            me = await node.ask("GET", "/users/me", made)
        except httpx.HTTPStatusError:
            return False  # a token from before the jump is refused after it
        skew = datetime.fromisoformat(me["created_at"]).timestamp() - time.time()
        return abs(skew - seconds) < 60

    await eventually(is_jumped, seconds=30)  # libfaketime reads its file once a second


@case(
    "F26",
    "sockets come until the memory that a node may have is used up",
    stores=EMBEDDED,
    short=1,
    long=5,
    promise="503 to new ones, `unavailable` to sends, /readyz 503; memory <= + 10 %; nobody is disconnected; "
    "heals; I1-I5",
)
async def out_of_memory(scene: Scene, rounds: Rounds) -> None:
    async with scene.node() as node:
        limit_mib = node.memory_bytes() // MEBIBYTE + ROOM_MIB
    async with (
        scene.node(settings={"TAILWIRE_MEMORY_MIB": str(limit_mib)}) as node,
        traffic([node], random.Random(26), clients=20, rooms=2) as people,
    ):
        accounts = [client.account for client in people.clients]
        for one in rounds:
            async with one.watching(people):
                async with people.flowing(20, body=stamp):
                    async with listening(node, accounts, people.rooms, 6_000) as tally:
                        one.require(
                            {*tally.faults} <= {"503", "1013", "unavailable"},
                            f"refused with {tally.faults[:3]}",
                        )
                        one.took(
                            "memory of the limit", node.memory_bytes() / MEBIBYTE / limit_mib, at_most=1.1
                        )
                        await eventually(lambda: _is_refused(people))
                        for path, status in (("/readyz", 503), ("/healthz", 200)):
                            one.require(await node.status(path) == status, f"{path} did not say {status}")
                    left_at = time.monotonic()
                    await eventually(node.is_ready, seconds=60)
                    one.took("healed", time.monotonic() - left_at, at_most=HEALED_SECONDS)
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                codes = [code for client in people.clients for code in client.close_codes]
                one.require(not codes, f"sockets were closed: {codes}")


async def _is_refused(people: Traffic) -> bool:
    return any(record.code == "unavailable" for record in people.history)
