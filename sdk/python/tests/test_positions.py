"""Positions outlast the program."""

from pathlib import Path

import pytest

from scripted_server import message, place, scripted, streaming
from tailwire_client import FilePositions, Position
from test_stream import seqs, subscribes, told

pytestmark = pytest.mark.anyio


async def test_a_stream_goes_on_after_a_restart_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "positions.json"
    first = subscribes(place("live", 2), message(3), message(4), head=2)
    async with scripted(first) as server, streaming(server, positions=FilePositions(file)) as stream:
        assert seqs(await told(stream, 3)) == [3, 4]
    second = subscribes(message(4), message(5), since=3)  # 4 was given, but nobody has asked for the next
    async with scripted(second) as server, streaming(server, positions=FilePositions(file)) as stream:
        assert seqs(await told(stream, 2)) == [4, 5]


async def test_a_file_is_written_at_most_once_a_second_and_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [5.0]
    monkeypatch.setattr("tailwire_client.positions.time.monotonic", lambda: now[0])
    file = tmp_path / "positions.json"
    positions = FilePositions(file)

    async def kept() -> Position | None:
        return await FilePositions(file).load("lobby")

    await positions.keep("lobby", Position("e1", 1))
    assert await kept() == Position("e1", 1)
    await positions.keep("lobby", Position("e1", 2))
    assert await kept() == Position("e1", 1)
    now[0] += 1
    await positions.keep("lobby", Position("e1", 3))
    assert await kept() == Position("e1", 3)
    await positions.keep("lobby", Position("e1", 4))
    await positions.close()
    assert await kept() == Position("e1", 4)


async def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "positions.json"
    file.write_text("{")
    async with scripted(subscribes()) as server, streaming(server, positions=FilePositions(file)) as stream:
        with pytest.raises(ValueError, match="Expecting"):
            await told(stream, 1)
