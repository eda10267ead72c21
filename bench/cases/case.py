"""A case: a contender, the work, and how it is measured. A suite is a list of cases."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.contenders.contender import CONTENDERS, Contender
from bench.report.results import Row


@dataclass(frozen=True)
class Options:
    """The options of the command line. None leaves the choice to the suite.

    `checkouts` are those of Tailwire that are measured, in turn.
    """

    contenders: tuple[str, ...] | None
    seconds: float
    subscribers: int | None
    rate: float | None
    messages: int | None
    checkouts: tuple[Path, ...]

    def wants(self, contender: str) -> bool:
        """Whether this contender is to be measured."""
        return self.contenders is None or contender in self.contenders

    def chosen(self, names: Iterable[str]) -> Iterator[Contender]:
        """Yield those of these contenders that are to be measured, and Tailwire from each checkout."""
        for contender in (CONTENDERS[name] for name in names if self.wants(name)):
            yield from map(contender.of, self.checkouts) if contender.is_tailwire else [contender]


@dataclass(frozen=True)
class Case:
    """See the module. `measure` gets a directory for its files."""

    contender: str
    work: str
    measure: Callable[[Path], Row]
