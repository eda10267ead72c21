"""The table of kinds is complete, and `is_kind` says which names a kind may have."""

import pytest

from api.models.kinds import KINDS, RESERVED_NAMES, Field, Shape, is_kind, said, shown
from api.models.log import EntryData, Kind
from api.store.shape import has_shape

LATER = Shape(
    "a message with what the server adds to it",
    {
        "body": Field((str,)),
        "files": Field((list,), default=[]),
        "mentions": Field((list,), default=[], is_said=False, items=(str,)),
    },
)
"""A kind to which a later version has added fields."""


def test_every_kind_has_a_row_and_a_name_that_kinds_may_have() -> None:
    assert set(KINDS) == set(Kind)
    assert all(map(is_kind, KINDS))


@pytest.mark.parametrize("name", ["pin", "a", "poll_closed", "x" * 32])
def test_a_newer_version_may_call_a_kind(name: str) -> None:
    assert is_kind(name)


@pytest.mark.parametrize(
    "name",
    [
        *sorted(RESERVED_NAMES),
        "",
        "Pin",
        "_pin",
        "pin2",
        "pin-up",
        "pín",
        "pin\n",
        "x" * 33,
        None,
        7,
        ["pin"],
    ],
)
def test_no_kind_is_called(name: object) -> None:
    assert not is_kind(name)


def test_a_field_with_a_default_may_be_missing_and_is_not_shown_while_it_is_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KINDS, "later", LATER)
    short: EntryData = {"body": "hi"}
    long: EntryData = {"body": "hi", "files": [], "mentions": ["bob"], "newer": 1}
    assert has_shape("later", short)
    assert has_shape("later", long)
    assert not has_shape("later", {"files": []})
    assert not has_shape("later", {"body": "hi", "files": None})
    assert not has_shape("later", {"body": "hi", "mentions": ["bob", 7]})
    assert shown("later", short) == short
    assert shown("later", long) == {"body": "hi", "mentions": ["bob"], "newer": 1}


def test_only_what_the_author_sent_is_said_and_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "later", LATER)
    assert said("later", {"body": "hi"}) == {"body": "hi"}
    assert said("later", {"body": "hi", "files": [], "mentions": ["bob"]}) == {"body": "hi"}
    assert said("later", {"body": "hi", "files": ["f"], "mentions": []}) == {"body": "hi", "files": ["f"]}


def test_the_fields_of_the_first_version_were_all_said_so_what_it_stored_is_known_again() -> None:
    first = {
        "message": {"body", "reply_to"},
        "edit": {"target", "body"},
        "delete": {"target"},
        "reaction": {"target", "emoji", "added"},
        "member": {"role", "by"},
        "room": {"name", "topic", "visibility"},
    }
    for kind, fields in first.items():
        data: EntryData = dict.fromkeys(fields)
        assert said(kind, data) == data, kind
