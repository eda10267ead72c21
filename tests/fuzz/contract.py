"""Random requests, good and bad, by Schemathesis. Every answer must be one that /openapi.json describes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

from tests.process import serving

HERE: Final = Path(__file__).parent
PATIENT: Final = {
    f"TAILWIRE_{name}": "1000000"
    for name in (
        "SIGNUPS_PER_ADDRESS",
        "LOGIN_FAILURES_PER_ADDRESS",
        "LOGIN_FAILURES_PER_ACCOUNT",
        "MISSES_PER_MINUTE",
        "ROOMS_PER_MINUTE",
        "SEARCHES_PER_MINUTE",
        "REFRESHES_PER_MINUTE",
        "SENDS_PER_SECOND",
        "SENDS_BURST",
        "COMMANDS_PER_SECOND",
    )
}
"""Settings whose limits are higher than any user needs."""


async def try_contract(directory: Path, *arguments: str) -> tuple[int | None, str]:
    """Run Schemathesis with these arguments against a server that is started for it.

    Return its exit code, 0 when it found nothing, and its output.
    """
    settings = PATIENT | {
        "TAILWIRE_STORE": f"sqlite:///{directory / 'tailwire.db'}",
        "TAILWIRE_PORT": "0",
        "TAILWIRE_LOG_LEVEL": "warning",
    }
    with (directory / "log").open("wb") as log:
        async with serving(settings, directory, log=log) as node:
            process = await asyncio.create_subprocess_exec(
                *(Path(sys.executable).parent / "schemathesis", "--config-file", HERE / "schemathesis.toml"),
                *("run", f"{node.url}/openapi.json", "--checks", "all"),
                # The only addresses with both GET and DELETE are lists, and an emptied list is still there.
                *("--exclude-checks", "use_after_free"),
                *("--continue-on-failure", "--suppress-health-check", "all", *arguments),
                env=os.environ | settings | {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_URL": node.url},
                cwd=HERE.parent.parent,
                stdout=PIPE,
                stderr=STDOUT,
            )
            said, _ = await process.communicate()
    assert "Traceback" not in (directory / "log").read_text()
    return process.returncode, said.decode()
