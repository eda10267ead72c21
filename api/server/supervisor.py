"""Starts the workers of one `tailwire serve`, and another one in place of each that dies or hangs."""

import signal
import socket
from multiprocessing import resource_tracker

import structlog
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

log = structlog.get_logger("api.server")


class WorkerProcess(Process):
    """A process that serves. It never sees Ctrl-C, as the supervisor tells it when to stop."""

    _has_loaded = False

    def start(self) -> None:
        """Start the process. Its mask of signals stays, so that Ctrl-C ends no worker in the middle of an import."""
        resource_tracker.ensure_running()  # its start, which is part of the first worker's, would unblock the signal
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.parent_conn.send(b"ping")  # it is answered once the worker has loaded

    def is_alive(self, timeout: float = 5) -> bool:
        """Return whether the process is there, and answers within `timeout` seconds unless it still loads.

        On a slow or busy machine a worker loads for longer than that.
        """
        if not self._has_loaded and self.process.is_alive():
            if not self.parent_conn.poll(0):
                return True
            self.parent_conn.recv()
            self._has_loaded = True
        return super().is_alive(timeout)


class Supervisor(Multiprocess):
    """Keeps as many workers as the configuration says, until it is told to stop."""

    def __init__(self, config: Config, sockets: list[socket.socket], announcement: str) -> None:
        super().__init__(config, sockets)
        self._announcement = announcement

    def init_processes(self) -> None:
        """Start the workers, and print the announcement. What comes to the sockets waits until they have loaded."""
        self.processes.extend(self._start() for _ in range(self.processes_num))
        print(self._announcement, flush=True)  # noqa: T201  the person at the terminal waits for this line

    def keep_subprocess_alive(self) -> None:
        """Start a worker in place of each that has died or hangs. Stop where one cannot start, as no other could."""
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set() or worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                self.should_exit.set()
            else:
                log.error("worker_lost", pid=worker.pid, exit_code=worker.exitcode)
                self.processes[index] = self._start()

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self.config, self.sockets)
        worker.start()
        return worker
