"""A fault as a case: how it is made, on which stores, how often, and what must hold."""

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests.faults.log import CHANGES, Log
from tests.faults.scene import Scene
from tests.faults.traffic import Traffic

BOTH: Final = ("sqlite", "rethinkdb")
CLUSTER: Final = ("rethinkdb",)
EMBEDDED: Final = ("sqlite",)

Play: TypeAlias = Callable[[Scene, "Rounds"], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One row of the table. `short` and `long`: how many rounds; `promise`: what must hold, in words."""

    id: str
    title: str
    stores: tuple[str, ...]
    short: int
    long: int
    promise: str
    play: Play


CASES: list[Case] = []


def case(
    id_: str, title: str, *, stores: tuple[str, ...] = BOTH, short: int = 0, long: int, promise: str
) -> Callable[[Play], Play]:
    """Add the decorated function to `CASES`. With `short=0` it is played in the long form only."""

    def add(play: Play) -> Play:
        CASES.append(Case(id_, title, stores, short, long, promise, play))
        return play

    return add


@dataclass
class Verdict:
    """The result of one case on one store."""

    case: Case
    store: str
    seed: str
    rounds: int = 0
    skipped: str = ""
    violations: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)  # figures out of their bounds
    figures: dict[str, list[float]] = field(default_factory=dict)
    rates: set[str] = field(default_factory=set)  # figures whose worst value is the least
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """Return held, missed (only bounds of time or size), BROKEN or skipped."""
        if self.skipped:
            return "skipped"
        if self.violations or not self.rounds:
            return "BROKEN"
        return "missed" if self.missed else "held"

    def summary(self) -> str:
        """Return the figures as median and worst."""
        if self.skipped:
            return self.skipped
        shown = []
        for name, values in self.figures.items():
            ranked = sorted(values, reverse=name in self.rates)
            middle, worst = ranked[len(ranked) // 2], ranked[-1]
            shown.append(
                f"{name} {middle:.3g}" if len(ranked) == 1 else f"{name} {middle:.3g}, worst {worst:.3g}"
            )
        return "; ".join(shown)


class Round:
    """One round of a case. Its `rng` follows from the seed, so the same seed breaks at the same moments."""

    def __init__(self, verdict: Verdict, number: int, directory: Path) -> None:
        self.number = number
        self.rng = random.Random(f"{verdict.seed}:{verdict.case.id}:{verdict.store}:{number}")
        self._verdict = verdict
        self._directory = directory

    def took(
        self, name: str, value: float, *, at_most: float | None = None, at_least: float | None = None
    ) -> None:
        """Note a figure, and a miss when it is out of its bounds."""
        self._verdict.figures.setdefault(name, []).append(value)
        if at_most is not None and value > at_most:
            self._missed(f"{name} {value:.3g}, at most {at_most} was promised")
        if at_least is not None:
            self._verdict.rates.add(name)
            if value < at_least:
                self._missed(f"{name} {value:.3g}, at least {at_least} was promised")

    def _missed(self, what: str) -> None:
        self._verdict.missed.append(f"round {self.number}: {what}")

    def require(self, holds: bool, otherwise: str) -> None:
        """Note the violation `otherwise` unless `holds`."""
        if not holds:
            self._verdict.violations.append(f"round {self.number}: {otherwise}")

    @asynccontextmanager
    async def watching(
        self, traffic: Traffic, *, tracebacks: bool = False, has_begun: bool = False
    ) -> AsyncIterator[None]:
        """Check the history of the traffic's clients during this block. Keep a bad history in a file.

        With `tracebacks` the nodes' logs may hold some. With `has_begun` it is the history that the traffic has begun.
        """
        async with traffic.watched(has_begun=has_begun) as violations:
            yield
        for node in traffic.nodes:
            self.require(tracebacks or node.tracebacks() == 0, f"a traceback in {node.log}")
        log = Log(traffic.history)
        kinds = Counter(content.kind for place, content in log.stored.items() if not log.is_old(place))
        self.took("messages", kinds["message"])
        if traffic.mix is not None:
            self.took("changes", sum(kinds[kind] for kind in CHANGES))
        if violations:
            path = self._directory / f"{self._verdict.case.id}-{self._verdict.store}-{self.number}.jsonl"
            traffic.history.write(path)
            for violation in violations[:20]:
                self.require(False, f"{violation} ({path})")


class Rounds:
    """Yields the rounds of one case: `count` of them, fewer when the time is over."""

    def __init__(
        self, verdict: Verdict, count: int, seconds: float, directory: Path, minutes: float | None = None
    ) -> None:
        self._verdict = verdict
        self._minutes = minutes
        self.count = count
        self._until = time.monotonic() + seconds
        self._directory = directory

    def lasting(self, minutes: float) -> float:
        """Return the duration of a load in seconds: these minutes, or those of the command line."""
        return 60 * (self._minutes or minutes)

    def __iter__(self) -> Iterator[Round]:
        """Count each round when it is over. End after a violation."""
        for number in range(1, self.count + 1):
            if self._verdict.violations or (number > 1 and time.monotonic() > self._until):
                return
            yield Round(self._verdict, number, self._directory)
            self._verdict.rounds += 1
            if number % max(1, self.count // 10) == 0 and self.count > 1:
                print(f"    round {number} of {self.count}: {self._verdict.summary()}", flush=True)


async def play(
    case: Case,
    store: str,
    *,
    seed: str,
    rounds: int,
    seconds: float,
    directory: Path,
    minutes: float | None = None,
) -> Verdict:
    """Play a case on a store. Every outcome is a verdict, also an exception."""
    verdict = Verdict(case, store, seed)
    began = time.monotonic()
    place = directory / f"{case.id}-{store}"
    place.mkdir(parents=True, exist_ok=True)
    try:
        async with Scene.open(store, place) as scene:
            await case.play(scene, Rounds(verdict, rounds, seconds, directory, minutes))
    except pytest.skip.Exception as skipped:
        verdict.skipped = str(skipped)
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001  a case that cannot go on is broken
        lines = "".join(traceback.format_exception(error)).splitlines()
        verdict.violations.append(f"round {verdict.rounds + 1}: {lines[-1]}")
        (place / "failure.txt").write_text("\n".join(lines))
    verdict.seconds = time.monotonic() - began
    return verdict
