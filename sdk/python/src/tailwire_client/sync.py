"""The client for programs without asyncio: a thread of its own runs the loop."""

import asyncio
import threading
from collections.abc import AsyncIterable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, Final, Self, TypeVar

from tailwire_client.client import Client
from tailwire_client.consumer import Consumer, Start
from tailwire_client.credentials import Credentials
from tailwire_client.entries import Entry
from tailwire_client.errors import Closed
from tailwire_client.events import Event
from tailwire_client.outbox import Sent
from tailwire_client.position import Position
from tailwire_client.positions import Positions

T = TypeVar("T")

_NOTHING: Final = object()


class SyncClient:
    """A `Client` whose calls block. Use it with `with`; it takes what `Client` takes.

    `send`, `events`, `missed` and `consumer` are those of `Client`. All the rest is reached by two methods: `wait` for
    what is awaited, as in `client.wait(client.api.rooms.join("lobby"))`, and `each` for what is iterated, as in
    `for room in client.each(client.api.rooms.mine())`. Any thread may call them.
    """

    def __init__(self, url: str, credentials: str | Credentials, **options: Any) -> None:
        self.api = Client(url, credentials, **options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        ready: threading.Event = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="tailwire", daemon=True)
        self._thread.start()
        ready.wait()
        try:
            self.wait(self.api.__aenter__())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything and the thread. What waits in other threads raises Closed, and what is iterated there ends."""
        thread, loop = self._thread, self._loop
        self._thread = None
        if thread is None or loop is None:
            return
        try:
            self.wait(self.api.aclose())
        finally:
            self._loop = None
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what this gives, or raise what it raises. Raises Closed where the client is not open."""
        loop = self._loop
        if loop is None:
            work.close()
            raise Closed("The client is not open: use it with `with`")
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except (asyncio.CancelledError, CancelledError):  # two classes: the loop's, and that of other threads
            raise Closed("The client was closed") from None
        except BaseException:
            future.cancel()  # where it is this thread that was interrupted
            raise

    def each(self, items: AsyncIterable[T]) -> Iterator[T]:
        """Yield what this yields, until the client is closed. Raises Closed where it is not open."""
        if self._loop is None:
            raise Closed("The client is not open: use it with `with`")
        iterator = aiter(items)

        async def following() -> Any:
            return await anext(iterator, _NOTHING)

        async def end() -> None:
            closing = getattr(iterator, "aclose", None)
            if closing is not None:
                await closing()

        try:
            while (item := self.wait(following())) is not _NOTHING:
                yield item
        except Closed:
            return  # what waited while the client was closed ends, as what is read then does
        finally:
            with suppress(Closed):
                self.wait(end())

    def send(
        self,
        room_id: str,
        body: str,
        *,
        reply_to: int | None = None,
        epoch: str | None = None,
        ref: str | None = None,
        files: Iterable[str] = (),
    ) -> Sent:
        """Send a message, and return when the server has stored it: as `Client.send`."""
        sending = self.api.send(room_id, body, reply_to=reply_to, epoch=epoch, ref=ref, files=files)
        return self.wait(sending)

    def events(self, *room_ids: str, positions: Positions | None = None) -> Iterator[Event]:
        """Yield the events of these rooms, or of all: as `Client.events`. The socket is closed with the iterator."""
        return self.each(self.api.events(*room_ids, positions=positions))

    def missed(self, positions: Mapping[str, Position], *, others: bool = True) -> Iterator[Event]:
        """Yield what has changed in all rooms since these positions: as `Client.missed`."""
        return self.each(self.api.missed(positions, others=others))

    def consumer(
        self, name: str, *, room_ids: Iterable[str] | None = None, start: Start = "beginning"
    ) -> "SyncConsumer":
        """Return the reader of this name, whose position the server keeps: as `Client.consumer`."""
        return SyncConsumer(self, self.api.consumer(name, room_ids=room_ids, start=start))

    def _run(self, ready: threading.Event) -> None:
        with asyncio.Runner() as runner:  # it ends what is left, and closes the loop
            self._loop = runner.get_loop()
            self._loop.call_soon(ready.set)
            self._loop.run_forever()


class SyncConsumer:
    """A `Consumer` that blocks: `for entry in consumer`."""

    def __init__(self, client: SyncClient, consumer: Consumer) -> None:
        self._client = client
        self.api = consumer

    def __iter__(self) -> Iterator[Event]:
        return self._client.each(self.api)

    def answer(self, entry: Entry, body: str, *, as_reply: bool = False) -> Sent:
        """Answer an entry once: as `Consumer.answer`."""
        return self._client.wait(self.api.answer(entry, body, as_reply=as_reply))
