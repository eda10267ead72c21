"""The TypeScript SDK is built and packed as its users build it, runs on Node, and keeps every rule of the kit."""

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from api.config import Settings
from conformance.client.stage import Terms
from conformance.client.trial import RULES, trial
from conformance.outcome import Verdict
from tests.files.hostile import png
from tests.node import PASSWORD, Node, Person, running
from tests.rooms.test_rooms import make_room
from tests.test_docs import ROOT

SDK: Final = ROOT / "sdk" / "typescript"
TOOLS: Final = ROOT / "frontend" / "node_modules" / ".bin"
NODE: Final = ("node", "--experimental-websocket", "--no-warnings")
SECONDS: Final = 120
PACE: Final = 0.02
MANY_ROOMS: Final = 20  # from so many on a client asks for all at once
SNIPPET: Final = re.compile(r"```js\n// (\w+\.mjs)\n(.*?)```", re.DOTALL)

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        shutil.which("node") is None or not (TOOLS / "tsc").exists(),
        reason="Node or the tools of the SPA are missing: make spa",
    ),
]


def run(*command: str, directory: Path) -> str:
    ran = subprocess.run(  # noqa: S603
        command,
        cwd=directory,
        env={**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as `npm pack` makes it, installed beside the programs that use it."""
    place = tmp_path_factory.mktemp("typescript")
    copy = place / "copy"
    shutil.copytree(SDK, copy, ignore=shutil.ignore_patterns("dist", "node_modules"))
    run("npm", "pack", "--silent", "--pack-destination", str(place), directory=copy)
    (archive,) = place.glob("*.tgz")
    with tarfile.open(archive) as file:
        file.extractall(place, filter="data")
    modules = place / "node_modules"
    modules.mkdir()
    (place / "package").rename(modules / "tailwire-client")
    return place


def test_the_package_is_whole_and_needs_nothing(package: Path) -> None:
    installed = package / "node_modules" / "tailwire-client"
    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert {"package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"} <= names
    assert {name.partition("/")[0] for name in names} == {"package.json", "README.md", "LICENSE", "dist"}
    imports = re.compile(r"from '([^']+)'")
    for path in installed.rglob("*.js"):
        assert all(name.startswith(".") for name in imports.findall(path.read_text())), path
    program = "import * as client from 'tailwire-client'; console.log(typeof client.Client)"
    (package / "uses.mjs").write_text(program)
    assert run("node", "uses.mjs", directory=package) == "function\n"


def test_it_is_built_by_the_compiler_of_the_page() -> None:
    own, page = (json.loads((at / "package.json").read_text()) for at in (SDK, ROOT / "frontend"))
    assert own["devDependencies"] == {"typescript": page["devDependencies"]["typescript"]}


def test_without_a_socket_it_says_what_is_missing(package: Path) -> None:
    made = "new Client({ url: 'http://127.0.0.1:1', credentials: 'twt_x', onEvent() {} })"
    program = f"""
import {{ Client }} from 'tailwire-client';
delete globalThis.WebSocket;
try {{ {made}; }} catch (error) {{ console.log(error.message); }}
"""
    (package / "bare.mjs").write_text(program)
    assert "--experimental-websocket" in run("node", "bare.mjs", directory=package)


def test_the_programs_of_the_readme_are_the_examples() -> None:
    shown = dict(SNIPPET.findall((SDK / "README.md").read_text()))
    assert set(shown) == {"make_bot.mjs", "bot.mjs", "chat.mjs"}
    for name, text in shown.items():
        assert text == (SDK / "examples" / name).read_text()


@pytest.mark.anyio
async def test_it_keeps_every_rule_of_the_kit(package: Path) -> None:
    program = (SDK / "tests" / "kit_client.mjs").read_text().replace("../dist/index.js", "tailwire-client")
    (package / "kit_client.mjs").write_text(program.replace("../examples/", "./"))
    shutil.copy(SDK / "examples" / "file_store.mjs", package)
    terms = Terms((*NODE, str(package / "kit_client.mjs")), pace=PACE, seconds=40)
    outcomes = [one async for one in trial(RULES, terms, 4)]
    wrong = [f"{one.line}\n{one.details}" for one in outcomes if one.verdict is not Verdict.KEPT]
    assert not wrong, "\n".join(wrong)


@asynccontextmanager
async def program(package: Path, name: str, **environment: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run an example, and give what it prints."""
    shutil.copy(SDK / "examples" / name, package)
    process = await asyncio.create_subprocess_exec(
        *NODE,
        str(package / name),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def printed(package: Path, name: str, **environment: str) -> Any:
    """Run a program of the SDK's tests, and return the JSON that it prints."""
    text = (SDK / "tests" / name).read_text().replace("../dist/index.js", "tailwire-client")
    (package / name).write_text(text)
    process = await asyncio.create_subprocess_exec(
        *NODE, str(package / name), stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    return json.loads(said)


@pytest.mark.anyio
async def test_it_asks_for_all_that_a_server_has(package: Path, sqlite_node: Node) -> None:
    await sqlite_node.sign_up("ada")
    picture = base64.b64encode(png()).decode()
    found = await printed(
        package, "requests.mjs", TAILWIRE=sqlite_node.url, PASSWORD=PASSWORD, PICTURE=picture
    )
    assert found == {
        "avatar": [200, "image/webp"],
        "removed": None,
        "room": True,
        "bot": True,
        "tokens": ["its"],
        "hooks": ["Deploys"],
        "posted": "deployed",
        "secret": "string",
        "paused": "paused",
        "webhooks": 0,
        "missed": [
            *[["room", True]] * 2,
            *[["member", True]],
            ["message", True],
            ["live", True],
            ["live", False],
        ],
        "refused": "not_found",
    }


async def rooms_with_news(person: Person) -> dict[str, dict[str, Any]]:
    """Make rooms, and write to each after the position that is returned."""
    positions = {}
    for number in range(MANY_ROOMS):
        room = await make_room(person, f"Room {number}", "private")
        positions[room["id"]] = {"epoch": room["epoch"], "seq": room["seq"]}
        for text in ("one", "two"):
            sent = {"ref": f"{text}-{number}", "body": text}
            await person.http.post(f"/rooms/{room['id']}/messages", json=sent)
    return positions


@pytest.mark.anyio
async def test_a_client_that_comes_back_to_many_rooms_asks_once_for_all(
    package: Path, tmp_path: Path
) -> None:
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", signup="open", sends_burst=200)
    async with running(settings) as node:
        ada = await node.sign_up("ada")
        body = {"name": "p", "scopes": ["read"]}
        token = (await ada.http.post("/auth/tokens", json=body)).json()["token"]
        positions = await rooms_with_news(ada)
        found = await printed(
            package, "absence.mjs", TAILWIRE=node.url, TOKEN=token, POSITIONS=json.dumps(positions)
        )
    told = [[room_id, at["seq"] + more] for room_id, at in reversed(positions.items()) for more in (1, 2)]
    assert found == {"asked": 1, "told": told}


@pytest.mark.anyio
async def test_the_examples_run(package: Path, sqlite_node: Node) -> None:
    ada = await sqlite_node.sign_up("ada")
    who = {"TAILWIRE": sqlite_node.url, "CHAT_USER": "ada", "CHAT_PASSWORD": PASSWORD}
    async with asyncio.timeout(SECONDS), program(package, "make_bot.mjs", **who) as said:
        token = (await said.readline()).decode().strip()
        rooms = (await sqlite_node.client(Authorization=f"Bearer {token}").get("/rooms")).json()
        assert [room["id"] for room in rooms["items"]] == ["lobby"]
    body = {"name": "Example", "scopes": ["read", "write"]}
    token = (await ada.http.post("/auth/tokens", json=body)).json()["token"]
    with_token = {"TAILWIRE": sqlite_node.url, "TOKEN": token}
    async with asyncio.timeout(SECONDS), program(package, "chat.mjs", **with_token) as said:
        lines = sorted([(await said.readline()).decode(), (await said.readline()).decode()])
        assert lines[0] == "ada Hello from TypeScript\n"
        assert lines[1].startswith("stored as ")
    bot = (await ada.http.post("/bots", json={"username": "other-bot"})).json()
    room = (await ada.http.post("/rooms", json={"name": "Echo", "visibility": "private"})).json()
    await ada.http.put(f"/rooms/{room['id']}/members/{bot['id']}", json={"role": "member"})
    with_token["TOKEN"] = (await ada.http.post(f"/bots/{bot['id']}/tokens", json=body)).json()["token"]
    async with ada.socket() as socket:
        await socket.call(type="subscribe", room_id=room["id"])
        async with asyncio.timeout(SECONDS), program(package, "bot.mjs", **with_token):
            await socket.call(type="send", room_id=room["id"], body="Hello, bot")
            answer = await socket.until(type="message", body="You said: Hello, bot")
    assert answer["is_bot"] is True
