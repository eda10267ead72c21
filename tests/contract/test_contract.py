"""The contracts in docs/contract are kept: what would break a client fails here, unless the notes say so."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

import pytest

from tests.contract.breaking import broken_http, broken_socket
from tests.contract.documents import CONTRACTS, Contract, made_http, made_socket, unsaid

Document = dict[str, Any]

HTTP: Final = made_http()
SOCKET: Final = made_socket()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.path.name)
def test_nothing_breaks_a_client_that_the_notes_do_not_name(contract: Contract) -> None:
    missing = unsaid(contract)
    assert not missing, "Undo these changes, or say them in docs/contract/README.md and run `make docs`"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.path.name)
def test_a_committed_contract_is_one(contract: Contract) -> None:
    kept = json.loads(contract.path.read_text())
    assert contract.broken(kept, kept) == []
    assert kept.keys() == contract.make().keys()


def schema(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def entry_forms(document: Document) -> list[Document]:
    """Return the forms of the entries of a log."""
    found: list[Document] = schema(document, "Entry")["anyOf"]
    return found


def operation(document: Document, name: str) -> Document:
    for methods in document["paths"].values():
        for found in methods.values():
            if found["operationId"] == name:
                wanted: Document = found
                return wanted
    raise KeyError(name)


def changed(document: Document, change: Callable[[Document], object]) -> Document:
    copy = deepcopy(document)
    change(copy)
    assert copy != document
    return copy


HARMFUL: Final[dict[str, Callable[[Document], object]]] = {
    "POST /sync is gone": lambda one: one["paths"].pop("/sync"),
    "DELETE /bots/{user_id} is gone": lambda one: one["paths"]["/bots/{user_id}"].pop("delete"),
    "GET /rooms has another operationId: rooms_all": lambda one: operation(one, "rooms_list").update(
        operationId="rooms_all"
    ),
    "GET /rooms does not take cursor": lambda one: operation(one, "rooms_list").update(
        parameters=[p for p in operation(one, "rooms_list")["parameters"] if p["name"] != "cursor"]
    ),
    "GET /rooms wants since": lambda one: operation(one, "rooms_list")["parameters"].append(
        {"in": "query", "name": "since", "required": True, "schema": {"type": "string"}}
    ),
    "GET /rooms wants limit": lambda one: next(
        p for p in operation(one, "rooms_list")["parameters"] if p["name"] == "limit"
    ).update(required=True),
    "GET /rooms limit has a lower maximum": lambda one: next(
        p for p in operation(one, "rooms_list")["parameters"] if p["name"] == "limit"
    )["schema"].update(maximum=10),
    "GET /rooms scope is never mine": lambda one: next(
        p for p in operation(one, "rooms_list")["parameters"] if p["name"] == "scope"
    )["schema"].update(enum=["public"]),
    "POST /rooms wants colour": lambda one: schema(one, "NewRoom").update(
        properties=schema(one, "NewRoom")["properties"] | {"colour": {"type": "string"}},
        required=[*schema(one, "NewRoom")["required"], "colour"],
    ),
    "POST /rooms wants topic": lambda one: schema(one, "NewRoom")["required"].append("topic"),
    "POST /rooms has no topic": lambda one: schema(one, "NewRoom")["properties"].pop("topic"),
    "POST /rooms name may not be string": lambda one: schema(one, "NewRoom")["properties"].update(
        name={"type": "integer"}
    ),
    "POST /rooms topic has a lower maxLength": lambda one: schema(one, "NewRoom")["properties"][
        "topic"
    ].update(maxLength=1),
    "POST /rooms visibility is never public": lambda one: schema(one, "Visibility").update(enum=["private"]),
    "GET /rooms/{room_id} 200 has no topic": lambda one: schema(one, "RoomOut")["properties"].pop("topic"),
    "GET /rooms/{room_id} 200 may lack topic": lambda one: schema(one, "RoomOut")["required"].remove("topic"),
    "GET /rooms/{room_id} 200 topic may be null": lambda one: schema(one, "RoomOut")["properties"].update(
        topic={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "GET /rooms/{room_id} 200 last_message body may be integer": lambda one: schema(one, "MessageOut")[
        "properties"
    ].update(body={"type": "integer"}),
    "POST /rooms/{room_id}/join does not answer 200": lambda one: operation(one, "rooms_join")[
        "responses"
    ].pop("200"),
    "GET /mentions 200 items items reactions items count may be string": lambda one: schema(
        one, "ReactionOut"
    )["properties"].update(count={"type": "string"}),
}
HARMLESS: Final[dict[str, Callable[[Document], object]]] = {
    "another path": lambda one: one["paths"].update({"/new": one["paths"]["/sync"]}),
    "another field of an answer": lambda one: schema(one, "RoomOut")["properties"].update(
        colour={"type": "string"}
    ),
    "another field that may be sent": lambda one: schema(one, "NewRoom")["properties"].update(
        colour={"type": "string"}
    ),
    "another value of an answer": lambda one: schema(one, "NodeOut").update(description="another"),
    "another value that may be sent": lambda one: schema(one, "Visibility")["enum"].append("secret"),
    "a wider bound": lambda one: schema(one, "NewRoom")["properties"]["topic"].update(maxLength=100_000),
    "never null any more": lambda one: schema(one, "RoomOut")["properties"].update(
        last_message={"$ref": "#/components/schemas/MessageOut"}
    ),
    "another error": lambda one: operation(one, "rooms_join")["responses"].update(
        {"418": {"description": "A teapot"}}
    ),
    "an error less": lambda one: operation(one, "rooms_join")["responses"].pop("404"),
    "another kind of entries": lambda one: entry_forms(one).append({"type": "object", "title": "PollEvent"}),
    "words": lambda one: one["info"].update(description="another"),
}
HARMFUL_TO_SOCKETS: Final[dict[str, Callable[[Document], object]]] = {
    "the operation watch is gone": lambda one: one["operations"].pop("watch"),
    "tell_signals has no TypingEvent": lambda one: one["operations"]["tell_signals"].update(
        messages=one["operations"]["tell_signals"]["messages"][:1]
    ),
    "tell_entries: MessageEvent has no body": lambda one: schema(one, "MessageEvent")["properties"].pop(
        "body"
    ),
    "tell_entries: MessageEvent may lack body": lambda one: schema(one, "MessageEvent")["required"].remove(
        "body"
    ),
    "tell_entries: PinEvent pinned may be string": lambda one: schema(one, "PinEvent")["properties"].update(
        pinned={"type": "string"}
    ),
    "send: EntryAck may lack at": lambda one: schema(one, "EntryAck")["required"].remove("at"),
    "send: SendCommand wants reply_to": lambda one: schema(one, "SendCommand")["required"].append("reply_to"),
    "send: SendCommand body has a lower maxLength": lambda one: schema(one, "SendCommand")["properties"][
        "body"
    ].update(maxLength=100),
    "send: SendCommand has no epoch": lambda one: schema(one, "SendCommand")["properties"].pop("epoch"),
    "the close code 4420 is gone": lambda one: one["x-close-codes"].remove(
        next(code for code in one["x-close-codes"] if code["code"] == 4420)
    ),
}


@pytest.mark.parametrize("what", HARMFUL)
def test_what_breaks_clients_over_http_is_found(what: str) -> None:
    assert what in broken_http(HTTP, changed(HTTP, HARMFUL[what]))


@pytest.mark.parametrize("what", HARMFUL_TO_SOCKETS)
def test_what_breaks_clients_of_the_socket_is_found(what: str) -> None:
    assert what in broken_socket(SOCKET, changed(SOCKET, HARMFUL_TO_SOCKETS[what]))


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_only_more_breaks_nobody(what: str) -> None:
    assert broken_http(HTTP, changed(HTTP, HARMLESS[what])) == []


def test_a_contract_does_not_break_itself() -> None:
    assert broken_http(HTTP, HTTP) == []
    assert broken_socket(SOCKET, SOCKET) == []
