"""The Python client with one rule broken: `python mutant_client.py NAME`. Each mutant is put over the SDK."""

import asyncio
import contextlib
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import kit_client
from tailwire_client import (
    Closed,
    Entry,
    FileDrafts,
    FilePair,
    Position,
    RateLimited,
    SessionEnded,
    TailwireError,
    Unreachable,
    Unsubscribed,
    close_codes,
)
from tailwire_client import stream as streams
from tailwire_client.absence import Absence
from tailwire_client.client import Client
from tailwire_client.connection import Connection
from tailwire_client.consumer import Consumer
from tailwire_client.entries import entry_of
from tailwire_client.outbox import Outbox, Sent
from tailwire_client.pace import Pace
from tailwire_client.session import Session
from tailwire_client.stream import Stream
from tailwire_client.track import Track
from tailwire_client.web import Web

# mypy: disable-error-code="method-assign, assignment"


def steps_over_gaps() -> None:
    def take_entry(self: Track, event: Mapping[str, Any]) -> Entry | None:
        if self.position is None or event["seq"] <= self.position.seq:
            return None
        self.position = Position(self.position.epoch, event["seq"])
        return entry_of(event, self.position.epoch)

    Track.take_entry = take_entry


def shows_twice() -> None:
    def take_entry(self: Track, event: Mapping[str, Any]) -> Entry | None:
        if self.position is None:
            return None
        self.position = Position(self.position.epoch, max(event["seq"], self.position.seq))
        return entry_of(event, self.position.epoch)

    Track.take_entry = take_entry


def begins_anew_after_a_close() -> None:
    ask = Connection.ask

    async def without_since(self: Connection, command: Mapping[str, Any], answered: Any) -> None:
        await ask(self, {name: value for name, value in command.items() if name != "since"}, answered)

    Connection.ask = without_since


def takes_no_reset() -> None:
    Track.take_reset = lambda self, event: None  # type: ignore[return-value]


def stops_at_unknown_kinds() -> None:
    take_entry = Track.take_entry

    def only_known(self: Track, event: Mapping[str, Any]) -> Any:
        return take_entry(self, event) if event["type"] == "message" else None

    Track.take_entry = only_known


def always_comes_back() -> None:
    come_back = close_codes.After.COME_BACK
    vars(streams)["after"] = lambda code: come_back


def never_waits_longer() -> None:
    Pace.wait = lambda self, tries: self.rng.uniform(0, self.first_seconds)


def leaves_after_a_close() -> None:
    vars(streams)["after"] = lambda code: close_codes.After.END


def ignores_expiring() -> None:
    async def nothing(self: Stream, connection: Connection, token: str) -> None:
        """Do nothing."""

    Stream._renew = nothing


def refreshes_side_by_side() -> None:
    class Open:
        async def __aenter__(self) -> None:
            """Let everybody in."""

        async def __aexit__(self, *error: object) -> None:
            """Let everybody out."""

    init = Session.__init__

    def unlocked(self: Session, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        self._lock = Open()

    Session.__init__ = unlocked


def logs_in_again() -> None:
    refresh = Session._refresh

    async def or_log_in(self: Session, http: Any, pair: Any) -> str:
        try:
            return await refresh(self, http, pair)
        except SessionEnded:
            return await self._log_in(http)

    Session._refresh = or_log_in


def keeps_no_new_pair() -> None:
    keep = FilePair.keep

    async def only_the_first(self: FilePair, value: Any) -> None:
        if await self.load() is None:
            await keep(self, value)

    FilePair.keep = only_the_first


def takes_another_ref_for_each_try() -> None:
    _before_carrying(lambda draft: replace(draft, ref=uuid.uuid4().hex))


def gives_up_without_an_ack() -> None:
    deliver = Outbox._deliver

    async def once(self: Outbox, draft: Any) -> Sent:
        with contextlib.suppress(Unreachable):
            return await self._carry(draft)
        raise RateLimited("rate_limited")

    Outbox._deliver = once
    del deliver


def sends_side_by_side() -> None:
    enqueue = Outbox._enqueue
    rooms: list[str] = []

    def in_a_room_of_its_own(self: Outbox, draft: Any) -> Any:
        rooms.append(draft.room_id)
        return enqueue(self, replace(draft, room_id=f"{draft.room_id}/{len(rooms)}"))

    Outbox._enqueue = in_a_room_of_its_own
    _before_carrying(lambda draft: replace(draft, room_id=draft.room_id.partition("/")[0]))


def keeps_no_messages() -> None:
    async def nothing(self: FileDrafts, draft: Any) -> None:
        """Keep nothing."""

    FileDrafts.add = nothing


def ignores_retry_after() -> None:
    wait_after = Web._wait_after

    def at_once(self: Web, error: Any, tries: int, *, may_repeat: bool) -> float | None:
        if isinstance(error, RateLimited):
            return 0.0
        return wait_after(self, error, tries, may_repeat=may_repeat)

    Web._wait_after = at_once


def repeats_everything() -> None:
    call = Web.call

    async def safe(self: Web, method: str, path: str, **more: Any) -> Any:
        return await call(self, method, path, **{**more, "is_safe": True})

    Web.call = safe


def answers_anew() -> None:
    Consumer.ref_of = lambda self, entry: uuid.uuid4().hex


def acknowledges_before_it_handles() -> None:
    events = Consumer._events

    async def one_behind(self: Consumer) -> AsyncIterator[Any]:
        ask = self._ask

        async def asked(method: str, *what: str, **more: Any) -> Any:
            page = await ask(method, *what, **more)
            if what == ("entries",) and page.get("token"):
                await ask("POST", "ack", body={"token": page["token"]}, is_safe=True)
            return page

        self._ask = asked
        async for event in events(self):
            yield event

    Consumer._events = one_behind


def shows_again_what_it_has_asked_for() -> None:
    _after_catching_up(lambda track, before: setattr(track, "position", before))


def takes_one_page_for_all() -> None:
    call = Web.call

    async def the_only_one(self: Web, method: str, path: str, **more: Any) -> Any:
        page = await call(self, method, path, **more)
        return {**page, "has_more": False} if path == "/sync" else page

    Web.call = the_only_one
    _after_catching_up(lambda track, before: setattr(track, "position", None))


def takes_a_reset_in_an_answer_for_a_position() -> None:
    taken = Absence._taken

    def silently(self: Absence, fields: Mapping[str, Any]) -> Any:
        event = taken(self, fields)
        return None if fields["type"] == "reset" else event

    Absence._taken = silently


def forgets_rooms_that_are_gone() -> None:
    subscribe, events = Stream._subscribe, Absence.events
    gone: set[str] = set()

    async def told(self: Absence, *, others: bool) -> AsyncIterator[Any]:
        async for event in events(self, others=others):
            if isinstance(event, Unsubscribed):
                gone.add(event.room_id)
            yield event

    async def others(self: Stream, connection: Connection, room_id: str) -> None:
        if room_id not in gone:
            await subscribe(self, connection, room_id)

    Absence.events, Stream._subscribe = told, others


def takes_an_answer_for_now() -> None:
    _after_catching_up(lambda track, before: setattr(track, "position", None))


def ends_where_an_answer_fails() -> None:
    async def at_any_price(self: Stream, tracks: list[Track]) -> None:
        missed = Absence(self._web, {one.room_id: one for one in tracks})
        try:
            async for event in missed.events(others=False):
                await self._backlog.put(event)
        except TailwireError as failure:
            raise Closed("The answer failed") from failure

    Stream._catch_up = at_any_price


def steps_over_gaps_in_answers() -> None:
    taken = Absence._taken

    def whatever_comes(self: Absence, fields: Mapping[str, Any]) -> Any:
        track = self._tracks[fields["room_id"]]
        if "at" in fields and track.position is not None:
            track.position = Position(track.position.epoch, fields["seq"] - 1)
        return taken(self, fields)

    Absence._taken = whatever_comes


def _after_catching_up(change: Callable[[Track, Position | None], None]) -> None:
    catch_up = Stream._catch_up

    async def changed(self: Stream, tracks: list[Track]) -> None:
        before = [one.position for one in tracks]
        await catch_up(self, tracks)
        for track, position in zip(tracks, before, strict=True):
            change(track, position)

    Stream._catch_up = changed


def _before_carrying(change: Callable[[Any], Any]) -> None:
    carry = Client._carry

    async def changed(self: Client, draft: Any) -> Sent:
        return await carry(self, change(draft))

    Client._carry = changed


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    asyncio.run(kit_client.main())
