"""Tries a server: one check after the other, with three users."""

import time
from collections.abc import AsyncIterator, Iterable
from typing import Final

import httpx
from websockets.exceptions import WebSocketException

from conformance.outcome import Outcome, Verdict
from conformance.rule import Failed, Rule, Skipped
from conformance.server import (
    absence,
    accounts,
    conventions,
    files,
    hooks,
    mcp,
    messages,
    reading,
    rooms,
    search,
    sockets,
    streams,
)
from conformance.server.bench import Accounts, Bench, bench

__all__ = ["CHECKS", "Accounts", "examination"]

PARTS: Final = (
    conventions,
    sockets,
    streams,
    absence,
    messages,
    reading,
    search,
    files,
    rooms,
    hooks,
    mcp,
    accounts,
)
CHECKS: Final[tuple[Rule[Bench], ...]] = tuple(Rule.of(play) for part in PARTS for play in part.CHECKS)
"""All rules of servers, in the order in which they are tried."""


async def examination(checks: Iterable[Rule[Bench]], url: str, accounts: Accounts) -> AsyncIterator[Outcome]:
    """Yield what came of each check."""
    async with bench(url, accounts) as made:
        for check in checks:
            yield await tried(check, made)


async def tried(check: Rule[Bench], made: Bench) -> Outcome:
    """Make one check."""
    began = time.monotonic()
    verdict, expected, seen = Verdict.KEPT, "", ""
    try:
        await check.play(made)
    except Failed as failure:
        verdict, expected, seen = Verdict.BROKEN, failure.expected, failure.seen
    except Skipped as skipped:
        verdict, seen = Verdict.LEFT_OUT, str(skipped)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as failure:
        verdict, expected = Verdict.BROKEN, "answers have the fields and types of docs/protocol.md"
        seen = repr(failure)
    except (httpx.TransportError, WebSocketException, OSError, EOFError) as failure:
        verdict, expected = Verdict.BROKEN, "the server answers, and keeps its connections"
        seen = repr(failure)
    return Outcome(
        check.name, check.text, verdict, time.monotonic() - began, expected, seen, made.trace.lines
    )
