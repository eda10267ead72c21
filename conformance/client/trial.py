"""Tries a client: each rule with a server and a program of its own, some at a time."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final

from conformance.client import absence, closes, consuming, faults, requests, sending, sessions, streams
from conformance.client.stage import Stage, Terms, staged
from conformance.outcome import Outcome, Verdict
from conformance.rule import Failed, Rule, Skipped

RULES: Final[tuple[Rule[Stage], ...]] = tuple(
    Rule.of(play)
    for part in (streams, absence, closes, sessions, sending, requests, consuming, faults)
    for play in part.SCENARIOS
)
"""All rules of clients, in the order in which they are listed."""


async def tried(rule: Rule[Stage], terms: Terms) -> Outcome:
    """Play one scenario."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        async with staged(terms, Path(folder)) as stage:
            verdict, expected, seen = Verdict.KEPT, "", ""
            try:
                await rule.play(stage)
                stage.check()
            except Failed as failure:
                verdict, expected, seen = Verdict.BROKEN, failure.expected, failure.seen
            except Skipped as skipped:
                verdict, seen = Verdict.LEFT_OUT, str(skipped)
            took = time.monotonic() - began
            return Outcome(rule.name, rule.text, verdict, took, expected, seen, tuple(stage.trace))


async def trial(rules: Iterable[Rule[Stage]], terms: Terms, at_once: int) -> AsyncIterator[Outcome]:
    """Play scenarios, so many at a time, and yield what came of each as soon as it is known."""
    places = asyncio.Semaphore(at_once)

    async def play(rule: Rule[Stage]) -> Outcome:
        async with places:
            return await tried(rule, terms)

    tasks = [asyncio.create_task(play(rule)) for rule in rules]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
