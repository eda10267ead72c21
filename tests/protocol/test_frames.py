"""An independent parser reads our frames."""

import tracemalloc

import pytest
from websockets.frames import Opcode
from websockets.protocol import CLIENT, Protocol, State

from api.protocol.events import encode
from api.protocol.frames import frame, joined


def read(wire: bytes) -> list[bytes]:
    """Return the texts that a client reads."""
    protocol = Protocol(CLIENT, state=State.OPEN, max_size=None)
    protocol.receive_data(wire)
    assert protocol.parser_exc is None
    events = protocol.events_received()
    assert all(event.opcode is Opcode.TEXT and event.fin for event in events)  # type: ignore[union-attr]
    return [bytes(event.data) for event in events]  # type: ignore[union-attr]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_text_of_any_length_is_read_as_it_was(length: int) -> None:
    text = b"x" * length
    made = frame(text)
    assert read(made.wire) == [text]
    assert made.texts == (text,)


def test_joined_frames_are_read_one_by_one_in_order() -> None:
    texts = [b"one", b"", b"x" * 300, "größe".encode()]
    together = joined([frame(text) for text in texts])
    assert read(together.wire) == texts
    assert together.texts == tuple(texts)


def test_the_frames_that_wait_for_a_slow_client_take_hardly_more_memory_than_they_are_long() -> None:
    tracemalloc.start()
    try:
        waiting = [encode({"type": "pong", "server_time": f"{number} {'é' * 150}"}) for number in range(100)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 4 * sum(len(one.wire) for one in waiting)
