"""Workers that load for long are left to it, and those that hang are found."""

import os
import signal
from collections.abc import Iterator

import pytest
from uvicorn import Config

from api.server.supervisor import WorkerProcess


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    made = WorkerProcess(Config("tests.server.test_supervisor:unused", factory=True, log_config=None), [])
    made.start()
    yield made
    made.kill()
    made.join()


def unused() -> None:
    """Stand for an application. Nobody asks it for anything."""


def hang(worker: WorkerProcess) -> None:
    """Stop the process, and wait until it has stopped."""
    number = worker.process.pid or 0
    os.kill(number, signal.SIGSTOP)
    os.waitpid(number, os.WUNTRACED)


def test_a_worker_that_still_loads_is_alive_though_it_answers_nothing(worker: WorkerProcess) -> None:
    hang(worker)
    assert worker.is_alive(timeout=0)


def test_a_worker_that_hangs_after_it_has_loaded_is_not_alive(worker: WorkerProcess) -> None:
    assert worker.parent_conn.poll(30)
    assert worker.is_alive(timeout=30)
    hang(worker)
    assert not worker.is_alive(timeout=0.1)


def test_a_worker_that_has_died_is_not_alive(worker: WorkerProcess) -> None:
    worker.process.kill()
    worker.join()
    assert not worker.is_alive(timeout=0)
