"""Rules of search: what is there now is found, by those who may read it, and nothing else."""

from typing import Any, Final

from conformance.server.bench import Bench, eventually, expect, unique
from conformance.server.people import Person


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
    seen: list[Any] = []

    async def is_so() -> bool:
        nonlocal seen
        answer = await person.ask("GET", "/search", params={"q": query})
        if answer.status_code == 503:  # the index is being made, or others search
            return False
        page = answer.json()
        seen = [one["seq"] for one in page["items"]]
        return bool(seen == seqs)

    await eventually(is_so, f"{query!r} finds the messages {seqs}, newest first")


CHECKS: Final = (found, found_no_more)
