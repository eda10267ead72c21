"""/asyncapi.json: it is valid, has all that the socket speaks, and no frame of a test is another than it says."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Final, get_args

import jsonschema_rs
import pytest

from api.http.example_records import EPOCH
from api.models.kinds import KINDS
from api.models.log import UNREADABLE, EntryData, Json
from api.protocol.asyncapi import (
    ACK,
    ACK_FIELDS,
    LATER,
    asyncapi,
    name_of_command,
    names_of_commands,
    replies,
)
from api.protocol.close_codes import CloseCode
from api.protocol.commands import Command, Write
from api.protocol.entries import entry_event
from api.protocol.events import OtherEvent
from api.protocol.problems import all_codes
from tests.contract.frames import DOCUMENT, require_command, require_described, require_reply
from tests.node import Node
from tests.protocol.test_events import DATA, entry

SPECS: Final = Path(__file__).parents[2] / "frontend" / "node_modules" / "@asyncapi" / "specs" / "schemas"
MESSAGE: Final = entry_event(entry("message", DATA["message"] | {"files": [], "body": "hi"}))


# -- the document


def test_it_is_valid_by_the_schema_of_asyncapi() -> None:
    path = SPECS / f"{DOCUMENT['asyncapi']}.json"
    if not path.exists():
        pytest.skip("no schema of AsyncAPI: `npm --prefix frontend ci` brings it")
    validator = jsonschema_rs.Draft7Validator(json.loads(path.read_text()))
    assert [
        f"{list(error.instance_path)}: {error.message}" for error in validator.iter_errors(DOCUMENT)
    ] == []
    broken = deepcopy(DOCUMENT)
    broken["operations"]["send"]["action"] = "shout"
    assert not validator.is_valid(broken)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_reference_leads_somewhere_and_every_message_is_used() -> None:
    for reference in references(DOCUMENT):
        place = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    used = {one.rpartition("/")[2] for one in references(DOCUMENT["operations"])}
    assert DOCUMENT["components"]["messages"].keys() <= used


def test_it_has_every_command_event_close_code_and_error_code() -> None:
    messages = DOCUMENT["components"]["messages"]
    types = [one["name"] for one in messages.values()]
    commands = {
        name for model in get_args(Command) for name in get_args(model.model_fields["type"].annotation)
    }
    assert names_of_commands().keys() == commands
    assert {name_of_command(name) for name in commands} <= messages.keys()
    assert {*KINDS, UNREADABLE} <= set(types)
    assert {one.__name__ for one in get_args(OtherEvent)} <= messages.keys()
    assert {one["code"] for one in DOCUMENT["x-close-codes"]} == {*CloseCode} - {CloseCode.NORMAL}
    for one in DOCUMENT["x-close-codes"]:
        assert one["comes_back"] == (one["code"] < 4500 and "repaired" not in one["client"])
    assert DOCUMENT["components"]["schemas"]["ErrorEvent"]["properties"]["code"]["enum"] == all_codes()
    assert DOCUMENT["x-limits"]["frame_bytes"] == 65_536


def test_a_command_and_its_answer_belong_together() -> None:
    assert replies("send") == ["EntryAck", "ErrorEvent"]
    assert {"PositionAck", "LiveEvent", "ResetEvent", "MessageEvent", LATER} <= {*replies("subscribe")}
    assert replies("typing") == [ACK, "ErrorEvent"]
    for model in get_args(Write):
        for name in get_args(model.model_fields["type"].annotation):
            assert "EntryAck" in replies(name)
    operation = DOCUMENT["operations"]["send"]
    assert (operation["action"], operation["reply"]["channel"]) == ("receive", operation["channel"])


@pytest.mark.anyio
@pytest.mark.settings(url="https://chat.example/below", subscriptions=7, signup="open")
async def test_it_is_served_with_the_address_and_the_limits_of_this_server(sqlite_node: Node) -> None:
    client = sqlite_node.client(Host="chat.example")
    answer = await client.get("/asyncapi.json")
    assert answer.headers["content-type"] == "application/json"
    served = answer.json()
    assert served["servers"]["this"] | {"description": "", "security": []} == {
        "host": "chat.example",
        "protocol": "wss",
        "pathname": "/below",
        "description": "",
        "security": [],
    }
    assert served["x-limits"]["subscriptions"] == 7
    assert served["operations"] == DOCUMENT["operations"]
    assert "](asyncapi.json)" in (await client.get("/openapi.json")).json()["info"]["description"]


@pytest.mark.anyio
@pytest.mark.settings(docs=False)
async def test_it_is_not_there_where_the_documents_are_switched_off(sqlite_node: Node) -> None:
    assert (await sqlite_node.client().get("/asyncapi.json")).status_code == 404


# -- the frames of tests


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_of_each_kind_is_described(kind: str) -> None:
    shown: EntryData = {"files": [MESSAGE_FILE]} if kind == "message" else {}
    require_described(entry_event(entry(kind, DATA[kind] | shown)))


MESSAGE_FILE: Final[dict[str, Json]] = {
    "file_id": "f1",
    "name": "cat.png",
    "type": "image/png",
    "size": 1,
    "width": None,
    "height": None,
    "has_thumb": False,
    "blur": None,
    "alt": "",
}


@pytest.mark.parametrize(
    "drift",
    [
        {"colour": "red"},
        {"seq": "7"},
        {"at": None},
        {"reply_to": "3"},
        {"files": [MESSAGE_FILE | {"colour": "red"}]},
        {"type": "live"},
        {"type": "Poll"},
    ],
)
def test_an_event_that_drifts_from_its_description_is_found(drift: dict[str, Any]) -> None:
    require_described(MESSAGE)
    with pytest.raises(AssertionError, match="does not have this frame"):
        require_described(MESSAGE | drift)


def test_a_later_kind_is_described_by_its_envelope() -> None:
    require_described(entry_event(entry("poll", {"options": ["tea"]})))
    with pytest.raises(AssertionError, match="does not have this frame"):
        require_described({"type": "poll", "options": ["tea"]})


def test_an_ack_without_the_fields_of_its_command_is_found() -> None:
    ack = {"type": "ack", "ref": "r", "room_id": "den", "epoch": EPOCH, "seq": 1, "at": MESSAGE["at"]}
    require_reply("send", ack)
    for name in ACK_FIELDS["EntryAck"]:
        with pytest.raises(AssertionError, match="does not have this frame"):
            require_reply("send", {key: value for key, value in ack.items() if key != name})
    with pytest.raises(AssertionError, match="does not have this frame"):
        require_reply("typing", ack)


def test_a_command_is_described_with_its_limits() -> None:
    send = {"type": "send", "ref": "r", "room_id": "den", "body": "hi"}
    require_command(send)
    for bad in ({"body": "x" * 4_001}, {"ref": ""}, {"room_id": "a b"}, {"seq": 1}):
        with pytest.raises(AssertionError, match="does not have this frame"):
            require_command(send | bad)


def test_the_document_is_the_same_at_every_call() -> None:
    again = asyncapi(version="0", url="http://localhost:8000", subscriptions=100, file_bytes=1)
    assert again == DOCUMENT
