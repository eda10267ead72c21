"""Starts the command line. Ctrl-C ends it without a traceback, also while its parts are still being loaded."""

import sys
from typing import Final, NoReturn

INTERRUPTED: Final = 130
"""The status of a program that Ctrl-C has ended, as shells expect it: 128 and the number of SIGINT."""


def main() -> NoReturn:
    """Load and run the command line."""
    try:
        from api.cli import main as run  # noqa: PLC0415  loading takes long enough to be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
