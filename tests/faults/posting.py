"""Runs `tailwire` with webhooks that wait for parts of a second where they wait for hours.

python -m tests.faults.posting serve
"""

import sys
from typing import Final

from api import cli, guard
from api.jobs import schedule

GAPS_SECONDS: Final = (0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""The waits between attempts. The last one is repeated."""
ANSWER_SECONDS: Final = 2.0
"""A receiver that answers later has not answered."""
PROGRAM: Final = (sys.executable, "-m", "tests.faults.posting")


if __name__ == "__main__":
    schedule.GAPS_SECONDS = GAPS_SECONDS  # type: ignore[assignment,misc]
    guard.ANSWER_SECONDS = ANSWER_SECONDS  # type: ignore[misc]
    cli.main()
