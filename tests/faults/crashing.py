"""Runs `tailwire` so that passing a failpoint ends the process, once a file is there that says so.

python -m tests.faults.crashing FAILPOINT FILE serve
"""

import os
import signal
import sys
from pathlib import Path

from api import cli, failpoints
from api.failpoints import Failpoint


def arm(point: Failpoint, trigger: Path) -> None:
    """End this process as a power cut would, when it passes `point` and `trigger` exists."""

    def reached(passed: Failpoint, /) -> None:
        if passed is point and trigger.exists():
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.reached = reached


if __name__ == "__main__":
    arm(Failpoint(sys.argv[1]), Path(sys.argv[2]))
    del sys.argv[1:3]
    cli.main()
