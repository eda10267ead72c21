"""Runs a store's database work on threads, so that the event loop never waits for a disk."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias, TypeVar

import apsw
import structlog

from api.errors import Unavailable
from api.store.sqlite.errors import translated

T = TypeVar("T")
Work: TypeAlias = Callable[[apsw.Cursor], T]
Then: TypeAlias = Callable[[], None]

MOST_WAITING: Final = 10_000
"""At most this many jobs wait for one worker. On the slowest disks more of them would wait for minutes."""

_CLOSED: Final = "the store is closed"


@dataclass(slots=True)
class Job:
    """One caller's work and its outcome: `error` if there is one, else `result`."""

    work: Work[Any]
    answer: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def do(self, cursor: apsw.Cursor) -> None:
        """Do the work and keep its result. Raises what the work raises."""
        self.result, self.error = self.work(cursor), None

    def fail(self, error: Exception) -> None:
        """Make this error the outcome, translated to one of api.errors."""
        self.result, self.error = None, translated(error)

    def settle(self) -> None:
        """Give the outcome to the caller, unless it has gone. Only the event loop may call this."""
        if self.answer.done():
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class Worker(ABC):
    """Threads, each with a connection of its own, that serve one bounded queue of jobs.

    Only the event loop adds jobs, counts them, starts and closes. So these need no lock, and no job can be added after
    the queue was emptied for the last time.
    """

    def __init__(self, name: str, connect: Callable[[], apsw.Connection]) -> None:
        self._name = name
        self._connect = connect
        self._queue: SimpleQueue[Job | None] = SimpleQueue()  # None only wakes a thread to look at _refusal
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._waiting = 0
        self._refusal: str | None = _CLOSED

    async def start(self, threads: int = 1) -> None:
        """Start the threads, and return when each is connected. If `connect` raises, close and raise the same."""
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._refusal, self._running = None, threads
        connected = [self._loop.create_future() for _ in range(threads)]
        for number, future in enumerate(connected):
            name = f"tailwire-{self._name}-{number}"
            self._threads.append(threading.Thread(target=self._run, args=(future,), name=name, daemon=True))
            self._threads[-1].start()
        try:
            await asyncio.gather(*connected)
        except BaseException:
            await self.close()
            raise

    async def do(self, work: Work[T]) -> T:
        """Do `work` on a thread and return its result. Cancelling the caller does not stop the work.

        Raises what `work` raises, and `Unavailable` when the queue is full or the worker closed or dead.
        """
        self.require_running()
        if self._waiting >= MOST_WAITING:
            raise Unavailable("too many requests are waiting for the store")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._waiting += 1
        self._queue.put(Job(work, answer))
        return await answer

    def require_running(self) -> None:
        """Raise `Unavailable` when the worker is closed or dead."""
        if self._refusal is not None:
            raise Unavailable(self._refusal)

    def stop(self) -> None:
        """Take no more jobs. The threads finish the jobs that they have begun; waiting jobs fail."""
        self._refusal = self._refusal or _CLOSED
        self._wake_all()

    async def close(self) -> None:
        """Stop, and wait for the threads to end. Closing twice is harmless."""
        self.stop()
        if not self._threads:
            return
        await self._ended.wait()
        for thread in self._threads:
            thread.join()

    # -- on the threads

    @abstractmethod
    def _serve(self, cursor: apsw.Cursor, jobs: list[Job]) -> Then | None:
        """Do the jobs, and set the `result` or `error` of each. The loop calls what is returned after the answers."""

    def _served(self) -> None:  # noqa: B027 - most workers have nothing more to do
        """Do the work that follows the answers."""

    def _rested(self, cursor: apsw.Cursor) -> float | None:  # noqa: ARG002 - most workers have nothing to do
        """Do what is to be done between jobs. Return after how many seconds to call this again if no job comes."""
        return None

    def _take(self, cursor: apsw.Cursor) -> list[Job]:
        """Wait for a job and return it; [] when the thread is to end."""
        while True:
            try:
                job = self._queue.get(timeout=self._rested(cursor))
                break
            except Empty:
                continue
        if self._refusal is None and job is not None:
            return [job]
        self._queue.put(job)  # put it back, so that `_end` fails it
        return []

    def _waiting_now(self, most: int = MOST_WAITING) -> list[Job]:
        """Return the jobs that wait now, at most so many."""
        jobs: list[Job] = []
        while len(jobs) < most:
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs
            if job is None:
                self._queue.put(None)
                return jobs
            jobs.append(job)
        return jobs

    def _run(self, connected: asyncio.Future[None]) -> None:
        jobs: list[Job] = []
        death: Exception | None = None
        try:
            with closing(self._connect()) as connection:
                self._tell_loop(_resolve, connected, None)
                cursor = connection.cursor()
                while jobs := self._take(cursor):
                    then = self._serve(cursor, jobs)
                    self._tell_loop(self._settle, jobs, then)
                    self._served()
        except Exception as error:  # noqa: BLE001 - the waiting callers must get any error
            death = error
        finally:
            self._tell_loop(self._end, connected, death, jobs)

    def _tell_loop(self, callback: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop is closed, so nobody waits any more
            self._refusal = _CLOSED

    # -- on the loop again

    def _settle(self, jobs: list[Job], then: Then | None = None) -> None:
        self._waiting -= len(jobs)
        for job in jobs:
            job.settle()
        jobs.clear()
        if then is not None:
            then()

    def _end(self, connected: asyncio.Future[None], death: Exception | None, jobs: list[Job]) -> None:
        if death is not None and not _resolve(connected, translated(death)):
            structlog.get_logger("api.store").error("store.worker_died", worker=self._name, exc_info=death)
            self._refusal = self._refusal or "a thread of the store has died"
        self._refusal = self._refusal or _CLOSED
        self._running -= 1
        if self._running:
            self._wake_all()  # when one thread ends, all must end: a worker has all its threads or is closed
        else:
            jobs = [*jobs, *self._left_over()]
            self._ended.set()
        for job in jobs:
            job.fail(Unavailable(self._refusal))
        self._settle(jobs)

    def _wake_all(self) -> None:
        for _ in self._threads:
            self._queue.put(None)

    def _left_over(self) -> list[Job]:
        left: list[Job] = []
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None:
                left.append(job)
        return left


def _resolve(future: asyncio.Future[None], error: Exception | None) -> bool:
    if future.done():
        return False
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
    return True
