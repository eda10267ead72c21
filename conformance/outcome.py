"""What came of a rule, and how it is shown."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What can come of a rule."""

    KEPT = "ok"
    BROKEN = "FAILED"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Outcome:
    """What came of a rule. Of one that was broken, what was expected and seen, and what happened last."""

    name: str
    text: str
    verdict: Verdict
    seconds: float
    expected: str = ""
    seen: str = ""
    trace: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """One line that says it."""
        return f"{self.verdict:<9} {self.name:<18} {self.seconds:5.1f} s  {self.text}"

    @property
    def details(self) -> str:
        """What is told of a rule that was not kept."""
        if self.verdict is Verdict.LEFT_OUT:
            return f"          {self.seen}"
        if self.verdict is Verdict.KEPT:
            return ""
        parts = [f"          expected: {self.expected}", f"          seen:     {self.seen}"]
        if self.trace:
            parts += [
                "          what happened last (seconds, who, what):",
                *(f"            {one}" for one in self.trace),
            ]
        return "\n".join(parts)
