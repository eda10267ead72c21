"""The figures of all runs, kept as JSON so that tables and charts can be made again."""

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]


@dataclass
class Results:
    """Rows, one for each run: `suite`, `contender`, `work`, `run`, and the figures."""

    path: Path
    machines: dict[str, str] = field(default_factory=dict)
    """By suite, the machine on which all of its rows were measured."""
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path) -> "Results":
        """Return the results at this path; none when there is no file."""
        if not path.exists():
            return cls(path)
        kept = json.loads(path.read_text())
        return cls(path, kept["machines"], kept["rows"])

    def measured_on(self, machine: str, suite: str) -> None:
        """Note on which machine a suite is measured. Drops its rows of another: their figures do not compare."""
        if self.machines.get(suite) != machine:
            self.rows = [row for row in self.rows if row["suite"] != suite]
        self.machines[suite] = machine

    def replace(self, suite: str, contender: str, work: str) -> None:
        """Drop the earlier rows of this work, before it is measured again."""
        self.rows = [
            row
            for row in self.rows
            if (row["suite"], row["contender"], row["work"]) != (suite, contender, work)
        ]

    def add(self, suite: str, contender: str, work: str, figures: Row) -> None:
        """Add the figures of one run, and save all."""
        short = {
            name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()
        }
        self.rows.append({"suite": suite, "contender": contender, "work": work, **short})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n  ".join(json.dumps(row) for row in self.rows)
        machines = json.dumps(self.machines)
        self.path.write_text(f'{{\n "machines": {machines},\n "rows": [\n  {lines}\n ]\n}}\n')

    def runs(self, suite: str, contender: str | None = None, work: str | None = None) -> list[Row]:
        """Return the rows of a suite, or those of one contender or work in it."""
        return [
            row
            for row in self.rows
            if row["suite"] == suite and contender in {None, row["contender"]} and work in {None, row["work"]}
        ]

    def works(self, suite: str) -> list[str]:
        """Return the works of a suite, in the order of its first run."""
        return list(dict.fromkeys(row["work"] for row in self.runs(suite)))


def median(rows: Iterable[Row], name: str) -> float | None:
    """Return the median of one figure over the runs that have it."""
    found = [row[name] for row in rows if row.get(name) is not None]
    return statistics.median(found) if found else None
