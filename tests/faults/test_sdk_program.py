"""The check of what a program of an SDK has shown and sent finds each fault that is planted."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.sdk_program import SdkProgram

LOG = [
    {"type": "member", "seq": 1, "username": "ada"},
    {"type": "message", "seq": 2, "username": "bob", "body": "theirs"},
    {"type": "message", "seq": 3, "username": "ada", "body": "one"},
    {"type": "message", "seq": 4, "username": "ada", "body": "two"},
]


def entry(seq: int, **more: Any) -> dict[str, Any]:
    stored = LOG[seq - 1]
    fields = {"kind": stored["type"], "body": stored.get("body")} | more
    return {"type": "entry", "room_id": "lobby", "epoch": "e", "seq": seq, **fields}


@pytest.fixture
def program(tmp_path: Path) -> SdkProgram:
    made = SdkProgram((), "", "ada", tmp_path)
    made._room_id = "lobby"
    made.asked = {"1": "one", "2": "two"}
    return made


def take(program: SdkProgram, *lines: dict[str, Any]) -> None:
    for line in lines:
        program.shown.take(line)


SENT = ({"type": "sent", "id": "1", "seq": 3}, {"type": "sent", "id": "2", "seq": 4})
SHOWN = tuple(entry(seq) for seq in (1, 2, 3, 4))


def test_a_program_that_is_right_is_not_blamed(program: SdkProgram) -> None:
    take(program, *SHOWN, *SENT)
    assert program.wrong(LOG) == []


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((SHOWN[0], SHOWN[1], SHOWN[3], *SENT), "was never shown"),
        ((*SHOWN, SHOWN[3], *SENT), "was shown up to seq 4 already"),
        ((*SHOWN[:3], entry(4, body="other"), *SENT), "and stored is"),
        ((*SHOWN, SENT[0], {"type": "refused", "id": "2", "code": "x"}), "was told refused of 'two'"),
        ((*SHOWN, SENT[0]), "was told nothing of 'two'"),
    ],
)
def test_what_is_shown_or_told_wrongly_is_found(
    program: SdkProgram, lines: tuple[dict[str, Any], ...], why: str
) -> None:
    take(program, *lines)
    assert any(why in one for one in program.wrong(LOG)), program.wrong(LOG)


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (LOG[:3], "'two' was acked, and is not stored"),
        ([*LOG, LOG[3] | {"seq": 5}], "has a message twice"),
        ([*LOG[:2], LOG[2] | {"body": "two"}, LOG[3] | {"body": "one"}], "in another order"),
    ],
)
def test_what_is_stored_wrongly_is_found(program: SdkProgram, log: list[dict[str, Any]], why: str) -> None:
    take(program, *SHOWN, *SENT)
    assert any(why in one for one in program.wrong(log)), program.wrong(log)


def test_what_a_killed_program_told_nobody_of_is_forgiven_and_what_it_skips_is_not(
    program: SdkProgram,
) -> None:
    take(program, *SHOWN[:2], SENT[0])
    program.forgotten = {"2"}
    program.shown.restarted()
    take(program, SHOWN[1], *SHOWN[2:])
    assert program.wrong(LOG) == []
    program.shown.restarted()
    take(program, entry(4) | {"seq": 6})
    assert any("was never shown" in one for one in program.wrong(LOG))
