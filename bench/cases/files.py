"""Files: the memory of a node, and its fan-out, while many clients upload and download large files."""

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench.cases import fanout
from bench.cases.case import Case, Options
from bench.cases.file_load import upload
from bench.contenders import tailwire
from bench.contenders.tailwire import Node
from bench.machine.load import Failed
from bench.machine.machine import LOAD_CORES
from bench.machine.process import Process, started
from bench.report.results import Row

PROGRAM: Final = str(Path(__file__).with_name("file_load.py"))
CLIENTS: Final = 50
FILE_BYTES: Final = 100 * 1024 * 1024
SOURCES: Final = 5
"""So many files are downloaded, each by several."""
SUBSCRIBERS: Final = 200
RATE: Final = 20
MEBIBYTE: Final = 1024 * 1024
END_SECONDS: Final = 900.0
LIFTED: Final = {"TAILWIRE_USER_FILES_MIB": "100000", "TAILWIRE_ALL_FILES_MIB": "100000"}


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    work = fanout.Work(options.subscribers or SUBSCRIBERS, options.rate or RATE, options.seconds)
    for contender in options.chosen(("tailwire",)):
        name = f"{CLIENTS} up, {CLIENTS} down, {FILE_BYTES // MEBIBYTE} MiB each; {work.name}"
        yield Case(contender.name, name, partial(_on_sqlite, contender.root, work))


def _on_sqlite(root: Path, work: fanout.Work, directory: Path) -> Row:
    store = f"sqlite:///{directory / secrets.token_hex(4)}.db"
    with tailwire.node(store, directory, root=root, more=LIFTED) as node:
        tokens = node.sign_up()
        subject = tailwire.subject(node, tokens)
        paths = _sources(node, tokens[0])
        with _peak(node.process) as calm:
            alone = fanout.run(subject, work, directory)
        with _peak(node.process) as busy, _transfers(node, tokens, paths, directory) as transfers:
            beside = fanout.run(subject, work, directory)
            ran_on = transfers.is_running()
            done = transfers.end()
        moved = CLIENTS * FILE_BYTES / MEBIBYTE
        return {
            **beside,
            "alone_p50_ms": alone["p50_ms"],
            "alone_p99_ms": alone["p99_ms"],
            "p99_ratio": beside["p99_ms"] / alone["p99_ms"],
            "calm_mib": calm.bytes / MEBIBYTE,
            "more_mib": (busy.bytes - calm.bytes) / MEBIBYTE,
            "up_mib_s": moved / done["up_seconds"],
            "down_mib_s": moved / done["down_seconds"],
            "fault": None if ran_on else "the files had come before the fan-out was measured",
        }


def _sources(node: Node, token: str) -> list[str]:
    """Upload the files that are downloaded, and return the paths of their addresses, one for each client."""
    ids = [_uploaded(node, token) for _ in range(SOURCES)]
    found = node.ask("POST", "/files/urls", token, {"file_ids": ids})["items"]
    paths = [urlsplit(one["url"]).path for one in found]
    return [paths[number % SOURCES] for number in range(CLIENTS)]


def _uploaded(node: Node, token: str) -> str:
    import uvloop  # noqa: PLC0415

    file_id: str | None = uvloop.run(upload(node.port, token, FILE_BYTES))
    if file_id is None:
        raise Failed("a file was not taken")
    return file_id


class _Peak:
    """The most memory that a process had."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def _peak(process: Process) -> Iterator[_Peak]:
    """Watch the memory of a process during the block."""
    peak, is_over = _Peak(), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            peak.bytes = max(peak.bytes, process.memory_bytes())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        is_over.set()
        watching.join()


class _Transfers:
    """The running uploads and downloads."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def is_running(self) -> bool:
        """Whether not all have come to their end."""
        return self._process.popen.poll() is None

    def end(self) -> dict[str, Any]:
        """Wait for the end of all, and return their figures. Raises `Failed` where one has failed."""
        try:
            said, _ = self._process.popen.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failed("the files did not come to their end") from None
        done: dict[str, Any] = json.loads(said)
        if done["failed"]:
            raise Failed(f"{done['failed']} uploads and downloads failed")
        return done


@contextmanager
def _transfers(node: Node, tokens: list[str], paths: list[str], directory: Path) -> Iterator[_Transfers]:
    """Begin all uploads and downloads, with less priority than the load of the fan-out has."""
    plan = directory / f"files-{time.monotonic_ns()}.json"
    plan.write_text(
        json.dumps({"port": node.port, "tokens": tokens[:CLIENTS], "paths": paths, "size": FILE_BYTES})
    )
    command = ("nice", "-n", "20", sys.executable, "-P", PROGRAM, plan)
    with started(
        command, cores=LOAD_CORES, directory=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        stdin, stdout = process.popen.stdin, process.popen.stdout
        if stdin is None or stdout is None:
            raise Failed("nobody can talk to the load")
        stdout.readline()  # `connected`
        stdin.write(b"go\n")
        stdin.flush()
        yield _Transfers(process)
