"""Pictures from strangers: what is kept of them, and what is refused."""

import asyncio
import io
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from api.errors import BadFile, Overloaded
from api.files.content_types import HEAD_BYTES, type_of
from api.files.pictures import Picture, Pictures
from tests.files.hostile import (
    FORBIDDEN,
    KEPT,
    MARK,
    REFUSED,
    SHOWN,
    Hostile,
    exif,
    hostile,
    jpeg,
    moving,
    photograph,
    written,
)

pytestmark = pytest.mark.anyio

FILES = {file.name: file for file in hostile()}


@pytest.fixture(scope="module")
async def pictures() -> AsyncIterator[Pictures]:
    made = Pictures()
    yield made
    await made.close()


async def looked_at(pictures: Pictures, file: bytes, directory: Path) -> Picture | None:
    source, into = directory / "source", directory / "into"
    source.write_bytes(file)
    into.mkdir(exist_ok=True)
    return await pictures.look(nullcontext(source), into)


def test_there_are_at_least_sixty_hostile_files() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
async def test_a_hostile_file_is_refused_or_harmless(
    file: Hostile, pictures: Pictures, tmp_path: Path
) -> None:
    content = file.make()
    if file.outcome == REFUSED:
        with pytest.raises(BadFile) as refused:
            await looked_at(pictures, content, tmp_path)
        assert refused.value.specific_code == "bad_file"
        assert MARK.decode() not in refused.value.message
        return
    picture = await looked_at(pictures, content, tmp_path)
    if file.outcome in {KEPT, FORBIDDEN}:
        assert picture is None
        assert type_of(content[:HEAD_BYTES], "image/png") == file.type
        assert list((tmp_path / "into").iterdir()) == []
        return
    assert file.outcome == SHOWN
    assert picture is not None
    assert picture.type == file.type
    for made in (picture.clean, picture.thumb):
        assert MARK not in made.read_bytes()
        assert b"script" not in made.read_bytes()
        with Image.open(made) as image:
            assert not image.getexif()
            assert not {"icc_profile", "exif", "xmp", "comment"} & {
                key for key, value in image.info.items() if value
            }
    with Image.open(picture.clean) as image:
        assert image.size == (picture.width, picture.height)
        image.load()


async def test_a_photograph_loses_its_place_and_is_shown_as_the_camera_was_held(
    pictures: Pictures, tmp_path: Path
) -> None:
    content = jpeg(image=photograph((400, 300)), exif=exif(orientation=6))
    with Image.open(io.BytesIO(content)) as before:
        assert before.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    picture = await looked_at(pictures, content, tmp_path)
    assert picture is not None
    assert (picture.width, picture.height) == (300, 400)
    with Image.open(picture.clean) as after:
        assert after.size == (300, 400)
        assert not after.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        # The gradient ran from top to bottom: turned by 90 degrees, it runs from right to left.
        right, left = (
            after.convert("L").crop((280, 200, 290, 201)),
            after.convert("L").crop((10, 200, 20, 201)),
        )
        assert max(right.tobytes()) < min(left.tobytes())


async def test_a_large_picture_has_a_small_thumbnail_and_a_placeholder(
    pictures: Pictures, tmp_path: Path
) -> None:
    picture = await looked_at(pictures, written("PNG", photograph((1500, 500), "RGBA")), tmp_path)
    assert picture is not None
    with Image.open(picture.thumb) as thumb:
        assert (thumb.format, thumb.size) == ("WEBP", (720, 240))
    assert 5 <= len(picture.blur) * 3 // 4 <= 27


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "AVIF"])
async def test_what_moves_goes_on_moving(form: str, pictures: Pictures, tmp_path: Path) -> None:
    picture = await looked_at(pictures, moving(form, frames=4), tmp_path)
    assert picture is not None
    with Image.open(picture.clean) as image:
        assert getattr(image, "n_frames", 1) == 4
        image.seek(1)
        image.load()
        assert image.info["duration"] == 50


async def test_an_avatar_is_the_middle_of_a_picture_in_two_sizes(pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(jpeg(image=photograph((600, 300)), exif=exif()))
    portrait = await pictures.portrait(tmp_path / "source")
    assert portrait is not None
    for side, content in ((96, portrait.small), (384, portrait.large)):
        assert MARK not in content
        with Image.open(io.BytesIO(content)) as image:
            assert (image.format, image.size) == ("WEBP", (side, side))


async def test_what_is_no_picture_makes_no_avatar(pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"<svg/>")
    assert await pictures.portrait(tmp_path / "source") is None


async def test_a_process_that_ends_is_replaced(pictures: Pictures, tmp_path: Path) -> None:
    assert await looked_at(pictures, written("PNG"), tmp_path)
    for process in pictures._idle:
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGKILL)
        await process._process.wait()
    assert await looked_at(pictures, written("PNG"), tmp_path)


async def test_a_process_that_says_nothing_is_given_up_and_replaced(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await looked_at(pictures, written("PNG"), tmp_path)
    monkeypatch.setattr("api.files.pictures.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("api.files.child.GRACE_SECONDS", 0.01)
    for process in pictures._idle:
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGSTOP)
    with pytest.raises(Overloaded):
        await looked_at(pictures, written("PNG"), tmp_path)
    monkeypatch.undo()
    assert await looked_at(pictures, written("PNG"), tmp_path)


async def test_a_picture_that_takes_too_long_by_the_clock_is_given_up_by_the_kernel(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.files.pictures.LOOK_SECONDS", 0.02)
    with pytest.raises(Overloaded):
        await looked_at(pictures, written("PNG", photograph((2000, 2000)), compress_level=1), tmp_path)


async def test_who_goes_away_does_not_mix_up_the_answers(pictures: Pictures, tmp_path: Path) -> None:
    source, into = tmp_path / "large", tmp_path / "into"
    source.write_bytes(written("PNG", photograph((2000, 2000)), compress_level=1))
    into.mkdir()
    gone = asyncio.create_task(pictures.look(nullcontext(source), into))
    while not pictures._waiting:  # noqa: ASYNC110 it is on its way in the next turn of the loop
        await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    picture = await looked_at(pictures, written("PNG", photograph((20, 10))), tmp_path)
    assert picture is not None
    assert (picture.width, picture.height) == (20, 10)


async def test_when_too_many_wait_the_next_is_refused_at_once(
    pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.files.pictures.MOST_WAITING", 0)
    with pytest.raises(Overloaded):
        await looked_at(pictures, written("PNG"), tmp_path)


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="only Linux has it")
def test_where_memory_is_short_the_process_that_looks_ends_before_the_server() -> None:
    code = """if True:
        from api.files.forks import confine
        from api.files.picture_process import BOUNDS
        confine(9, BOUNDS)
        print(open('/proc/self/oom_score_adj').read())
    """
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert told.stdout.split() == ["1000"]


def environment_of(process_id: int) -> bytes:
    return Path(f"/proc/{process_id}/environ").read_bytes()


async def test_the_process_knows_nothing_of_the_servers_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAILWIRE_SECRET", MARK.decode())
    pictures = Pictures()
    try:
        assert await looked_at(pictures, written("PNG"), tmp_path)
        process = pictures._idle[0]._process
        assert process is not None
        assert MARK not in environment_of(process.pid)
    finally:
        await pictures.close()
    assert process.returncode is not None


async def test_a_picture_is_fetched_when_its_turn_has_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.files.pictures.AT_ONCE", 1)
    pictures, may_end, fetched = Pictures(), asyncio.Event(), list[str]()

    @asynccontextmanager
    async def source(name: str) -> AsyncIterator[Path]:
        fetched.append(name)
        yield tmp_path

    async def answers_late(_request: dict[str, Any]) -> dict[str, Any]:
        await may_end.wait()
        return {"type": None}

    monkeypatch.setattr(pictures, "_ask_process", answers_late)
    looks = [asyncio.create_task(pictures.look(source(name), tmp_path)) for name in ("first", "second")]
    while pictures._waiting < len(looks):  # noqa: ASYNC110 they are on their way in the next turn of the loop
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert fetched == ["first"]
    may_end.set()
    await asyncio.gather(*looks)
    assert fetched == ["first", "second"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux has it")
async def test_what_a_decoder_says_is_no_line_of_the_servers_log(pictures: Pictures, tmp_path: Path) -> None:
    await looked_at(pictures, written("PNG"), tmp_path)
    process = pictures._idle[0]._process
    assert process is not None
    assert await asyncio.to_thread(os.readlink, f"/proc/{process.pid}/fd/2") == "/dev/null"
