"""The command `tailwire` as a process: its output and its exit code."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from contextlib import AsyncExitStack, closing
from functools import partial
from pathlib import Path

import apsw
import pytest

from api import __version__
from api.models.followers import FollowerPosition
from api.models.rooms import LOBBY_ID
from api.store import open_store
from api.store.sqlite import schema
from api.store.sqlite.steps import STEPS
from tests.node import eventually
from tests.process import READY, START_SECONDS, result, serving, started, workers_of
from tests.store.make import message

pytestmark = pytest.mark.anyio

INTERRUPTED_WHILE_LOADING = """
import builtins, os, signal, sys

def hook(event, arguments):
    if event == "import" and arguments[0] == "typer":
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(hook)
from api.__main__ import main
main()
"""


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


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
        pytest.param("TAILWIRE_METRICS_TOKEN", "1234567890123456", id="metrics-token-pattern"),
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
    settings = {"TAILWIRE_STORE": store, "TAILWIRE_PORT": "0", "TAILWIRE_STORE_WAIT_SECONDS": "0"}
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


async def test_serve_does_not_send_whoever_it_cannot_make_a_database_for_to_serve(tmp_path: Path) -> None:
    link = tmp_path / "tailwire.db"
    link.symlink_to(tmp_path / "not-mounted" / "tailwire.db")
    settings = {"TAILWIRE_STORE": f"sqlite:///{link}", "TAILWIRE_PORT": "0"}
    code, out, err = await result(settings, tmp_path, "serve")
    said = f"tailwire: the database {link} cannot be opened: No such file or directory\n"
    assert (code, out, err) == (1, "", said)


async def test_a_rethinkdb_that_does_not_answer_is_waited_for_and_that_is_said(tmp_path: Path) -> None:
    settings = {
        "TAILWIRE_STORE": "rethinkdb://app:hunter2@127.0.0.1:1/tailwire",
        "TAILWIRE_PORT": "0",
        "TAILWIRE_STORE_WAIT_SECONDS": "1",
    }
    began = time.monotonic()
    code, out, err = await result(settings, tmp_path, "serve")
    assert (code, out) == (1, "")
    waiting, last = err.splitlines()
    assert "waiting_for_the_store" in waiting
    assert "at_most_seconds=1" in waiting
    assert last == "tailwire: RethinkDB cannot be reached"
    assert time.monotonic() - began > 1


async def test_all_wrong_settings_are_told_at_once(setup: dict[str, str], tmp_path: Path) -> None:
    wrong = {
        "TAILWIRE_PORT": "99999",
        "TAILWIRE_SECRET": "hunter2",
        "TAILWIRE_ORIGINS": "nowhere,https://x/y",
    }
    code, out, err = await result(setup | wrong, tmp_path, "serve")
    assert (code, out) == (2, "")
    assert sorted(line.split()[1] for line in err.splitlines()) == sorted(wrong)
    assert "tailwire: TAILWIRE_PORT should be less than or equal to 65535" in err.splitlines()


async def test_a_name_that_is_no_setting_is_said_with_the_nearest(
    setup: dict[str, str], tmp_path: Path
) -> None:
    typos = {"TAILWIRE_TRUSTED_PROXYS": "hunter2", "TAILWIRE_ADMIN": "known", "TAILWIRE_QQQQQQ": ""}
    _, _, err = await result(setup | typos, tmp_path, "doctor")
    assert err.splitlines() == [
        "tailwire: TAILWIRE_QQQQQQ is no setting, and is ignored",
        "tailwire: TAILWIRE_TRUSTED_PROXYS is no setting, and is ignored; did you mean TAILWIRE_TRUSTED_PROXIES?",
    ]


async def test_the_version_is_told(tmp_path: Path) -> None:
    assert await result({}, tmp_path, "--version") == (0, f"tailwire {__version__}\n", "")


@pytest.mark.parametrize(
    "command",
    [
        ("doctor",),
        ("audit",),
        ("user", "list"),
        ("user", "create", "bob", "--generate"),
        ("user", "sessions", "bob"),
        ("setup-link",),
        ("invite",),
    ],
    ids=" ".join,
)
async def test_only_serve_makes_a_database(tmp_path: Path, command: tuple[str, ...]) -> None:
    typo = {"TAILWIRE_PORT": "0", "TAILWIRE_STORE": "sqlite:///typo/tailwire.db"}
    code, out, err = await result(typo, tmp_path, *command)
    assert code == 1
    there = tmp_path / "typo" / "tailwire.db"
    assert f"there is no database at {there}: `tailwire serve` makes one" in out + err
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("command", [("doctor",), ("user", "list")], ids=" ".join)
async def test_only_serve_brings_a_database_up_to_date(
    setup: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    with closing(apsw.Connection(str(tmp_path / "tailwire.db"))) as older:
        older.execute(STEPS[0])
        older.pragma("application_id", schema.APPLICATION_ID)
        older.pragma("user_version", 1)
    before = (tmp_path / "tailwire.db").read_bytes()
    code, out, err = await result(setup, tmp_path, *command)
    assert code == 1
    assert "made by an older Tailwire" in out + err
    assert "`tailwire serve` brings it up to date" in out + err
    assert (tmp_path / "tailwire.db").read_bytes() == before
    assert names_in(tmp_path) == ["tailwire.db"]


async def test_doctor_only_looks(setup: dict[str, str], tmp_path: Path) -> None:
    store = await open_store(setup["TAILWIRE_STORE"])
    await store.close()
    (tmp_path / "tailwire.db-life").unlink()  # as after a restore, when the next writer begins new epochs
    before = (tmp_path / "tailwire.db").read_bytes()
    code, out, _ = await result(setup, tmp_path, "doctor")
    assert (code, "secret: none yet" in out) == (0, True)
    assert (tmp_path / "tailwire.db").read_bytes() == before
    assert names_in(tmp_path) == ["tailwire.db"]


async def test_an_unknown_user_is_said_in_clear_words(setup: dict[str, str], tmp_path: Path) -> None:
    store = await open_store(setup["TAILWIRE_STORE"])
    await store.close()
    for command in (["promote"], ["disable"], ["sessions"], ["reset-password", "--generate"]):
        code, out, err = await result(setup, tmp_path, "user", *command, "nobody")
        assert (code, out) == (1, "")
        assert err == "tailwire: There is no account with this name: `tailwire user list` shows all\n"


@pytest.mark.parametrize("arguments", [("serve",), ("serve", "--workers", "2")], ids=" ".join)
async def test_ctrl_c_ends_a_server_without_a_traceback(
    setup: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    async with started(setup, tmp_path, *arguments) as process, asyncio.timeout(START_SECONDS):
        assert process.stdout is not None
        assert READY.fullmatch((await process.stdout.readline()).decode())
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers as well
        _, err = await process.communicate()
    assert not re.search(rb"Traceback|Aborted|KeyboardInterrupt", err), err.decode()
    assert process.returncode == 0  # or `make run` would say that it has failed


async def test_ctrl_c_ends_a_server_whose_workers_are_still_loading_without_a_traceback(
    setup: dict[str, str], tmp_path: Path
) -> None:
    async with (
        started(setup, tmp_path, "serve", "--workers", "2") as process,
        asyncio.timeout(START_SECONDS),
    ):
        assert process.stdout is not None
        assert READY.fullmatch((await process.stdout.readline()).decode())
        await eventually(partial(has_workers, process.pid, 2))
        os.killpg(process.pid, signal.SIGINT)
        _, err = await process.communicate()
    assert not re.search(rb"Traceback|Aborted|KeyboardInterrupt", err), err.decode()
    assert process.returncode == 0


async def has_workers(number: int, count: int) -> bool:
    return len(workers_of(number)) == count


async def test_ctrl_c_ends_a_command_that_is_being_loaded_without_a_traceback(
    setup: dict[str, str], tmp_path: Path
) -> None:
    program = (sys.executable, "-c", INTERRUPTED_WHILE_LOADING)
    async with started(setup, tmp_path, "serve", program=program) as process, asyncio.timeout(START_SECONDS):
        _, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")


async def test_doctor_finds_nothing_wrong_with_a_new_setup(setup: dict[str, str], tmp_path: Path) -> None:
    async with serving(setup, tmp_path):
        pass
    code, out, err = await result(setup, tmp_path, "doctor")
    assert (code, err) == (0, "")
    assert all(line.startswith("ok ") for line in out.splitlines()), out
    assert [line.split()[1] for line in out.splitlines()] == [
        "store",
        "clock:",
        "lobby:",
        "feed:",
        "search:",
        "files:",
        "files:",
        "secret:",
        "port:",
    ]


async def test_doctor_says_how_far_behind_each_follower_is(setup: dict[str, str], tmp_path: Path) -> None:
    store = await open_store(setup["TAILWIRE_STORE"])
    for n in range(3):
        await store.log.append(LOBBY_ID, message(f"r{n}"))
    lease = await store.leases.acquire("mirror", "a")
    assert lease is not None
    assert await store.leases.acquire("no follower", "a") is not None
    epoch = (await store.log.heads([LOBBY_ID]))[LOBBY_ID].epoch
    await store.positions.advance(lease, [FollowerPosition(LOBBY_ID, epoch, 1)])
    code, out, _ = await result(setup, tmp_path, "doctor")
    assert (code, "follower no" in out) == (0, False)
    assert "follower mirror: 2 entries behind, and a server runs it" in out
    await store.leases.release(lease)
    await asyncio.gather(*(store.log.append(LOBBY_ID, message(f"s{n}")) for n in range(1_000)))
    await store.close()
    code, out, _ = await result(setup, tmp_path, "doctor")
    assert code == 1
    (wrong,) = [line for line in out.splitlines() if line.startswith("WRONG")]
    assert wrong.endswith("follower mirror: 1,002 entries behind, and no server runs it now")


async def test_doctor_finds_a_port_that_is_taken(setup: dict[str, str], tmp_path: Path) -> None:
    await (await open_store(setup["TAILWIRE_STORE"])).close()
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


REACHABLE = {"TAILWIRE_HOST": "0.0.0.0"}  # noqa: S104  the doors of such a server are the subject
CLOSED = {
    "TAILWIRE_PRODUCTION": "true",
    "TAILWIRE_HOSTS": "chat.example.org",
}


@pytest.mark.parametrize(
    ("settings", "doors"),
    [
        pytest.param({}, [], id="loopback"),
        pytest.param(REACHABLE, ["/docs", "/metrics", "cookies", "host name"], id="open"),
        pytest.param(
            {"TAILWIRE_URL": "https://chat.example.org"},
            ["/docs", "/metrics", "cookies", "TAILWIRE_TRUSTED_PROXIES"],
            id="behind-a-proxy",
        ),
        pytest.param(
            {"TAILWIRE_TRUSTED_PROXIES": "127.0.0.1"}, ["/docs", "/metrics", "cookies"], id="trusted-proxy"
        ),
        pytest.param({"TAILWIRE_URL": "http://localhost:8000"}, [], id="own-address"),
        pytest.param(REACHABLE | CLOSED, [], id="closed"),
        pytest.param(REACHABLE | CLOSED | {"TAILWIRE_SIGNUP": "open"}, ["sign up"], id="sign-up"),
        pytest.param(REACHABLE | CLOSED | {"TAILWIRE_SIGNUP": "open"}, ["sign up"], id="signup"),
        pytest.param(REACHABLE | CLOSED | {"TAILWIRE_DOCS": "true"}, ["/docs"], id="docs"),
        pytest.param(
            REACHABLE | {"TAILWIRE_METRICS_TOKEN": "a token for metrics", "TAILWIRE_HOSTS": "a.example"},
            ["/docs", "cookies"],
            id="token",
        ),
    ],
)
async def test_every_open_door_is_said_at_the_start_and_by_doctor(
    setup: dict[str, str], tmp_path: Path, settings: dict[str, str], doors: list[str]
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        async with serving(setup | settings, tmp_path, log=file):
            pass
    said = [line for line in log.read_text().splitlines() if "] open_door " in line]
    code, out, _ = await result(setup | settings, tmp_path, "doctor")
    found = [line for line in out.splitlines() if line.startswith("open ")]
    assert code == 0
    for lines in (said, found):
        assert len(lines) == len(doors)
        assert all(door in line for line, door in zip(lines, doors, strict=True))
