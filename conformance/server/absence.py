"""Rules of POST /sync: what was missed in many rooms, by one request."""

from collections import defaultdict
from typing import Any, Final

from conformance.server.bench import Bench, expect, unique
from conformance.server.frames import is_entry, wrong_in
from conformance.server.people import Event, Person

Place = dict[str, Any]


async def missed(bench: Bench) -> None:
    """POST /sync gives of each room what a subscription would have, the room with the newest entry first."""
    bench.needs("sync")
    quiet, early, late = [await bench.room(bench.bob) for _ in range(3)]
    positions = [await _place(bench, room_id) for room_id in (quiet, early, late)]
    for room_id in (early, late):
        for number in range(3):
            await bench.send(bench.ada, room_id, f"Number {number}")
    page = await _asked(bench.bob, positions)
    rooms = list(dict.fromkeys(one["room_id"] for one in page["items"]))
    expect(
        rooms == [late, early], "the newest room is first, and of one without news there is nothing", rooms
    )
    by_room = _by_room(page["items"])
    for position in positions[1:]:
        room_id = position["room_id"]
        since = {"epoch": position["epoch"], "seq": position["seq"]}
        async with bench.bob.socket() as socket:
            await socket.acked(type="subscribe", room_id=room_id, since=since)
            live = await socket.event("live", room_id=room_id)
            told = [*socket.entries(room_id), live]
        expect(by_room[room_id] == told, f"{told}, as the subscription brings", by_room[room_id])
    expect(page["has_more"] is False, "all fits into one page", page["has_more"])


async def missed_pages(bench: Bench) -> None:
    """A page of /sync has at most `limit` entries; asked again from where it leads, everything comes once."""
    bench.needs("sync")
    left = {
        room_id: await _place(bench, room_id) for room_id in [await bench.room(bench.bob) for _ in range(3)]
    }
    expected = {
        room_id: [(await bench.send(bench.ada, room_id, f"Number {number}"))["seq"] for number in range(3)]
        for room_id in left
    }
    found: dict[str, list[int]] = defaultdict(list)
    for _ in range(20):
        page = await _asked(bench.bob, list(left.values()), limit=2)
        entries = [one for one in page["items"] if is_entry(one)]
        expect(len(entries) <= 2, "at most 2 entries", len(entries))
        for one in page["items"]:
            left[one["room_id"]] |= {"seq": one["seq"]}
        for one in entries:
            found[one["room_id"]].append(one["seq"])
        if not page["has_more"]:
            break
    expect(found == expected, f"{expected}, each once", dict(found))


async def missed_resets(bench: Bench) -> None:
    """/sync gives `reset` alone for another epoch, and names the rooms that may not be read."""
    bench.needs("sync")
    room_id, hidden = await bench.room(bench.bob), await bench.room()
    sent = await bench.send(bench.ada, room_id, "One")
    places = [
        {"room_id": room_id, "epoch": "of-nobody", "seq": 1},
        await _place(bench, hidden),
        {"room_id": unique(), "epoch": "of-nobody", "seq": 0},
    ]
    page = await _asked(bench.bob, places)
    epoch = await bench.epoch(room_id)
    reset = {"type": "reset", "room_id": room_id, "epoch": epoch, "seq": sent["seq"]}
    expect(page["items"] == [reset], f"{reset} alone", page["items"])
    gone = {places[1]["room_id"], places[2]["room_id"]}
    expect(set(page["not_found"]) == gone, f"`not_found` has {gone}", page["not_found"])


async def missed_elsewhere(bench: Bench) -> None:
    """With `others` /sync also tells where one's other rooms stand, by `live` alone; without it, nothing of them."""
    bench.needs("sync")
    room_id = await bench.room(bench.bob)
    sent = await bench.send(bench.ada, room_id, "One")
    expect((await _asked(bench.bob, []))["items"] == [], "nothing of a room that is not named", room_id)
    found: list[Event] = []
    left: list[Place] = []
    for _ in range(100):
        page = await _asked(bench.bob, left[-500:], others=True)
        found += [one for one in page["items"] if one["room_id"] == room_id]
        left += [{name: one[name] for name in ("room_id", "epoch", "seq")} for one in page["items"]]
        if found or not page["has_more"]:
            break
    live = {"type": "live", "room_id": room_id, "epoch": await bench.epoch(room_id), "seq": sent["seq"]}
    expect(found == [live], f"{live} alone", found)


async def _place(bench: Bench, room_id: str) -> Place:
    room = await bench.ada.get(f"/rooms/{room_id}")
    return {"room_id": room_id, "epoch": room["epoch"], "seq": room["seq"]}


async def _asked(person: Person, positions: list[Place], *, others: bool = False, limit: int = 1_000) -> Any:
    body = {"positions": positions, "others": others, "limit": limit}
    page = await person.done("POST", "/sync", json=body)
    for one in page["items"]:
        expect(wrong_in(one) is None, "each item has the shape of an event", wrong_in(one))
    return page


def _by_room(items: list[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for one in items:
        found[one["room_id"]].append(one)
    return found


CHECKS: Final = (missed, missed_pages, missed_resets, missed_elsewhere)
