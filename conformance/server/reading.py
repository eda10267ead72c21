"""Rules of what is read: pages, unread messages, mentions."""

from typing import Any, Final

from conformance.server.bench import Bench, eventually, expect
from conformance.server.people import Person


async def history(bench: Bench) -> None:
    """History comes in pages, oldest first, without holes or repetitions."""
    room_id = await bench.room()
    sent = [(await bench.send(bench.ada, room_id, f"Number {number}"))["seq"] for number in range(7)]
    place = f"/rooms/{room_id}/messages"
    found: list[int] = []
    page = await bench.ada.get(place, params={"limit": 3})
    while True:
        seqs = [one["seq"] for one in page["items"]]
        expect(seqs == sorted(seqs), "a page is oldest first", seqs)
        found = seqs + found
        if not page["has_more"]:
            break
        page = await bench.ada.get(place, params={"limit": 3, "before": found[0]})
    expect(found == sent, "all messages come, each once", found)
    page = await bench.ada.get(place, params={"after": sent[3], "limit": 2})
    seqs = [one["seq"] for one in page["items"]]
    expect(seqs == sent[4:6] and page["has_more"], "`after` gives those that are nearest to it", page)
    page = await bench.ada.get(place, params={"around": sent[3], "limit": 3})
    seqs = [one["seq"] for one in page["items"]]
    more = (page["has_more_before"], page["has_more_after"])
    expect(seqs == sent[2:5] and more == (True, True), "`around` has the seq in its middle", page)


async def lists(bench: Bench) -> None:
    """Lists go on with `next_cursor`, which is in `Link` as well, and have each item once."""
    rooms = {await bench.room() for _ in range(3)}
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2, **({} if cursor is None else {"cursor": cursor})}
        answer = await bench.ada.ask("GET", "/rooms", params=query)
        page = answer.json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        link = answer.headers.get("Link", "")
        expect(cursor in link and 'rel="next"' in link, "`Link` leads to the next page", link)
    expect(len(found) == len(set(found)), "no room comes twice", found)
    expect(rooms <= set(found), "all rooms come", found)


async def unread(bench: Bench) -> None:
    """Unread are the messages of others after `read_seq` that are not deleted; it falls only with `back`."""
    room_id = await bench.room(bench.bob)
    sent = [(await bench.send(bench.ada, room_id, f"Number {number}"))["seq"] for number in range(3)]
    await bench.send(bench.bob, room_id, "My own")
    await _counts(bench, bench.bob, room_id, unread_count=3, first_unread_seq=sent[0])
    await bench.ada.done("DELETE", f"/rooms/{room_id}/messages/{sent[0]}")
    await _counts(bench, bench.bob, room_id, unread_count=2, first_unread_seq=sent[1])
    place = f"/rooms/{room_id}/read"
    await bench.bob.done("PUT", place, json={"seq": sent[1]})
    await _counts(bench, bench.bob, room_id, unread_count=1, first_unread_seq=sent[2], read_seq=sent[1])
    await bench.bob.done("PUT", place, json={"seq": sent[0]})
    await _counts(bench, bench.bob, room_id, unread_count=1, read_seq=sent[1])
    await bench.bob.done("PUT", place, json={"seq": sent[0], "back": True})
    await _counts(bench, bench.bob, room_id, unread_count=2, read_seq=sent[0])
    async with bench.bob.socket() as socket:
        ack = await socket.acked(type="read", room_id=room_id, seq=999_999)
    head = (await bench.bob.get(f"/rooms/{room_id}"))["seq"]
    expect(ack["seq"] == head, f"it is read up to the head, {head}, and no further", dict(ack))
    await _counts(bench, bench.bob, room_id, unread_count=0, first_unread_seq=None)


async def mentions(bench: Bench) -> None:
    """The server finds whom a text mentions, members only, and not in code; an edit says it anew."""
    bench.needs("mentions")
    room_id, bob, last = await bench.room(bench.bob), bench.bob, 0
    for body, expected in (
        (f"Hello @{bob.username.upper()}.", [bob.id]),
        (f"`@{bob.username}` and x@{bob.username}", []),
        (f"@{bench.eve.username} is no member", []),
    ):
        last = (await bench.send(bench.ada, room_id, body))["seq"]
        found = await bench.ada.get(f"/rooms/{room_id}/messages/{last}")
        expect(found["mentions"] == expected, f"{body!r} mentions {expected}", found["mentions"])
    await _counts(bench, bob, room_id, mention_count=1)
    listed = await bob.get("/mentions", params={"limit": 5})
    expect(
        any(one["room_id"] == room_id for one in listed["items"]),
        "GET /mentions lists the message",
        listed["items"],
    )
    edited = await bench.ada.done(
        "PATCH", f"/rooms/{room_id}/messages/{last}", json={"body": f"@{bob.username}"}
    )
    expect(edited["mentions"] == [bob.id], "the edit mentions whom its text mentions", edited["mentions"])
    await _counts(bench, bob, room_id, mention_count=2)


async def _counts(bench: Bench, person: Person, room_id: str, **expected: Any) -> None:
    async def is_so() -> bool:
        room = await person.get(f"/rooms/{room_id}")
        return bool(expected.items() <= room.items())

    await eventually(is_so, f"the room has {expected} for its member")


CHECKS: Final = (history, lists, unread, mentions)
