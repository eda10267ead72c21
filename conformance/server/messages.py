"""Rules of messages: each once under its ref, and what changes them."""

import asyncio
from typing import Any, Final

from conformance.server.bench import Bench, expect, unique

TOO_LONG: Final = 4_001
AT_ONCE: Final = 8


async def once(bench: Bench) -> None:
    """A message is stored once under its ref, however often and on whatever road it comes."""
    room_id, ref = await bench.room(), unique()
    place, body = f"/rooms/{room_id}/messages", {"ref": ref, "body": "Once"}
    async with bench.ada.socket() as socket:
        over_http = [bench.ada.ask("POST", place, json=body) for _ in range(AT_ONCE)]
        answers, ack = await asyncio.gather(
            asyncio.gather(*over_http), socket.acked(type="send", room_id=room_id, **body)
        )
        again = await socket.acked(type="send", room_id=room_id, **body)
        statuses = sorted(one.status_code for one in answers)
        expect(set(statuses) <= {200, 201}, "each try succeeds", statuses)
        expect(statuses.count(201) <= 1, "at most one of them is 201", statuses)
        seqs = {one.json()["seq"] for one in answers} | {ack["seq"], again["seq"]}
        expect(len(seqs) == 1, "each try is told the same seq", seqs)
        fields = {"room_id", "epoch", "seq", "at"}
        expect(fields <= ack.keys(), f"an ack has {sorted(fields)}", dict(ack))
        await socket.refused("ref_conflict", type="send", room_id=room_id, ref=ref, body="Another")
    await bench.ada.refused(409, "ref_conflict", "POST", place, json={"ref": ref, "body": "Another"})
    bodies = [one.get("body") for one in await bench.log(bench.ada, room_id) if one["type"] == "message"]
    expect(bodies == ["Once"], "the log has it once", bodies)


async def idempotency_key(bench: Bench) -> None:
    """`Idempotency-Key` is the ref; where both are given they are equal."""
    room_id, key = await bench.room(), unique()
    place = f"/rooms/{room_id}/messages"
    first = await bench.ada.ask("POST", place, json={"body": "K"}, headers={"Idempotency-Key": f'"{key}"'})
    again = await bench.ada.ask("POST", place, json={"body": "K", "ref": key})
    expect((first.status_code, again.status_code) == (201, 200), "201, then 200", (first.text, again.text))
    await bench.ada.refused(
        422, "bad_ref", "POST", place, json={"body": "K", "ref": key}, headers={"Idempotency-Key": "another"}
    )


async def bodies(bench: Bench) -> None:
    """A body has 1 to 4,000 characters of Unicode, and comes back as it was sent."""
    room_id = await bench.room()
    place = f"/rooms/{room_id}/messages"
    for body in ("\U0001f600" * 4_000, " leading, trailing ", "a\nb\tc", "e\u0301 \u200d \u202e x"):
        sent = await bench.send(bench.ada, room_id, body)
        found = await bench.ada.get(f"{place}/{sent['seq']}")
        expect(found["body"] == body, "it comes back as it was sent", found["body"][:100])
    await bench.ada.refused(422, "empty", "POST", place, json={"ref": unique(), "body": " \n\u200b"})
    answer = await bench.ada.ask("POST", place, json={"ref": unique(), "body": "x" * TOO_LONG})
    expect(answer.status_code == 422, "4,001 characters are refused", answer.status_code)


async def edits(bench: Bench) -> None:
    """An edit is an entry of its own; the message keeps its place, and its author alone edits it."""
    bench.needs("edit")
    room_id = await bench.room(bench.bob)
    seq = (await bench.send(bench.ada, room_id, "First"))["seq"]
    place = f"/rooms/{room_id}/messages/{seq}"
    async with bench.listening(bench.bob, room_id) as socket:
        edited = await bench.ada.done("PATCH", place, json={"body": "Second", "ref": unique()})
        expect(
            (edited["seq"], edited["body"]) == (seq, "Second"), "it has the new body, at its place", edited
        )
        await socket.until(lambda one: one["type"] == "edit" and one["target"] == seq, f"an `edit` of {seq}")
        await socket.refused("forbidden", type="edit", room_id=room_id, seq=seq, body="Mine")
    found = await bench.bob.get(place)
    expect(found["edited_at"] is not None, "`edited_at` is told", found)
    told = await bench.bob.get(f"{place}/edits")
    texts = [told["original"]["body"], *(one["body"] for one in told["items"])]
    expect(texts == ["First", "Second"], "its edits are told", texts)


async def deletes(bench: Bench) -> None:
    """A delete takes the text out of everything that is read; the seq stays, and nothing changes it any more."""
    bench.needs("delete")
    room_id, secret, ref = await bench.room(bench.bob), f"secret-{unique()}", unique()
    body = {"ref": ref, "body": secret}
    seq = (await bench.ada.done("POST", f"/rooms/{room_id}/messages", json=body))["seq"]
    place = f"/rooms/{room_id}/messages/{seq}"
    await bench.ada.done("PATCH", place, json={"body": f"{secret} edited"})
    async with bench.ada.socket() as socket:
        ack = await socket.acked(type="delete", room_id=room_id, seq=seq)
        again = await socket.acked(type="delete", room_id=room_id, seq=seq)
        expect(ack["seq"] == again["seq"], "a second delete is answered with the first", dict(again))
        retry = await socket.acked(type="send", room_id=room_id, **body)
        expect(retry["seq"] == seq, "a retry of the message still has its ack", dict(retry))
    for path in (place, f"/rooms/{room_id}/messages", f"/rooms/{room_id}/log", f"{place}/edits"):
        answer = await bench.bob.ask("GET", path)
        expect(secret not in answer.text, f"the text is gone from {path}", answer.text)
    async with bench.bob.socket() as socket:
        position = {"epoch": await bench.epoch(room_id), "seq": 0}
        await socket.acked(type="subscribe", room_id=room_id, since=position)
        await socket.event("live", room_id=room_id)
        expect(secret not in str(socket.events), "the text is gone from a replay", socket.events)
        seqs = [one["seq"] for one in socket.entries(room_id)]
        expect(seqs == list(range(1, len(seqs) + 1)), "the seq stays", seqs)
    found = await bench.bob.get(place)
    expect((found["deleted"], found["body"]) == (True, ""), "it is `deleted`, with an empty body", found)
    await bench.ada.refused(409, "deleted", "PATCH", place, json={"body": "Too late"})
    await bench.ada.refused(
        409,
        "deleted",
        "POST",
        f"/rooms/{room_id}/messages",
        json={"ref": unique(), "body": "x", "reply_to": seq},
    )


async def reactions(bench: Bench) -> None:
    """A reaction counts once for each user, in one form of each emoji, and is taken back."""
    bench.needs("react")
    room_id = await bench.room(bench.bob)
    seq = (await bench.send(bench.ada, room_id, "Nice?"))["seq"]
    place = f"/rooms/{room_id}/messages/{seq}/reactions"
    message: dict[str, Any] = {}
    for person, heart in ((bench.ada, "\u2764"), (bench.ada, "\u2764\ufe0f"), (bench.bob, "\u2764\ufe0f")):
        message = await person.done("PUT", f"{place}/{heart}")
    told = [(one["emoji"], one["count"], one["user_ids"]) for one in message["reactions"]]
    expect(
        told == [("\u2764\ufe0f", 2, [bench.ada.id, bench.bob.id])],
        "one emoji, of two users, in their order",
        told,
    )
    message = await bench.ada.done("DELETE", f"{place}/\u2764")
    expect(message["reactions"][0]["count"] == 1, "it is taken back", message["reactions"])
    await bench.ada.refused(422, "bad_emoji", "PUT", f"{place}/xx")


async def pins(bench: Bench) -> None:
    """A pin is told to all, listed, and taken away again."""
    bench.needs("pin")
    room_id = await bench.room(bench.bob)
    seq = (await bench.send(bench.ada, room_id, "Read this"))["seq"]
    place = f"/rooms/{room_id}/messages/{seq}/pin"
    await bench.bob.refused(403, "forbidden", "PUT", place)
    async with bench.listening(bench.bob, room_id) as socket:
        await bench.ada.done("PUT", place)
        await socket.until(lambda one: one["type"] == "pin" and one["target"] == seq, f"a `pin` of {seq}")
    listed = [one["seq"] for one in (await bench.bob.get(f"/rooms/{room_id}/pins"))["items"]]
    expect(listed == [seq], "it is listed", listed)
    await bench.ada.done("DELETE", place)
    expect(
        (await bench.bob.get(f"/rooms/{room_id}/pins"))["items"] == [], "it is not listed any more", "it is"
    )


async def threads(bench: Bench) -> None:
    """Answers, and answers to answers, stand below one root, which counts those that are not deleted."""
    bench.needs("threads")
    room_id = await bench.room()
    root = (await bench.send(bench.ada, room_id, "Root"))["seq"]
    first = await bench.send(bench.ada, room_id, "Reply", reply_to=root)
    second = await bench.send(bench.ada, room_id, "Reply to it", reply_to=first["seq"])
    found = [first["thread"], second["thread"]]
    expect(found == [root, root], f"both stand in thread {root}", found)
    listed = await bench.ada.get(f"/rooms/{room_id}/messages/{root}/thread")
    seqs = [one["seq"] for one in listed["items"]]
    expect(seqs == [first["seq"], second["seq"]], "the thread lists them, oldest first", seqs)
    await bench.ada.done("DELETE", f"/rooms/{room_id}/messages/{first['seq']}")
    message = await bench.ada.get(f"/rooms/{room_id}/messages/{root}")
    expect(message["reply_count"] == 1, "a deleted reply does not count", message["reply_count"])
    answer: dict[str, Any] = {"ref": unique(), "body": "To nobody", "reply_to": 999_999}
    await bench.ada.refused(404, "not_found", "POST", f"/rooms/{room_id}/messages", json=answer)


CHECKS: Final = (once, idempotency_key, bodies, edits, deletes, reactions, pins, threads)
