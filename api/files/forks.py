"""What a process does that looks at the work of strangers: each piece in a fork of its own, within bounds.

The process reads one line of JSON for each piece and answers with one. It never touches a piece itself: for each it
forks, so that one which breaks the decoder meets no other, and takes nothing with it. What is forked has bounds that
the kernel keeps.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

DESCRIPTORS: Final = 32
NICENESS: Final = 10
"""Messages go first."""
FIRST_TO_END: Final = "1000"

Answer: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the machine one piece may take."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    """No file that it writes is longer."""


def serve(answer: Answer, bounds: Bounds) -> None:
    """Answer lines on standard input until it ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    for line in requests:
        answers.write(_answer_in_fork(line, answer, bounds) + b"\n")
        answers.flush()


def _answer_in_fork(line: bytes, answer: Answer, bounds: Bounds) -> bytes:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(line, writing, answer, bounds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answered = pipe.read()
    _, status = os.waitpid(child, 0)
    if status == 0:
        return answered
    return json.dumps({"died": os.waitstatus_to_exitcode(status)}).encode()


def _work(line: bytes, writing: int, answer: Answer, bounds: Bounds) -> None:
    """Look at one piece within bounds, and end this process."""
    status = 1
    try:
        for descriptor in (0, 1):  # the next request is none of its business
            os.close(descriptor)
        request = json.loads(line)
        confine(request["seconds"], bounds)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(answer(request)).encode())
        status = 0
    finally:
        os._exit(status)


def confine(seconds: float, bounds: Bounds) -> None:
    """Set the bounds. Who takes more processor time than allowed, or `seconds` by the clock, is ended by the kernel."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    cpu = bounds.cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))  # SIGXCPU, and then SIGKILL
    for limit, value in (
        (resource.RLIMIT_FSIZE, bounds.file_bytes),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    with suppress(ValueError):  # macOS has this limit and lets nobody set it
        resource.setrlimit(resource.RLIMIT_AS, (bounds.memory_bytes, bounds.memory_bytes))
    os.nice(NICENESS)
    with suppress(OSError):
        # Where memory is short, this process ends and not the server. Only Linux has this.
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_END, encoding="ascii")
