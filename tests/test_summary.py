"""The summary at the end of a test run."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
OF_RETHINKDB_WITHOUT_ONE = (
    "tests/test_architecture.py",
    "tests/store/cluster/",
    *("-k", "module_says_what_it_is_for or nobody_there_is_said"),
)
"""Tests that pass without RethinkDB. Some have its name in theirs, others its mark."""
ON_SQLITE = "tests/store/test_members.py::test_members_and_rooms_are_counted[sqlite]"


def summary(*tests: str) -> list[str]:
    """Run tests without RethinkDB; return the names that the summary calls tested."""
    answer = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=ROOT,
        env={**os.environ, "PATH": "", "TAILWIRE_TEST_RETHINKDB": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(maxsplit=1) for line in answer.stdout.splitlines()]
    return [line[0] for line in lines if len(line) > 1 and line[1] == "tested"]


def test_no_database_is_said_to_be_tested_because_a_test_is_named_like_it() -> None:
    assert summary(*OF_RETHINKDB_WITHOUT_ONE) == []


def test_the_store_that_was_tested_is_said() -> None:
    assert summary(ON_SQLITE) == ["SQLite"]
