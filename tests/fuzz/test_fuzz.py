"""A short form of `python -m tests.fuzz`: random requests against the contract, and random frames (rows A, J and F)."""

from pathlib import Path

import pytest

from tests.fuzz.contract import try_contract
from tests.fuzz.frames import AN_EXAMPLE, try_frames

MEBIBYTE = 1024 * 1024
AN_OPERATION = 5
"""Random requests for each operation. Schemathesis adds about 800 that it derives from the contract."""
EXAMPLES = 20


@pytest.mark.anyio
async def test_random_requests_are_answered_as_the_contract_says(tmp_path: Path) -> None:
    # Always the same requests, so that no change fails for a bug of another. `make fuzz` draws new ones.
    code, said = await try_contract(tmp_path, "--seed", "1", "--max-examples", str(AN_OPERATION))
    assert code == 0, said


def test_random_frames_are_answered_and_leave_nothing_behind(tmp_path: Path) -> None:
    outcome = try_frames(tmp_path, EXAMPLES)
    assert outcome.frames >= EXAMPLES * AN_EXAMPLE
    assert "Traceback" not in outcome.log
    assert not [line for line in outcome.log.splitlines() if "[error" in line]
    before, after = outcome.memory
    assert after - before < 16 * MEBIBYTE
