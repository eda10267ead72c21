"""The programs of the README are those in examples/, and run."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tailwire_client import Client, MessageEntry
from tests.node import PASSWORD, Node

pytestmark = pytest.mark.anyio

SDK = Path(__file__).parents[1]
SECONDS = 30.0
SHOWN = re.compile(r"^```python\n(# (\w+\.py)\n.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_programs_of_the_readme_are_the_examples() -> None:
    shown = {name: text for text, name in SHOWN.findall((SDK / "README.md").read_text())}
    assert shown == {one.name: one.read_text() for one in (SDK / "examples").glob("*.py")}


def test_the_bot_has_ten_lines() -> None:
    lines = (SDK / "examples" / "bot.py").read_text().splitlines()[1:]
    code = [one for one in lines if one and not one.startswith(("import", "from"))]
    assert len(code) <= 10


async def run(name: str, server: Node, place: Path, **more: str) -> asyncio.subprocess.Process:
    environment = {
        "TAILWIRE": server.url,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SDK / "src"),
        "PYTHONUNBUFFERED": "1",
        **more,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(SDK / "examples" / name),
        env=environment,
        cwd=place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def end(program: asyncio.subprocess.Process) -> None:
    program.kill()
    await program.communicate()


async def test_a_bot_is_made_and_is_in_the_lobby(server: Node, tmp_path: Path) -> None:
    await server.sign_up("eve")
    who = {"CHAT_USER": "eve", "CHAT_PASSWORD": PASSWORD}
    program = await run("make_bot.py", server, tmp_path, **who)
    out, _ = await program.communicate()
    async with Client(server.url, out.decode().strip()) as bot:
        assert (await bot.account.me()).is_bot
        assert [room.id async for room in bot.rooms.mine()] == ["lobby"]


async def test_the_bot_answers_once_also_when_it_is_killed(server: Node, ada: Client, tmp_path: Path) -> None:
    bot = await ada.bots.create("echo-bot")
    room = await ada.rooms.create("Echo", "private")
    await ada.members.set(room.id, bot.id)
    token = (await ada.tokens.create("bot", ["read", "write"], bot=bot.id)).token
    assert token is not None
    answers: list[str] = []
    async with asyncio.timeout(SECONDS), ada.events(room.id) as stream:
        for word in ("Hello", "again"):
            program = await run("bot.py", server, tmp_path, TOKEN=token)
            try:
                await ada.send(room.id, word)
                async for event in stream:
                    if isinstance(event, MessageEntry) and event.is_bot:
                        answers.append(event.body)
                        break
            finally:
                await end(program)
    assert answers == ["You said: Hello", "You said: again"]


async def test_the_chat_shows_what_is_written_and_says_hello(
    server: Node, ada: Client, bob: Client, tmp_path: Path
) -> None:
    token = (await bob.tokens.create("chat", ["read", "write"])).token
    assert token is not None
    async with asyncio.timeout(SECONDS), ada.events("lobby") as stream:
        program = await run("chat.py", server, tmp_path, TOKEN=token)
        try:
            async for event in stream:
                if isinstance(event, MessageEntry):
                    break
            assert program.stdout is not None
            assert (await program.stdout.readline()).startswith(b"stored as ")
            number = 0
            while True:  # until the chat listens, what is written is not shown: it begins with what is new
                await ada.send("lobby", f"Hello {number}")
                number += 1
                try:
                    async with asyncio.timeout(0.2):
                        line = await program.stdout.readline()
                except TimeoutError:
                    continue
                assert line.startswith(b"ada Hello "), line
                break
        finally:
            await end(program)


async def test_the_report_is_sent_and_the_rooms_are_listed(server: Node, ada: Client, tmp_path: Path) -> None:
    token = (await ada.tokens.create("report", ["read", "write"])).token
    assert token is not None
    program = await run("report.py", server, tmp_path, TOKEN=token)
    out, _ = await program.communicate()
    assert re.fullmatch(rb"\d+\nLobby 0\nada\n", out), out


async def test_a_log_in_is_kept_for_the_next_start(server: Node, tmp_path: Path) -> None:
    await server.sign_up("eve")
    for password in (PASSWORD, "not needed any more"):
        program = await run("login.py", server, tmp_path, CHAT_USER="eve", CHAT_PASSWORD=password)
        out, _ = await program.communicate()
        assert out == b"eve\n", out
