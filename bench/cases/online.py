"""People online: what it costs when they come and go while others watch them, and what notices cost."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bench.cases.case import Case, Options
from bench.cases.sends import run_alone
from bench.report.results import Row

ONLINE: Final = (1_250, 2_500, 5_000)
PROGRAM: Final = str(Path(__file__).with_name("online_alone.py"))


def cases(options: Options) -> Iterator[Case]:
    """Yield what there is to measure."""
    if options.wants("tailwire"):
        for count in ONLINE:
            yield Case("tailwire", f"online {count}", partial(_online, count))


def _online(count: int, _directory: Path) -> Row:
    return run_alone(PROGRAM, str(count))
