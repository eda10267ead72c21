"""Rules of subscriptions: a replay without holes, then everything once and in order."""

import asyncio
from typing import Final

from conformance.server.bench import Bench, eventually, expect, unique
from conformance.server.frames import is_entry
from conformance.server.people import Event, Person

EACH: Final = 12
"""The messages that each of three users sends at once."""


async def replay(bench: Bench) -> None:
    """A subscription with `since` brings exactly what is missing, then `live`, then what is new."""
    room_id = await bench.room(bench.bob)
    sent = [await bench.send(bench.ada, room_id, f"Number {number}") for number in range(5)]
    epoch, head = await bench.epoch(room_id), sent[-1]["seq"]
    for since in (0, head - 3, head):
        async with bench.bob.socket() as socket:
            ack = await socket.acked(type="subscribe", room_id=room_id, since={"epoch": epoch, "seq": since})
            expect(
                (ack["epoch"], ack["seq"]) == (epoch, head), f"the ack has epoch and seq {head}", dict(ack)
            )
            live = await socket.event("live", room_id=room_id)
            expect(
                (live["epoch"], live["seq"]) == (epoch, head),
                "`live` has the position of the head",
                dict(live),
            )
            before = socket.events[: socket.events.index(live)]
            seqs = [one["seq"] for one in before if is_entry(one)]
            expect(
                seqs == list(range(since + 1, head + 1)), f"entries {since + 1} to {head} come first", seqs
            )
            further = await bench.send(bench.ada, room_id, unique())
            head = further["seq"]
            await socket.reached(room_id, head)
            expect(socket.entries(room_id)[-1]["body"] == further["body"], "then what is new", further)


async def no_since(bench: Bench) -> None:
    """A subscription without `since` brings only what is new."""
    room_id = await bench.room()
    await bench.send(bench.ada, room_id, "Before")
    async with bench.listening(bench.ada, room_id) as socket:
        sent = await bench.send(bench.ada, room_id, "After")
        await socket.reached(room_id, sent["seq"])
        bodies = [one.get("body") for one in socket.entries(room_id)]
        expect(bodies == ["After"], "only what was sent afterwards comes", bodies)


async def epochs(bench: Bench) -> None:
    """A position of another epoch is refused everywhere: `reset`, and nothing is done."""
    room_id = await bench.room()
    sent = await bench.send(bench.ada, room_id, "Mine")
    other, seq = "of-another-life", sent["seq"]
    async with bench.ada.socket() as socket:
        await socket.acked(type="subscribe", room_id=room_id, since={"epoch": other, "seq": seq})
        told = await socket.event("reset", room_id=room_id)
        expect(told["seq"] == seq, f"`reset` has the head, {seq}", dict(told))
        for command in (
            {"type": "send", "body": "x", "reply_to": seq},
            {"type": "edit", "seq": seq, "body": "x"},
            {"type": "delete", "seq": seq},
            {"type": "react", "seq": seq, "emoji": "👍"},
            {"type": "pin", "seq": seq},
            {"type": "read", "seq": seq},
        ):
            await socket.refused("reset", room_id=room_id, epoch=other, **command)
        expect(not socket.entries(room_id), "nothing is stored", socket.entries(room_id))
    place = f"/rooms/{room_id}"
    await bench.ada.refused(409, "reset", "GET", f"{place}/log", params={"after": 0, "epoch": other})
    await bench.ada.refused(409, "reset", "PUT", f"{place}/read", json={"seq": seq, "epoch": other})
    await bench.ada.refused(409, "reset", "DELETE", f"{place}/messages/{seq}", params={"epoch": other})


async def one_order(bench: Bench) -> None:
    """Whatever many send at once has one order for all, without holes, each message once."""
    room_id = await bench.room(bench.bob, bench.eve)
    people = (bench.ada, bench.bob, bench.eve)
    async with (
        bench.listening(bench.ada, room_id) as ada,
        bench.listening(bench.bob, room_id) as bob,
        bench.listening(bench.eve, room_id) as eve,
    ):
        sockets = dict(zip([one.id for one in people], (ada, bob, eve), strict=True))

        async def talk(person: Person) -> list[tuple[str, int]]:
            told = []
            for number in range(EACH):
                body = unique()
                if number % 2:
                    seq = (await bench.send(person, room_id, body))["seq"]
                else:
                    command = {"type": "send", "room_id": room_id, "body": body}
                    seq = (await sockets[person.id].acked(**command))["seq"]
                told.append((body, seq))
            return told

        told = [one for each in await asyncio.gather(*(talk(one) for one in people)) for one in each]
        log = [one for one in await bench.log(bench.ada, room_id) if one["type"] == "message"]
        head = log[-1]["seq"]
        for one in sockets.values():
            await one.reached(room_id, head)
        orders = [_order(one.entries(room_id)) for one in sockets.values()]
    expected = _order(log)
    expect(all(one == expected for one in orders), "each socket and the log have one order", "they differ")
    seqs = [seq for seq, _ in expected]
    expect(seqs == list(range(seqs[0], seqs[0] + 3 * EACH)), "seqs are in steps of one", seqs)
    expect(
        sorted((seq, body) for body, seq in told) == expected,
        "each ack has the seq of its message",
        "they differ",
    )


async def log_pages(bench: Bench) -> None:
    """The log has one entry for each seq up to the head, from 1 on, however short its pages are."""
    room_id = await bench.room(bench.bob)
    for number in range(4):
        await bench.send(bench.ada, room_id, f"Number {number}")
    found: list[Event] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = await bench.bob.get(f"/rooms/{room_id}/log", params={"after": after, "limit": 2})
        expect(len(page["items"]) <= 2, "a page has at most what was asked for", page["items"])
        found += page["items"]
        if not page["items"] or found[-1]["seq"] == page["seq"]:
            break
    seqs = [one["seq"] for one in found]
    expect(seqs == list(range(1, page["seq"] + 1)), f"seqs are 1 to {page['seq']}", seqs)


async def removal(bench: Bench) -> None:
    """Who is removed hears it, and nothing more of the room; who comes back is given what they missed."""
    room_id = await bench.room(bench.bob)
    async with bench.listening(bench.bob, room_id) as socket:
        head = (await bench.send(bench.ada, room_id, "Before"))["seq"]
        await socket.reached(room_id, head)
        position = {"epoch": await bench.epoch(room_id), "seq": head}
        await bench.ada.done("DELETE", f"/rooms/{room_id}/members/{bench.bob.id}")
        await socket.event("membership", room_id=room_id, role=None, reason="removed")
        secret = await bench.send(bench.ada, room_id, "Without Bob")
        await socket.refused("not_found", type="subscribe", room_id=room_id)
        await bench.ada.done("PUT", f"/rooms/{room_id}/members/{bench.bob.id}", json={"role": "member"})
        await socket.event("membership", room_id=room_id, role="member", reason="added")
        heard = [one.get("body") for one in socket.entries(room_id)]
        expect("Without Bob" not in heard, "nothing comes after the removal", heard)
        ack = await socket.acked(type="subscribe", room_id=room_id, since=position)
        await socket.reached(room_id, ack["seq"])
        seqs = [one["seq"] for one in socket.entries(room_id)]
        expect(secret["seq"] in seqs, "what was missed is replayed", seqs)
        expect(sorted(set(seqs)) == list(range(seqs[0], seqs[-1] + 1)), "there is no hole", seqs)


async def consumers(bench: Bench) -> None:
    """A consumer gives everything until it is acknowledged, in the order of seq, and waits for what is new."""
    bench.needs("consumers")
    room_id, name = await bench.room(bench.bob), f"kit-{unique()[:16]}"
    sent = await bench.send(bench.ada, room_id, "For the consumer")
    path = f"/consumers/{name}"
    await bench.bob.done("PUT", path, json={"room_ids": [room_id], "start": "beginning"})
    try:
        first = await bench.bob.get(f"{path}/entries")
        seqs = [one["seq"] for one in first["items"]]
        expect(seqs == list(range(1, sent["seq"] + 1)), f"entries 1 to {sent['seq']} come", seqs)
        epochs_of = {one.get("epoch") for one in first["items"]}
        expect(epochs_of == {await bench.epoch(room_id)}, "each has the epoch of the room", epochs_of)
        again = await bench.bob.get(f"{path}/entries")
        expect([one["seq"] for one in again["items"]] == seqs, "what has no ack comes again", again["items"])
        await bench.bob.done("POST", f"{path}/ack", json={"token": again["token"]})
        waiting = asyncio.create_task(bench.bob.get(f"{path}/entries", params={"wait": 20}))
        further = await bench.send(bench.ada, room_id, "And this")
        page = await waiting
        seqs = [one["seq"] for one in page["items"]]
        expect(seqs == [further["seq"]], "only what is new comes after the ack", seqs)
        await bench.bob.done("POST", f"{path}/ack", json={"token": first["token"]})
        page = await bench.bob.get(f"{path}/entries")
        seqs = [one["seq"] for one in page["items"]]
        expect(seqs == [further["seq"]], "an ack of an earlier token changes nothing", seqs)
        await bench.bob.refused(422, "bad_cursor", "POST", f"{path}/ack", json={"token": "of-nobody"})
        await bench.eve.refused(404, "not_found", "GET", f"{path}/entries")
    finally:
        await bench.bob.done("DELETE", path)


async def online(bench: Bench) -> None:
    """A room's epoch and head in GET /rooms are those of its log."""
    room_id = await bench.room()
    sent = await bench.send(bench.ada, room_id, "The last")

    async def is_told() -> bool:
        (room,) = (await bench.ada.get("/rooms", params={"ids": room_id}))["items"]
        return bool(room["seq"] == sent["seq"] and room["last_message"]["seq"] == sent["seq"])

    await eventually(is_told, f"GET /rooms?ids= has the head {sent['seq']}")


def _order(entries: list[Event]) -> list[tuple[int, str]]:
    return [(one["seq"], one["body"]) for one in entries if one["type"] == "message"]


CHECKS: Final = (replay, no_since, epochs, one_order, log_pages, removal, consumers, online)
