"""A short go at what `python -m tests.fuzz` does at length: rows A, J and F by chance, and the contract held."""

from pathlib import Path

import pytest

from tests.fuzz.contract import try_contract
from tests.fuzz.frames import AN_EXAMPLE, try_frames

MEBIBYTE = 1024 * 1024
AN_OPERATION = 5
"""Random requests of each, besides those that Schemathesis derives from the contract: some 800."""
EXAMPLES = 20


@pytest.mark.anyio
async def test_random_requests_are_answered_as_the_contract_says(tmp_path: Path) -> None:
    # The same requests each time: what chance finds is `make fuzz`'s to say, not a change's that had no part in it.
    code, said = await try_contract(tmp_path, "--seed", "1", "--max-examples", str(AN_OPERATION))
    assert code == 0, said


def test_random_frames_are_answered_and_leave_nothing_behind(tmp_path: Path) -> None:
    outcome = try_frames(tmp_path, EXAMPLES)
    assert outcome.frames >= EXAMPLES * AN_EXAMPLE
    assert "Traceback" not in outcome.log
    assert not [line for line in outcome.log.splitlines() if "[error" in line]
    before, after = outcome.memory
    assert after - before < 16 * MEBIBYTE
