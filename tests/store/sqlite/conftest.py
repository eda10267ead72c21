"""A database file, and stores on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.store.sqlite.store import SqliteStore
from tests.store.sqlite.files import Commits, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "data" / "tailwire.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqliteStore]:
    async with opened(url) as store:
        yield store


@pytest.fixture
async def restless(url: str) -> AsyncIterator[SqliteStore]:
    """A store whose tails say `Quiet` soon, which shows that they have read everything."""
    async with opened(url, quiet_seconds=0.5) as store:
        yield store


@pytest.fixture
def commits(store: SqliteStore) -> "Commits":
    return Commits(store)
