"""A case: a contender, the work, and how it is measured. A suite is a list of cases."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.report.results import Row


@dataclass(frozen=True)
class Options:
    """The options of the command line. None leaves the choice to the suite."""

    contenders: tuple[str, ...] | None
    seconds: float
    subscribers: int | None
    rate: float | None

    def wants(self, contender: str) -> bool:
        """Whether this contender is to be measured."""
        return self.contenders is None or contender in self.contenders


@dataclass(frozen=True)
class Case:
    """See the module. `measure` gets a directory for its files."""

    contender: str
    work: str
    measure: Callable[[Path], Row]
