"""Runs `tailwire` with files that are swept after seconds where they wait for hours, and with leases that end sooner.

python -m tests.faults.filing serve
"""

import importlib
import os
import sys
from typing import Final

UNSENT: Final = "FAULTS_UNSENT_SECONDS"
"""The variable that says after how long what was not sent is removed."""
UNSENT_SECONDS: Final = "3"
TOUCH_SECONDS: Final = 0.5
"""So often it is noted that a file still comes."""
LOOK_SECONDS: Final = 0.5
LEASE_SECONDS: Final = 4
RENEW_SECONDS: Final = 0.5
PROGRAM: Final = (sys.executable, "-m", "tests.faults.filing")


def hurry() -> None:
    """Shorten the times. Modules take those of leases when they are imported, so that comes first."""
    seconds = float(os.environ.get(UNSENT, UNSENT_SECONDS))
    ms = seconds * 1_000
    patches: dict[str, dict[str, float]] = {
        "api.store.base.leases": {"LEASE_MS": LEASE_SECONDS * 1_000, "LATEST_MS": 2 * LEASE_SECONDS * 1_000},
        "api.jobs.leases": {"RENEW_SECONDS": RENEW_SECONDS},
        "api.jobs.files": {
            "LOOK_SECONDS": LOOK_SECONDS,
            "EMPTY_MS": ms,
            "LEFT_MS": ms,
            "RECOUNT_SECONDS": seconds,
        },
        "api.rooms.attachments": {"TOUCH_SECONDS": TOUCH_SECONDS},
        "api.jobs.wiring": {"MS_PER_HOUR": ms},
    }
    for module, values in patches.items():
        for name, value in values.items():
            setattr(importlib.import_module(module), name, value)


if __name__ == "__main__":
    hurry()
    importlib.import_module("api.cli").main()
