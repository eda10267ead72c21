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
    """Rows, each of one run: `suite`, `contender`, `work`, `run`, and what was measured."""

    path: Path
    machine: str = ""
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def at(cls, path: Path) -> "Results":
        """Return what is kept at the path, or nothing yet."""
        if not path.exists():
            return cls(path)
        kept = json.loads(path.read_text())
        return cls(path, kept["machine"], kept["rows"])

    def replace(self, suite: str, contender: str, work: str) -> None:
        """Forget what was measured of this before: it is measured anew."""
        self.rows = [
            row
            for row in self.rows
            if (row["suite"], row["contender"], row["work"]) != (suite, contender, work)
        ]

    def add(self, suite: str, contender: str, work: str, figures: Row) -> None:
        """Take one run's figures, and keep all."""
        short = {
            name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()
        }
        self.rows.append({"suite": suite, "contender": contender, "work": work, **short})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = ",\n  ".join(json.dumps(row) for row in self.rows)
        self.path.write_text(f'{{\n "machine": {json.dumps(self.machine)},\n "rows": [\n  {lines}\n ]\n}}\n')

    def runs(self, suite: str, contender: str | None = None, work: str | None = None) -> list[Row]:
        """Return the rows that are these."""
        return [
            row
            for row in self.rows
            if row["suite"] == suite and contender in {None, row["contender"]} and work in {None, row["work"]}
        ]

    def works(self, suite: str) -> list[str]:
        """Return what was done in a suite, in the order of its first run."""
        return list(dict.fromkeys(row["work"] for row in self.runs(suite)))

    def contenders(self, suite: str, work: str) -> list[str]:
        """Return who did it."""
        return list(dict.fromkeys(row["contender"] for row in self.runs(suite, work=work)))


def median(rows: Iterable[Row], name: str) -> float | None:
    """Return the median of one figure over the runs that have it."""
    found = [row[name] for row in rows if row.get(name) is not None]
    return statistics.median(found) if found else None
