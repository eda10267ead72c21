"""A stream beside a server that does what servers do on their bad days."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from scripted_server import Script, Socket, message, place, scripted, streaming
from tailwire_client import (
    Credentials,
    Ended,
    Entry,
    Event,
    Live,
    MemoryPositions,
    MessageEntry,
    NotFound,
    Outdated,
    Pace,
    Position,
    Ready,
    Replaced,
    Reset,
    SessionEnded,
    Stream,
    Unknown,
    Unsubscribed,
)
from tailwire_client.close_codes import After, after

pytestmark = pytest.mark.anyio

SECONDS = 10.0


async def told(stream: Stream, count: int, *, besides: tuple[type, ...] = (Ready,)) -> list[Event]:
    """Return the next events, without those of the types `besides`."""
    found: list[Event] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            event = await anext(stream)
            if not isinstance(event, besides):
                found.append(event)
    return found


def seqs(events: Iterable[Event]) -> list[int]:
    return [one.seq for one in events if isinstance(one, Entry)]


def subscribes(
    *events: dict[str, Any], head: int = 0, since: int | None = None, close: int | None = None
) -> Script:
    """Return a script that takes a subscription, from this position, says these events, and perhaps closes."""

    async def play(socket: Socket) -> None:
        given = await socket.subscribed(seq=head)
        assert given == (None if since is None else {"epoch": "e1", "seq": since}), given
        await socket.say(*events)
        if close is not None:
            await socket.close(close)

    return play


async def test_what_comes_twice_is_given_once() -> None:
    script = subscribes(message(3), message(4), message(4), message(3), place("live", 4), message(5), since=2)
    async with scripted(script) as server, streaming(server, since=2) as stream:
        assert seqs(await told(stream, 4)) == [3, 4, 5]


async def test_a_stream_goes_on_from_its_position_after_each_close() -> None:
    async with (
        scripted(
            subscribes(place("live", 2), message(3), head=2, close=1012),
            subscribes(message(4), since=3, close=4420),
            subscribes(message(5), place("live", 5), since=4),
        ) as server,
        streaming(server) as stream,
    ):
        assert seqs(await told(stream, 5)) == [3, 4, 5]
        assert server.connected == 3


async def test_a_gap_is_asked_for_again_and_nothing_is_skipped() -> None:
    async with (
        scripted(
            subscribes(message(3), message(5), since=2),
            subscribes(message(4), message(5), place("live", 5), since=3),
        ) as server,
        streaming(server, since=2) as stream,
    ):
        events = await told(stream, 4)
        assert (seqs(events), isinstance(events[-1], Live)) == ([3, 4, 5], True)


async def test_a_gap_that_stays_is_told_as_a_reset() -> None:
    async with (
        scripted(
            subscribes(message(5), since=2),
            subscribes(message(5), message(6), since=2),
        ) as server,
        streaming(server, since=2) as stream,
    ):
        reset, entry = await told(stream, 2)
        assert (reset, seqs([entry])) == (Reset("lobby", "e1", 5), [6])


async def test_a_live_at_another_place_is_a_gap() -> None:
    async with (
        scripted(
            subscribes(message(3), place("live", 4), since=2),
            subscribes(message(4), place("live", 4), since=3),
        ) as server,
        streaming(server, since=2) as stream,
    ):
        assert seqs(await told(stream, 3)) == [3, 4]


async def test_a_reset_is_told_and_sets_the_position() -> None:
    positions = MemoryPositions({"lobby": Position("e1", 7)})
    async with (
        scripted(
            subscribes(place("reset", 3, "e2"), message(4), since=7, close=1001),
            subscribes_under("e2", 4, message(5)),
        ) as server,
        streaming(server, positions=positions) as stream,
    ):
        reset, *entries = await told(stream, 3)
        assert reset == Reset("lobby", "e2", 3)
        assert [(one.epoch, one.seq) for one in entries if isinstance(one, Entry)] == [("e2", 4), ("e2", 5)]
    assert positions.positions == {"lobby": Position("e2", 4)}  # 5 was given, and not yet handled


def subscribes_under(epoch: str, since: int, *events: dict[str, Any]) -> Script:
    async def play(socket: Socket) -> None:
        assert await socket.subscribed(epoch=epoch) == {"epoch": epoch, "seq": since}
        await socket.say(*events)

    return play


async def test_unknown_kinds_and_unreadable_entries_are_passed_on_and_counted() -> None:
    script = subscribes(
        message(3, type="poll", options=["a"]),
        {"type": "unreadable", "room_id": "lobby", "seq": 4, "at": None},
        message(5, type="reaction"),  # a known kind in a form that nobody knows
        message(6, likes=7),
        {"type": "weather", "room_id": "lobby", "sun": True},
        since=2,
    )
    async with scripted(script) as server, streaming(server, since=2) as stream:
        events = await told(stream, 5)
    assert [getattr(one, "kind", None) for one in events] == [
        "poll",
        "unreadable",
        "reaction",
        "message",
        None,
    ]
    assert [type(one) for one in events] == [Entry, Entry, Entry, MessageEntry, Unknown]
    poll, *_, weather = events
    assert isinstance(poll, Entry)
    assert (poll.data["options"], isinstance(weather, Unknown) and weather.data["sun"]) == (["a"], True)


async def test_frames_that_are_no_events_harm_nothing() -> None:
    async def play(socket: Socket) -> None:
        await socket.subscribed(seq=2)
        for frame in ("[]", "{", '"text"', "{}", '{"type": 7}', '{"type": "ack", "ref": "nobody"}'):
            await socket.raw.send(frame)
        await socket.say(place("live", 2), message(3))

    async with scripted(play) as server, streaming(server) as stream:
        assert seqs(await told(stream, 2)) == [3]


FINAL: dict[int, type[Ended]] = {1002: Outdated, 1003: Outdated, 1007: Outdated, 1009: Outdated}
FINAL |= {4501: SessionEnded, 4502: Replaced, 4503: Outdated, 4777: Ended}


@pytest.mark.parametrize(("code", "error"), FINAL.items())
async def test_a_final_close_code_is_told_after_all_that_came(code: int, error: type[Ended]) -> None:
    script = subscribes(place("live", 2), message(3), head=2, close=code)
    async with scripted(script) as server, streaming(server) as stream:
        assert seqs(await told(stream, 2)) == [3]
        for _ in range(2):  # it is told each time
            with pytest.raises(error) as caught:
                await anext(stream)
            assert (caught.type, caught.value.close_code) == (error, code)
        assert server.connected == 1


@pytest.mark.parametrize("code", [1000, 1001, 1012, 4000, 4408, 4420])
async def test_a_close_that_is_not_final_is_come_back_from(code: int) -> None:
    async with (
        scripted(subscribes(place("live", 2), head=2, close=code), subscribes(message(3), since=2)) as server,
        streaming(server) as stream,
    ):
        assert seqs(await told(stream, 2)) == [3]


def test_what_is_done_after_each_other_code() -> None:
    assert [after(code) for code in (4401, 4429, 1011, 1013, None)] == [
        After.REFRESH,
        After.WAIT,
        After.BACK_OFF,
        After.BACK_OFF,
        After.COME_BACK,
    ]


class Waits(Pace):
    """Notes for how many tries it was asked, and does not wait."""

    def __init__(self) -> None:
        super().__init__(first_seconds=0.0)
        self.asked: list[int] = []

    def wait(self, tries: int) -> float:
        self.asked.append(tries)
        return 0.0


async def test_an_overload_is_backed_off_from_as_after_many_tries() -> None:
    pace = Waits()
    async with (
        scripted(
            subscribes(place("live", 2), head=2, close=1012),
            subscribes(since=2, close=1013),
            subscribes(message(3), since=2),
        ) as server,
        streaming(server, pace=pace) as stream,
    ):
        assert seqs(await told(stream, 2)) == [3]
    assert pace.asked == [0, 4]


async def test_too_much_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = sleeps(monkeypatch)
    async with (
        scripted(subscribes(place("live", 2), head=2, close=4429), subscribes(message(3), since=2)) as server,
        streaming(server) as stream,
    ):
        assert seqs(await told(stream, 2)) == [3]
    assert [one for one in slept if 10 <= one < 11]  # the pings of the socket sleep for 20 s


def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note how long the client sleeps, and do not wait."""
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr("tailwire_client.stream.asyncio.sleep", noted)
    return slept


class Renewing(Credentials):
    """Gives `t1`, then `t2`, ... . It ends after `most` of them."""

    def __init__(self, most: int = 9) -> None:
        self.number = 1
        self.most = most

    async def token(self, http: httpx.AsyncClient) -> str:
        return f"t{self.number}"

    async def renew(self, http: httpx.AsyncClient, refused: str) -> str:
        if refused == f"t{self.number}":
            self.number += 1
        if self.number > self.most:
            raise SessionEnded("It has ended")
        return f"t{self.number}"


async def test_a_token_that_ends_is_renewed_on_the_open_socket() -> None:
    async def play(socket: Socket) -> None:
        await socket.subscribed(seq=2)
        await socket.say(place("live", 2), {"type": "expiring", "expires_at": "2026-11-29T09:31:00.000Z"})
        renewed = await socket.hear(type="authenticate")
        await socket.say({**message(3), "body": renewed["token"]})

    async with scripted(play) as server, streaming(server, credentials=Renewing()) as stream:
        _, entry = await told(stream, 2)
        assert isinstance(entry, MessageEntry)
        assert (entry.body, server.connected) == ("t2", 1)


async def test_a_token_that_has_ended_is_renewed_and_the_stream_goes_on() -> None:
    tokens: list[str] = []

    def noting(script: Script) -> Script:
        async def play(socket: Socket) -> None:
            tokens.append(socket.token)
            await script(socket)

        return play

    async with (
        scripted(
            noting(subscribes(place("live", 2), head=2, close=4401)),
            noting(subscribes(message(3), since=2)),
        ) as server,
        streaming(server, credentials=Renewing()) as stream,
    ):
        assert seqs(await told(stream, 2)) == [3]
    assert tokens == ["t1", "t2"]


async def test_a_token_that_cannot_be_renewed_is_final() -> None:
    async with (
        scripted(subscribes(place("live", 2), head=2, close=4401)) as server,
        streaming(server, credentials=Renewing(most=1)) as stream,
    ):
        await told(stream, 1)
        with pytest.raises(SessionEnded):
            await anext(stream)


async def test_a_reader_that_is_slow_loses_nothing() -> None:
    events = [message(seq) for seq in range(1, 21)]

    async def play(socket: Socket) -> None:
        since = await socket.subscribed(seq=0)
        with contextlib.suppress(Exception):  # the client has closed
            await socket.say(*events[0 if since is None else since["seq"] :])

    async with scripted(play) as server, streaming(server, most_waiting=8) as stream:
        found: list[Event] = []
        while len(seqs(found)) < 20:
            found += await told(stream, 1)
            await asyncio.sleep(0)
        assert seqs(found) == list(range(1, 21))
        assert server.connected > 1


async def test_a_room_that_is_not_there_is_told_once_and_the_others_go_on() -> None:
    async def play(socket: Socket) -> None:
        command = await socket.hear(type="subscribe", room_id="gone")
        await socket.say({"type": "error", "ref": command["ref"], "code": "not_found", "message": "No"})
        await socket.subscribed(seq=2)
        await socket.say(message(3))
        await socket.hear(type="typing", room_id="lobby")
        await socket.close(1012)

    async with scripted(play) as server, streaming(server, "gone", "lobby", since=2) as stream:
        events = await told(stream, 2)
        await stream.typing("lobby")
        events += await told(stream, 1, besides=(Entry,))  # of the next connection: `ready`
        refusals = [one for one in events if isinstance(one, Unsubscribed)]
        assert ([one.room_id for one in refusals], type(refusals[0].problem)) == (["gone"], NotFound)
        assert seqs(events) == [3]


async def test_a_subscription_that_comes_too_often_is_made_again_later() -> None:
    async def play(socket: Socket) -> None:
        command = await socket.hear(type="subscribe")
        refusal = {"type": "error", "code": "rate_limited", "message": "Slow", "retry_after_seconds": 0}
        await socket.say({**refusal, "ref": command["ref"]})
        await socket.subscribed(seq=2)
        await socket.say(message(3))

    async with scripted(play) as server, streaming(server, since=2) as stream:
        assert seqs(await told(stream, 1)) == [3]


async def test_a_user_who_comes_back_to_a_room_is_given_what_they_missed() -> None:
    async def play(socket: Socket) -> None:
        await socket.subscribed(seq=2)
        gone = {"type": "membership", "room_id": "lobby", "role": None, "reason": "removed", "by": "u2"}
        await socket.say(place("live", 2), gone, gone | {"role": "member", "reason": "added"})
        assert await socket.subscribed(seq=5) == {"epoch": "e1", "seq": 2}
        await socket.say(message(3), message(4), message(5), place("live", 5))

    async with scripted(play) as server, streaming(server) as stream:
        assert seqs(await told(stream, 6)) == [3, 4, 5]


async def test_who_is_watched_is_watched_again_after_a_reconnect() -> None:
    async def first(socket: Socket) -> None:
        await socket.hear(type="watch")
        await socket.close(1012)

    async def second(socket: Socket) -> None:
        await socket.hear(type="watch", user_ids=["u2"])
        await socket.subscribed(seq=2)
        await socket.say(message(3))

    async with scripted(first, second) as server, streaming(server, since=2) as stream:
        await told(stream, 1, besides=())
        await stream.watch("u2")
        assert seqs(await told(stream, 1)) == [3]


async def test_a_closed_stream_ends_its_loop() -> None:
    async with scripted(subscribes(place("live", 2), head=2)) as server, streaming(server) as stream:
        async for event in stream:
            if isinstance(event, Live):
                await stream.aclose()
