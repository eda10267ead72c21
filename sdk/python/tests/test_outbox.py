"""Messages are sent until they are acked, once and in order, also over a restart."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripted_server import QUICK, eventually
from tailwire_client import (
    Archived,
    Closed,
    Draft,
    FileDrafts,
    MemoryDrafts,
    RateLimited,
    RefConflict,
    Restored,
    Sent,
    SessionEnded,
    SlowMode,
    StorageFull,
    TailwireError,
    Unavailable,
    Unreachable,
)
from tailwire_client.outbox import Outbox

pytestmark = pytest.mark.anyio


class Rooms:
    """A server that stores a message once under its ref, and fails as it is told."""

    def __init__(self, *failures: TailwireError | None) -> None:
        self.failures = list(failures)
        self.stored: dict[str, list[Draft]] = {}
        self.tries: Counter[str] = Counter()
        self.ack_is_lost = False

    async def carry(self, draft: Draft) -> Sent:
        self.tries[draft.ref] += 1
        await asyncio.sleep(0)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None and not self.ack_is_lost:
            raise failure
        room = self.stored.setdefault(draft.room_id, [])
        if draft not in room:
            room.append(draft)
        if failure is not None:
            raise failure
        return Sent(draft.ref, draft.room_id, room.index(draft) + 1, datetime.now(UTC), "e1")


def drafts(count: int, room_id: str = "lobby") -> list[Draft]:
    return [Draft(f"{room_id}-{number}", room_id, f"body {number}") for number in range(count)]


TEMPORARY = [
    Unreachable("No"),
    RateLimited("rate_limited", retry_after_seconds=0),
    SlowMode("slow_mode", retry_after_seconds=0),
    Unavailable("unavailable"),
    StorageFull("storage_full"),
]


@pytest.mark.parametrize("ack_is_lost", [False, True], ids=["not stored", "ack lost"])
async def test_a_message_is_sent_under_its_ref_until_it_is_acked_and_stored_once(ack_is_lost: bool) -> None:
    rooms = Rooms(*TEMPORARY)
    rooms.ack_is_lost = ack_is_lost
    outbox = Outbox(rooms.carry, MemoryDrafts(), QUICK)
    sent = await asyncio.gather(*(outbox.send(one) for one in drafts(3)))
    assert [one.seq for one in sent] == [1, 2, 3]
    assert rooms.stored == {"lobby": drafts(3)}
    assert rooms.tries == {"lobby-0": 6, "lobby-1": 1, "lobby-2": 1}


async def test_a_room_that_waits_keeps_no_other_waiting() -> None:
    blocked = asyncio.Event()
    rooms = Rooms()

    async def carry(draft: Draft) -> Sent:
        if draft.room_id == "slow":
            await blocked.wait()
        return await rooms.carry(draft)

    outbox = Outbox(carry, MemoryDrafts(), QUICK)
    slow = asyncio.create_task(outbox.send(Draft("s", "slow", "x")))
    await outbox.send(Draft("q", "quick", "x"))
    assert [one.ref for one in outbox.waiting] == ["s"]
    blocked.set()
    assert (await slow).room_id == "slow"
    assert outbox.waiting == ()


@pytest.mark.parametrize("refusal", [Archived("archived"), Restored("reset"), RefConflict("ref_conflict")])
async def test_what_is_refused_for_good_is_told_and_holds_up_nothing(
    refusal: TailwireError, tmp_path: Path
) -> None:
    file = FileDrafts(tmp_path / "drafts.json")
    rooms = Rooms(refusal)
    outbox = Outbox(rooms.carry, file, QUICK)
    results = await asyncio.gather(*(outbox.send(one) for one in drafts(2)), return_exceptions=True)
    assert (results[0], isinstance(results[1], Sent)) == (refusal, True)
    assert await FileDrafts(tmp_path / "drafts.json").load() == ()


async def test_messages_without_an_ack_are_sent_after_a_restart_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"
    before = Rooms(*(Unreachable("No") for _ in range(1000)))
    outbox = Outbox(before.carry, FileDrafts(path), QUICK)
    waiting = [asyncio.create_task(outbox.send(one)) for one in [*drafts(3), *drafts(2, "other")]]
    await eventually(lambda: len(outbox.waiting) == 5 and before.tries)
    await outbox.close()
    assert {type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)} == {Closed}

    after = Rooms()
    outbox = Outbox(after.carry, FileDrafts(path), QUICK)
    await outbox.begin()
    last = await outbox.send(Draft("last", "lobby", "x"))
    await eventually(lambda: not outbox.waiting)
    assert after.stored == {"lobby": [*drafts(3), Draft("last", "lobby", "x")], "other": drafts(2, "other")}
    assert (last.seq, await FileDrafts(path).load()) == (4, ())


async def test_a_message_is_on_disk_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "drafts.json"

    async def carry(draft: Draft) -> Sent:
        assert draft in await FileDrafts(path).load()
        return await Rooms().carry(draft)

    await Outbox(carry, FileDrafts(path), QUICK).send(drafts(1)[0])


async def test_a_session_that_ended_ends_the_outbox_and_keeps_the_messages(tmp_path: Path) -> None:
    file = FileDrafts(tmp_path / "drafts.json")
    outbox = Outbox(Rooms(SessionEnded("No")).carry, file, QUICK)
    results = await asyncio.gather(*(outbox.send(one) for one in drafts(2)), return_exceptions=True)
    assert {type(one) for one in results} == {SessionEnded}
    with pytest.raises(SessionEnded):
        await outbox.send(Draft("later", "lobby", "x"))
    assert await FileDrafts(tmp_path / "drafts.json").load() == tuple(drafts(2))


async def test_who_stops_waiting_does_not_take_a_message_back() -> None:
    rooms = Rooms(Unreachable("No"), Unreachable("No"))
    outbox = Outbox(rooms.carry, MemoryDrafts(), QUICK)
    task = asyncio.create_task(outbox.send(drafts(1)[0]))
    await eventually(lambda: rooms.tries)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await outbox.send(Draft("next", "lobby", "x"))
    assert [one.ref for one in rooms.stored["lobby"]] == ["lobby-0", "next"]


async def test_drafts_that_cannot_be_written_are_told_and_not_sent(tmp_path: Path) -> None:
    rooms = Rooms()
    outbox = Outbox(rooms.carry, FileDrafts(tmp_path / "nowhere" / "drafts.json"), QUICK)
    with pytest.raises(FileNotFoundError):
        await outbox.send(drafts(1)[0])
    assert rooms.tries == {}
