"""Files go up and come down, over breaks too, and messages with them are found."""

import asyncio
from pathlib import Path

import pytest

from tailwire_client import Client, Invalid, MessageEntry, NotFound
from tailwire_client import files as files_module

pytestmark = pytest.mark.anyio

SECONDS = 60.0
BYTES = bytes(range(256)) * 1024


async def read(client: Client, file_id: str) -> bytes:
    return b"".join([piece async for piece in client.files.download(file_id)])


async def test_a_file_is_uploaded_sent_listed_and_downloaded(
    ada: Client, bob: Client, tmp_path: Path
) -> None:
    place = tmp_path / "notes über alles.bin"
    place.write_bytes(BYTES)
    file = await ada.files.upload("lobby", place, alt="My notes")
    assert (file.name, file.size, file.whole, file.alt) == (place.name, len(BYTES), True, "My notes")
    assert (await ada.files.describe(file.file_id, "Notes")).alt == "Notes"
    async with asyncio.timeout(SECONDS), bob.events("lobby") as stream:
        sent = None
        async for event in stream:
            if sent is None:
                sent = await ada.send("lobby", "", files=[file.file_id])
            if isinstance(event, MessageEntry):
                assert [one["file_id"] for one in event.files] == [file.file_id]
                break
    assert sent is not None
    message = await bob.messages.get("lobby", sent.seq)
    assert [(one.file_id, one.name, one.size) for one in message.files] == [
        (file.file_id, file.name, file.size)
    ]
    assert [(one.file_id, one.seq) async for one in bob.files.of("lobby")] == [(file.file_id, sent.seq)]
    assert await read(bob, file.file_id) == BYTES


async def test_an_upload_goes_on_where_it_was(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "PART_BYTES", 64 * 1024)
    add = ada.files._add
    parts = 0

    async def only_two(file_id: str, offset: int, part: bytes) -> files_module.File:
        nonlocal parts
        parts += 1
        if parts == 3:
            raise RuntimeError(file_id)
        return await add(file_id, offset, part)

    monkeypatch.setattr(ada.files, "_add", only_two)
    with pytest.raises(RuntimeError) as ended:
        await ada.files.upload("lobby", BYTES, name="half")
    file_id = str(ended.value)
    assert (await ada.files.get(file_id)).offset == 128 * 1024
    assert (await ada.files.go_on(file_id, BYTES)).whole is True
    assert parts == 3 + len(BYTES) // (64 * 1024) - 2
    await ada.send("lobby", "whole", files=[file_id])
    assert await read(ada, file_id) == BYTES


async def test_a_file_that_is_given_up_is_gone(ada: Client) -> None:
    file = await ada.files.upload("lobby", b"x")
    await ada.files.give_up(file.file_id)
    with pytest.raises(NotFound):
        await ada.files.get(file.file_id)
    with pytest.raises(Invalid):
        await ada.send("lobby", "no file", files=[file.file_id])


async def test_messages_are_searched_for(ada: Client, bob: Client) -> None:
    await ada.send("lobby", "a red car")
    await bob.send("lobby", "a blue car")

    async def found(q: str) -> list[str]:
        return [one.body async for one in ada.messages.search(q)]

    async with asyncio.timeout(SECONDS):
        while len(await found("car")) < 2:  # noqa: ASYNC110 - a message is found about a second later
            await asyncio.sleep(0.5)  # 30 searches a minute are allowed
    assert await found("car from:bob") == ["a blue car"]
    assert await found("-red car") == ["a blue car"]
    with pytest.raises(Invalid):
        await found("car*x* after:never")
