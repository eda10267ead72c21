"""One thing to measure once: whom, what work, and how. A suite is a list of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.report.results import Row


@dataclass(frozen=True)
class Options:
    """What the command line asks for; a suite has its own ideas where it says nothing."""

    contenders: tuple[str, ...] | None
    seconds: float
    subscribers: int | None
    rate: float | None

    def wants(self, contender: str) -> bool:
        """Whether this contender is asked for."""
        return self.contenders is None or contender in self.contenders


@dataclass(frozen=True)
class Case:
    """See the module. `measure` gets a directory for what it leaves behind."""

    contender: str
    work: str
    measure: Callable[[Path], Row]
