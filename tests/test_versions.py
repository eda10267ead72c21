"""No lock file names a version with a known vulnerability, or one with a bug that we need fixed."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parent.parent

FLOORS: Final = {
    "starlette": "1.3.0",  # CVE-2026-48710, CVE-2025-62727, multipart without bounds
    "uvicorn": "0.52.1",  # flow control of WebSocket writes; a hang when the peer is lost (Kludex/uvicorn#3048, #3050)
    "h11": "0.16.0",  # CVE-2025-43859: chunked bodies read two ways
    "python-multipart": "0.0.18",  # CVE-2024-53981: a form that takes minutes to read
    "python-jose": "3.4.0",  # CVE-2024-33663, CVE-2024-33664: keys confused, a bomb in a token
    "apsw": "3.51.3.0",  # SQLite 3.51.3: a WAL reset that loses what was committed
    "passlib": "1.7.4",  # the last release
    "cryptography": "44.0.1",  # CVE-2024-12797
    "fastapi": "0.138.0",  # earlier versions read bodies without a bound
}


def versions(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))


def order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


@pytest.mark.parametrize("name", FLOORS)
@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_locked_version_is_not_below_its_floor(lock: str, name: str) -> None:
    locked = versions(lock)
    assert len(locked) > 20
    if name in locked:
        assert order(locked[name]) >= order(FLOORS[name]), f"{name} {locked[name]}"


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "h11", "python-multipart", "python-jose", "apsw"])
def test_what_has_a_floor_is_still_what_we_run_on(name: str) -> None:
    """Otherwise its row in `FLOORS` is out of date."""
    assert name in versions("requirements.lock")
