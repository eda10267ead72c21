"""Events have the fields that their types say, and an entry's data cannot pass for its envelope."""

from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import pytest
from typing_extensions import is_typeddict

from api.models.kinds import KINDS, RESERVED_NAMES, Field, Shape
from api.models.log import UNREADABLE, Entry, EntryData, unreadable
from api.protocol.entries import ENVELOPE, EntryEvent, entry_event
from api.protocol.events import OtherEvent

PREVIEW: Final[EntryData] = {
    "url": "https://a.example",
    "title": "A",
    "description": "",
    "site_name": "a.example",
    "picture": None,
}
DATA: Final[dict[str, EntryData]] = {
    "message": {
        "body": "hi",
        "reply_to": 3,
        "thread": 2,
        "mentions": ["bob"],
        "mentions_all": True,
        "is_bot": True,
        "shown_as": {"name": "CI", "icon_url": None},
        "files": [{"file_id": "f1", "name": "cat.png"}],
    },
    "edit": {"target": 1, "body": "hi", "mentions": ["bob"], "mentions_all": True},
    "delete": {"target": 1, "thread": 2},
    "reaction": {"target": 1, "emoji": "👍", "added": True},
    "pin": {"target": 1, "pinned": True},
    "preview": {"target": 1, "previews": [PREVIEW], "removed": True},
    "member": {
        "role": None,
        "by": "ann",
        "returns_as": "reader",
        "banned": True,
        "was": "member",
        "display_name": "Ann",
        "is_bot": True,
    },
    "room": {
        "name": "Den",
        "topic": "",
        "visibility": "private",
        "archived": False,
        "slow_seconds": 30,
        "post_role": "moderator",
        "avatar": "pYx3TqN0",
        "deleted": True,
    },
}


def entry(kind: str, data: EntryData) -> Entry:
    return Entry("den", 7, kind, "ann", "Ann", 0, "r1", data)


def by_name(events: Any) -> dict[str, dict[str, Any]]:
    """Return the fields of event types, by their `type`."""
    hints = {event: get_type_hints(event) for event in get_args(events)}
    return {get_args(fields["type"])[0]: fields for fields in hints.values()}


def types_of(hint: Any) -> set[type]:
    types = {get_origin(one) or one for one in (get_args(hint) if isinstance(hint, UnionType) else (hint,))}
    return {dict if is_typeddict(one) else one for one in types}


def test_every_kind_has_an_event_with_the_fields_of_the_table() -> None:
    events = by_name(EntryEvent)
    assert events.keys() == KINDS.keys() | {UNREADABLE}
    for kind, shape in KINDS.items():
        own = {name: types_of(hint) for name, hint in events[kind].items() if name not in ENVELOPE}
        assert own == {name: set(field.types) for name, field in shape.fields.items()}, kind
        assert ("ref" in events[kind]) == shape.sends_ref, kind


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_has_exactly_the_fields_of_its_type(kind: str) -> None:
    event = entry_event(entry(kind, DATA[kind]))
    fields = by_name(EntryEvent)[kind]
    assert event.keys() == fields.keys()
    for name in event.keys() - {"type"}:
        assert type(event[name]) in types_of(fields[name]), name


def test_no_other_event_is_called_as_a_kind_may_be() -> None:
    assert by_name(OtherEvent).keys() <= RESERVED_NAMES


def test_what_cannot_be_read_has_a_place_and_no_more() -> None:
    event = entry_event(unreadable("den", 7))
    assert event == {"type": "unreadable", "room_id": "den", "seq": 7, "at": None}
    fields = by_name(EntryEvent)[UNREADABLE]
    assert event.keys() == fields.keys()
    assert fields["at"] is NoneType


@pytest.mark.parametrize("kind", ["message", "poll"])
def test_the_envelope_stands_over_the_data(kind: str) -> None:
    forged: EntryData = dict.fromkeys(sorted(ENVELOPE), "forged")
    event = entry_event(entry(kind, DATA["message"] | forged | {"votes": [1, {"two": None}]}))
    assert "forged" not in event.values()
    assert (event["type"], event["seq"], event["votes"]) == (kind, 7, [1, {"two": None}])
    assert event.get("ref") == ("r1" if kind == "message" else None)


def test_data_with_its_default_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "later", Shape("", {"files": Field((list,), default=[])}))
    assert "files" not in entry_event(entry("later", {"files": []}))
    assert entry_event(entry("later", {"files": ["f"]}))["files"] == ["f"]
