"""Every row of the bad inputs has a test with its number in the name, or a reason here why not."""

import re
from pathlib import Path
from typing import Final

ROWS: Final = {"A": 26, "T": 23, "H": 14, "F": 12, "J": 8, "M": 7, "P": 5, "R": 19, "W": 10}
"""The number of rows of each part. F13, the Autobahn cases, is tests/test_conformance.py."""

LATER: Final = {
    "M5": "there are no reactions yet",
    "M6": "there is no typing or presence yet",
    "M7": "there is no export as a table",
    "R6": "there are no bans or invites yet",
    "R7": "messages cannot be changed yet",
    "R8": "messages and rooms cannot be moved",
    "R11": "messages cannot be changed yet",
    "R12": "unread counts are read over HTTP by their owner; nothing of them is sent yet",
    "R14": "there are no direct rooms yet",
    "R15": "nobody can be blocked yet",
    "R17": "there are no invites yet",
}
ELSEWHERE: Final = {
    "M2": "W5 is the same with a hundred of them: tests/browser/test_attacks.py",
    "R18": "tests/rooms/test_policy.py: a user is found by the whole name",
}


def test_every_row_is_a_test_or_has_a_reason() -> None:
    tests = Path(__file__).parent.parent
    text = "\n".join(path.read_text() for path in tests.rglob("test_*.py"))
    names = re.findall(r"def test_((?:[a-z]\d+_)+)", text)
    tested = {row.upper() for name in names for row in name.strip("_").split("_")}
    rows = {f"{part}{number}" for part, most in ROWS.items() for number in range(1, most + 1)}
    missing = rows - tested - LATER.keys() - ELSEWHERE.keys()
    assert not missing
    assert not LATER.keys() & tested, "no longer for later"
