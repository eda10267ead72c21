"""Rules of search: what is there now is found, by those who may read it, and nothing else."""

import asyncio
from typing import Any, Final

from conformance.rule import Failed
from conformance.server.bench import Bench, expect, unique
from conformance.server.people import Person

PAUSE_SECONDS: Final = 1.0
"""A message is found within about so long."""
TRIES: Final = 20


async def found(bench: Bench) -> None:
    """A message is found by its words, in any case and without accents, by the members of its room alone."""
    bench.needs("search")
    room_id, word = await bench.room(bench.bob), f"k{unique()[:12]}"
    sent = await bench.send(bench.ada, room_id, f"{word.upper()} Café to the river")
    await bench.send(bench.ada, room_id, f"{word} something else")
    for query in (f"{word} cafe", f'"{word} café to"', f"{word} riv*", f"{word} -something"):
        await _finds(bench.bob, query, [sent["seq"]])
    page = await bench.bob.get("/search", params={"q": f"{word} cafe", "room_id": room_id})
    expect(word in page["terms"], f"`terms` has {word}", page["terms"])
    await _finds(bench.bob, f"{word} from:{bench.bob.username}", [])
    await _finds(bench.eve, word, [])


async def found_no_more(bench: Bench) -> None:
    """What was edited away or deleted is not found, nor anything by who is not in the room any more."""
    bench.needs("search")
    room_id, word, other = await bench.room(bench.bob), f"k{unique()[:12]}", f"k{unique()[:12]}"
    edited = (await bench.send(bench.ada, room_id, f"{word} first"))["seq"]
    deleted = (await bench.send(bench.ada, room_id, f"{word} second"))["seq"]
    await _finds(bench.bob, word, [deleted, edited])
    await bench.ada.done("PATCH", f"/rooms/{room_id}/messages/{edited}", json={"body": other})
    await bench.ada.done("DELETE", f"/rooms/{room_id}/messages/{deleted}")
    await _finds(bench.bob, other, [edited])
    await _finds(bench.bob, word, [])
    await bench.ada.done("DELETE", f"/rooms/{room_id}/members/{bench.bob.id}")
    await _finds(bench.bob, other, [])


async def _finds(person: Person, query: str, seqs: list[int]) -> None:
    """Search again and again, not often, as searches are throttled, until it finds just these."""
    seen: Any = None
    for _ in range(TRIES):
        answer = await person.ask("GET", "/search", params={"q": query})
        seen = answer.status_code
        if answer.is_success:
            seen = [one["seq"] for one in answer.json()["items"]]
            if seen == seqs:
                return
        await asyncio.sleep(PAUSE_SECONDS)
    raise Failed(f"{query!r} finds the messages {seqs}, newest first", str(seen))


CHECKS: Final = (found, found_no_more)
