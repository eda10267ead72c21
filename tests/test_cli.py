"""The command `tailwire` as a process: its output and its exit code."""

import asyncio
import re
import signal
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from api.models.rooms import LOBBY_ID
from tests.process import READY, START_SECONDS, result, serving, started

pytestmark = pytest.mark.anyio


@pytest.fixture
def setup(tmp_path: Path) -> dict[str, str]:
    """The settings of a server on a free port, with its own store."""
    return {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}


async def test_serve_says_where_it_is_and_is_there(setup: dict[str, str], tmp_path: Path) -> None:
    async with serving(setup, tmp_path) as node:
        answer = await node.client().get("/healthz")
    assert answer.status_code == 200


async def test_serve_stops_with_0_when_told_to(setup: dict[str, str], tmp_path: Path) -> None:
    async with started(setup, tmp_path, "serve") as process, asyncio.timeout(START_SECONDS):
        assert process.stdout is not None
        assert READY.fullmatch((await process.stdout.readline()).decode())
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert b"Traceback" not in err
    assert process.returncode in {0, -signal.SIGTERM}  # uvicorn raises the signal again once it is done


async def test_a_port_in_use_is_said_in_one_line(setup: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, out, err = await result(setup | {"TAILWIRE_PORT": port}, tmp_path, "serve")
    assert (code, out) == (1, "")
    assert err == f"tailwire: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.parametrize("command", ["serve", "doctor"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("TAILWIRE_PORT", "99999", id="port-range"),
        pytest.param("TAILWIRE_PORT", "eighty-eighty", id="port-text"),
        pytest.param("TAILWIRE_SECRET", "hunter2hunter2", id="T11-secret-short"),
        pytest.param("TAILWIRE_SECRET", "changeme" * 8, id="T11-secret-sample"),
        pytest.param("TAILWIRE_PREVIOUS_SECRETS", "hunter2hunter2", id="T11-previous-secret-short"),
        pytest.param("TAILWIRE_FRONTEND", "/nowhere/hunter2", id="frontend-none"),
        pytest.param("TAILWIRE_STORE", "mysql://root:hunter2@db/x", id="store-scheme"),
    ],
)
async def test_a_wrong_setting_is_named_in_one_line_without_its_value(
    setup: dict[str, str], tmp_path: Path, command: str, name: str, value: str
) -> None:
    code, out, err = await result(setup | {name: value}, tmp_path, command)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"tailwire: {name} .+\n", err), err
    assert value not in err
    assert "hunter2" not in err


@pytest.mark.parametrize("case", ["a directory that is a file", "a database that is a directory", "no store"])
async def test_a_store_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path, case: str) -> None:
    (tmp_path / "file").touch()
    store, said = {
        "a directory that is a file": (f"sqlite:///{tmp_path / 'file' / 'tailwire.db'}", "cannot be opened"),
        "a database that is a directory": (f"sqlite:///{tmp_path}", "cannot be opened"),
        "no store": ("rethinkdb://app:hunter2@127.0.0.1:1/tailwire", "RethinkDB cannot be reached"),
    }[case]
    settings = {"TAILWIRE_STORE": store, "TAILWIRE_PORT": "0"}
    code, out, err = await result(settings, tmp_path, "serve")
    assert (code, out) == (1, "")
    assert re.fullmatch(r"tailwire: .+\n", err), err
    assert said in err
    assert "hunter2" not in err
    code, out, err = await result(settings, tmp_path, "doctor")
    assert (code, err) == (1, "")
    assert out.startswith("WRONG  store")
    assert said in out
    assert "hunter2" not in out


async def test_doctor_finds_nothing_wrong_with_a_new_setup(setup: dict[str, str], tmp_path: Path) -> None:
    code, out, err = await result(setup, tmp_path, "doctor")
    assert (code, err) == (0, "")
    assert all(line.startswith("ok ") for line in out.splitlines()), out
    assert [line.split()[1] for line in out.splitlines()] == [
        "store",
        "clock:",
        "lobby:",
        "feed:",
        "secret:",
        "port:",
    ]


async def test_doctor_finds_a_port_that_is_taken(setup: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, out, _ = await result(setup | {"TAILWIRE_PORT": port}, tmp_path, "doctor")
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("WRONG")] == [out.splitlines()[-1]]
    assert f"port {port}" in out.splitlines()[-1]


async def test_doctor_finds_nothing_wrong_beside_a_running_server(
    setup: dict[str, str], tmp_path: Path
) -> None:
    async with serving(setup, tmp_path) as node:
        port = node.url.rpartition(":")[2]
        code, out, _ = await result(setup | {"TAILWIRE_PORT": port}, tmp_path, "doctor")
    assert (code, out.splitlines()[-1]) == (0, f"ok     port: Tailwire is running on 127.0.0.1 port {port}")


async def test_init_is_for_rethinkdb(setup: dict[str, str], tmp_path: Path) -> None:
    code, _, err = await result(setup, tmp_path, "init", "--admin", "rethinkdb://admin:hunter2@127.0.0.1:1")
    assert code == 1
    assert re.fullmatch(r"tailwire: .+ SQLite .+\n", err), err


async def test_two_workers_bring_every_entry_to_every_socket(
    setup: dict[str, str], store_url: str, tmp_path: Path
) -> None:
    setup["TAILWIRE_STORE"] = store_url
    async with serving(setup, tmp_path, "--workers", "2") as node, AsyncExitStack() as stack:
        alice = await node.sign_up("alice")
        sockets = [await stack.enter_async_context(alice.socket()) for _ in range(8)]
        for one in sockets:
            await one.send(type="subscribe", room_id=LOBBY_ID)
            await one.until(type="live")
        for number, one in enumerate(sockets):
            await one.send(type="send", room_id=LOBBY_ID, ref=f"r{number}", body=f"from {number}")
        seen = await asyncio.gather(*(one.entries(8) for one in sockets))
    assert all(entries == seen[0] for entries in seen)
    assert sorted(entry["body"] for entry in seen[0]) == [f"from {number}" for number in range(8)]
    seqs = [entry["seq"] for entry in seen[0]]
    assert seqs == list(range(seqs[0], seqs[0] + 8))
