"""Runs `tailwire` with a failpoint armed: while FILE exists, passing it ends the process, or raises.

python -m tests.faults.crashing {die|raise} FAILPOINT FILE serve
"""

import os
import signal
import sys
from pathlib import Path

from api import cli, failpoints
from api.failpoints import Failpoint


def arm(how: str, point: Failpoint, trigger: Path) -> None:
    """When the process passes `point` and `trigger` exists, end it like a power cut, or raise."""

    def reached(passed: Failpoint, /) -> None:
        if passed is point and trigger.exists():
            if how == "raise":
                raise RuntimeError("a failpoint was passed")
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.reached = reached


if __name__ == "__main__":
    arm(sys.argv[1], Failpoint(sys.argv[2]), Path(sys.argv[3]))
    del sys.argv[1:4]
    cli.main()
