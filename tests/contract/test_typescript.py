"""The TypeScript types of the SPA are those of the contracts."""

from pathlib import Path

import pytest

from tests.contract.documents import made_http, made_socket
from tests.contract.typescript import files, http_types, socket_types


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_the_generated_types_are_fresh(path: Path) -> None:
    assert path.read_text() == files()[path], (
        f"sdk/typescript/src/wire/generated/{path.name} is behind: run `make docs`"
    )


def test_a_model_becomes_an_interface() -> None:
    text = http_types(made_http())
    assert "export type Visibility = 'public' | 'private';\n" in text
    room = text.split("export interface RoomOut {")[1].split("}")[0]
    assert "  topic: string;\n" in room
    assert "  last_message: MessageOut | null;\n" in room
    new = text.split("export interface NewRoom {")[1].split("}")[0]
    assert "  name: string;\n" in new
    assert "  topic?: string;\n" in new
    assert "  positions?: readonly RoomPosition[];\n" in text
    assert "  items: MessageOut[];\n" in text


def test_events_and_commands_are_told_apart_by_their_type() -> None:
    text = socket_types(made_socket())
    event = text.split("export interface PinEvent {")[1].split("}")[0]
    assert "  type: 'pin';\n" in event
    assert "  pinned: boolean;\n" in event
    command = text.split("export interface SubscribeCommand {")[1].split("}")[0]
    assert "  since?: Position | null;\n" in command
    assert "export type Entry =\n" in text
