"""What every store promises of signals: they reach the other stores, are bounded, and hold nothing up."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from api.models.accounts import User
from api.models.changes import Change, ProfileChanged, ReadMoved, Signal
from api.models.rooms import LOBBY_ID
from api.store.base.store import Store
from api.store.signals import MAX_TOGETHER, MAX_WAITING, Outgoing, SignalReader, encoded
from tests.store.calls import collect, reaches
from tests.store.make import message

pytestmark = pytest.mark.anyio

READ = ReadMoved("room-den", "user-alice", "alice", "an epoch", 7)
RENAMED = ProfileChanged("user-bob", "bob", "Böb 🎉", "away", "")


def signals_of(changes: list[Change]) -> list[Signal]:
    return [one for one in changes if isinstance(one, Signal)]


async def test_a_signal_reaches_the_tails_of_other_stores_and_none_of_its_own(
    store: Store, other: Store, alice: User
) -> None:
    async with store.changes.open() as own, other.changes.open() as first, other.changes.open() as second:
        store.signals.send(READ)
        store.signals.send(RENAMED)
        for tail in (first, second):
            heard = await collect(tail, lambda changes: len(signals_of(changes)) >= 2)
            assert heard == [READ, RENAMED]
        await other.log.append(LOBBY_ID, message("1"))
        assert signals_of(await collect(own, reaches(LOBBY_ID, 1))) == []
        other.signals.send(READ)
        assert await collect(own, lambda changes: bool(signals_of(changes))) == [READ]
    assert (store.signals.sent_count, store.signals.dropped_count) == (2, 0)


async def test_the_same_signal_again_is_told_again(store: Store, other: Store) -> None:
    async with other.changes.open() as tail:
        for _ in range(2):
            store.signals.send(READ)
            assert await collect(tail, lambda changes: bool(signals_of(changes))) == [READ]


async def test_no_flood_of_signals_keeps_an_entry_or_is_yielded_as_a_whole(
    store: Store, other: Store, alice: User
) -> None:
    async with other.changes.open() as tail:
        for number in range(5 * MAX_WAITING):
            store.signals.send(ReadMoved(f"room-{number}", alice.id, "alice", "e", 1))
        await store.log.append(LOBBY_ID, message("1"))
        heard = await collect(tail, reaches(LOBBY_ID, 1))
        assert len(signals_of(heard)) <= MAX_WAITING
    assert store.signals.dropped_count >= 4 * MAX_WAITING


async def test_nothing_is_sent_by_a_store_that_is_closed(store: Store, other: Store) -> None:
    other.signals.send(READ)
    await other.close()
    other.signals.send(READ)
    async with store.changes.open() as tail:
        await store.log.append(LOBBY_ID, message("1"))
        assert signals_of(await collect(tail, reaches(LOBBY_ID, 1))) == []


# -- those that wait, and their form


def test_of_two_about_the_same_the_newer_one_waits_in_the_place_of_the_older() -> None:
    outgoing = Outgoing()
    newer = ReadMoved(READ.room_id, READ.user_id, READ.username, READ.epoch, 9)
    for signal in (READ, RENAMED, newer):
        outgoing.put(signal)
    assert outgoing.take() == [newer, RENAMED]
    assert not outgoing


def test_no_more_than_a_few_are_sent_together_and_their_text_fits_a_datagram() -> None:
    outgoing = Outgoing()
    name = "\U0001f389" * 64
    for number in range(MAX_TOGETHER + 1):
        outgoing.put(ReadMoved("r" * 64, f"{number:064}", name, "e" * 64, 2**53))
    together = outgoing.take()
    assert (len(together), len(outgoing.take())) == (MAX_TOGETHER, 1)
    assert len(json.dumps(encoded(together), ensure_ascii=False).encode()) < 60_000


@pytest.mark.parametrize(
    "form",
    [
        {"type": "of_the_future", "user_id": "x"},
        {"type": "read"},
        {"type": "user", "user_id": ["bob"], "username": "bob", "display_name": "Bob"},
        {"type": "user", "user_id": "bob", "username": "bob", "display_name": None},
        {"type": []},
        {},
        7,
        None,
    ],
)
def test_what_is_no_signal_is_left_out_and_said_once(form: object) -> None:
    reader = SignalReader()
    with capture_logs() as logs:
        assert reader.read([form, *encoded([READ])]) == [READ]
        assert reader.read([form]) == []
    assert [log["event"] for log in logs] == ["signal_unknown"]
    assert reader.read(form) == reader.read("text") == []


@pytest.mark.stores("sqlite")  # RethinkDB has no datagrams
async def test_datagrams_that_hold_no_signals_end_no_tail(store: Store, other: Store) -> None:
    async with other.changes.open() as tail:
        for payload in (b"{", b"\xff", b"7", b'[{"type": "read"}]', b"x" * 60_000):
            store._wake.notify_others(payload)  # type: ignore[attr-defined]
        store.signals.send(READ)
        async with asyncio.timeout(10):
            assert await collect(tail, lambda changes: bool(signals_of(changes))) == [READ]
