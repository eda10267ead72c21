"""`python -m tests.fuzz`: random requests for some minutes, then random frames."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.fuzz.contract import try_contract
from tests.fuzz.frames import AN_EXAMPLE, Outcome, try_frames

MEBIBYTE = 1024 * 1024


def main() -> int:
    """Try both; return how many of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="of random requests (%(default)s)")
    parser.add_argument("--frames", type=int, default=1_000_000, help="random frames (%(default)s)")
    asked = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        if asked.seconds:
            print(f"==> Random requests for {asked.seconds} s", flush=True)  # noqa: T201
            code, said = asyncio.run(try_contract(Path(one), "--max-time", str(asked.seconds)))
            print(said, flush=True)  # noqa: T201
            failures += code != 0
        if asked.frames:
            print(f"==> {asked.frames:,} random frames", flush=True)  # noqa: T201
            outcome = try_frames(Path(other), asked.frames // AN_EXAMPLE, _tell)
            memory = [f"{one / MEBIBYTE:.1f}" for one in outcome.memory]
            print(  # noqa: T201
                f"{outcome.frames} frames, tracebacks: {outcome.log.count('Traceback')},"
                f" memory, MiB: {memory}\nclosed: {outcome.closed}\nerrors: {outcome.errors}"
            )
            failures += "Traceback" in outcome.log
    return failures


def _tell(outcome: Outcome) -> None:
    print(f"    {outcome.frames:,} frames, {outcome.memory[-1] / MEBIBYTE:.1f} MiB", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
