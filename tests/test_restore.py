"""`tailwire backup` and `tailwire restore`, and those of RethinkDB, as clients, consumers and webhooks see them."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from api.models.rooms import LOBBY_ID
from api.store.rethinkdb import Address, r
from tests.accounts.test_sessions import refresh
from tests.node import Node, Person, Socket, eventually
from tests.process import result, serving
from tests.receiver import Receiver, Request, receiving
from tests.rethinkdb_server import ADMIN_PASSWORD, RethinkDBServer, as_admin
from tests.rooms.test_consumers import drain, logged_in, make, of_room
from tests.rooms.test_rooms import make_room
from tests.rooms.test_webhooks import make_webhook

pytestmark = pytest.mark.anyio


@pytest.fixture
def setup(tmp_path: Path) -> dict[str, str]:
    return {"TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}", "TAILWIRE_PORT": "0"}


async def say(person: Person, *bodies: str) -> list[int]:
    """Send messages to the lobby, and return their seqs."""
    answers = [
        await person.http.post(f"/rooms/{LOBBY_ID}/messages", json={"ref": body, "body": body})
        for body in bodies
    ]
    return [answer.json()["seq"] for answer in answers]


async def unread(person: Person) -> int:
    room = await person.http.get(f"/rooms/{LOBBY_ID}")
    return int(room.json()["unread_count"])


async def test_after_a_restore_clients_reset_and_nothing_is_read_that_was_not(
    setup: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "backup.db")
    async with serving(setup, tmp_path) as node:
        alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
        async with bob.socket() as socket:
            _, second, _ = await say(alice, "one", "two", "three")
            since = await socket.call(type="subscribe", room_id=LOBBY_ID)
            await bob.http.put(f"/rooms/{LOBBY_ID}/read", json={"seq": second})
            assert await unread(bob) == 1
            code, out, err = await result(setup, tmp_path, "backup", file)
            assert (code, err, out.startswith(f"{file}: a whole copy")) == (0, "", True)
            *_, last = await say(alice, "four", "five")
            await bob.http.put(f"/rooms/{LOBBY_ID}/read", json={"seq": last})
            assert await unread(bob) == 0
            code, _, err = await result(setup, tmp_path, "restore", file, "--force")
            assert (code, "stop it first" in err) == (1, True)
            await socket.send(type="ping")  # the refused restore has not harmed the server
            await socket.until(type="pong")
    code, _, err = await result(setup, tmp_path, "restore", file)
    assert (code, "--force puts it aside" in err) == (1, True)
    code, out, err = await result(setup, tmp_path, "restore", file, "--force")
    assert (code, err) == (0, "")
    async with serving(setup, tmp_path) as node:
        for person in (alice, bob):
            person.http = node.client(Authorization=f"Bearer {person.access_token}")
        async with bob.socket(node=node) as socket:
            position = {"epoch": since["epoch"], "seq": last}
            await socket.send(type="subscribe", room_id=LOBBY_ID, since=position)
            reset = await socket.until(type="reset")
            assert (reset["epoch"] != since["epoch"], reset["seq"] < last) == (True, True)
            assert await unread(bob) == 1  # as it was when the copy was taken
            # A page that has not heard of the restore reports what was read.
            late = position | {"type": "read", "room_id": LOBBY_ID}
            assert (await socket.call(**late))["code"] == "reset"
            refused = await bob.http.put(f"/rooms/{LOBBY_ID}/read", json=position)
            assert (refused.status_code, refused.json()["code"]) == (409, "reset")
            assert await unread(bob) == 1
            assert await say(alice, "new four", "new five") == [reset["seq"] + 1, reset["seq"] + 2]
            assert await unread(bob) == 3
            assert [await told(socket), await told(socket)] == ["new four", "new five"]


async def told(socket: Socket) -> str:
    return str((await socket.until(type="message"))["body"])


async def test_a_restore_logs_nobody_out_who_has_refreshed_since_the_copy(
    setup: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "backup.db")
    async with serving(setup, tmp_path) as node:
        alice = await node.sign_up("alice")
        assert (await result(setup, tmp_path, "backup", file))[0] == 0
        _, second = await refresh(node, alice.refresh_token)
        _, third = await refresh(node, second)
    assert (await result(setup, tmp_path, "restore", file, "--force"))[0] == 0
    async with serving(setup, tmp_path) as node:
        status, fourth = await refresh(node, third)
        assert (status, await refresh(node, third)) == (200, (200, fourth))
        assert (await refresh(node, fourth))[0] == 200
        assert (await refresh(node, second))[0] == 401


async def test_what_a_backup_and_a_restore_cannot_do_is_said_in_one_line(
    setup: dict[str, str], tmp_path: Path
) -> None:
    for command, said in (
        (("backup", "copy.db"), "tailwire: there is no database at"),
        (("restore", "copy.db"), "tailwire: there is no file"),
    ):
        code, out, err = await result(setup, tmp_path, *command)
        assert (code, out, err.count("\n"), err.startswith(said)) == (1, "", 1, True)
        code, out, err = await result(
            setup | {"TAILWIRE_STORE": "rethinkdb://a:hunter2@db/x"}, tmp_path, *command
        )
        assert (code, out, "rethinkdb-dump" in err, "hunter2" in err) == (1, "", True, False)


TOOLS: Final = Path(sys.executable).parent
"""Where the programs of RethinkDB's driver are."""


@asynccontextmanager
async def serving_again(setup: dict[str, str], directory: Path, *people: Person) -> AsyncIterator[Node]:
    """Run a node, to which these people talk from now on."""
    async with serving(setup, directory) as node:
        for person in people:
            person.node, person.http = node, (await logged_in(node, person)).http
        yield node


async def posted(receiver: Receiver, path: str, is_last: Callable[[Any], bool]) -> list[Request]:
    """Wait until a webhook was sent what is last, and return all that it was sent since this was called last."""

    async def is_there() -> bool:
        return any(one.path == path and is_last(json.loads(one.body)["data"]) for one in receiver.requests)

    await eventually(is_there, seconds=30)
    found = [one for one in receiver.requests if one.path == path]
    receiver.requests[:] = [one for one in receiver.requests if one.path != path]
    return found


@pytest.mark.rethinkdb
@pytest.mark.timeout(300)  # six programs are started one after the other, on a busy machine for 20 s each
async def test_a_restored_rethinkdb_tells_webhooks_and_consumers_and_neither_skips_nor_doubles(
    rethinkdb_server: RethinkDBServer | None, tmp_path: Path
) -> None:
    """As docs/operations.md says: dumped while no node runs, and restored where there is no database."""
    if rethinkdb_server is None or rethinkdb_server.process is None:
        pytest.skip("no RethinkDB of our own")
    setup = {
        "TAILWIRE_STORE": rethinkdb_server.empty_store(),
        "TAILWIRE_PORT": "0",
        "TAILWIRE_SIGNUP": "open",
        "TAILWIRE_WEBHOOK_ALLOW": "127.0.0.0/8",
        "TAILWIRE_FILES_SHARED": "true",
    }
    async with receiving() as receiver:
        async with serving(setup, tmp_path) as node:
            alice = await node.sign_up("alice")
            den = str((await make_room(alice, "Den"))["id"])
            for name in ("early", "quiet"):
                await make_webhook(
                    alice, den, receiver.url + name, **({"paused": True} if name == "quiet" else {})
                )
                await make(alice, name)
            await say_in(alice, den, "kept")
            before = await posted(receiver, "/inearly", lambda data: data["body"] == "kept")
            kept = json.loads(before[-1].body)["data"]
            await drain(alice, "early")
        await copied(rethinkdb_server, tmp_path)
        async with serving_again(setup, tmp_path, alice):
            await say_in(alice, den, "lost")
            lost = await posted(receiver, "/inearly", lambda data: data["body"] == "lost")
            for name in ("early", "quiet"):
                assert of_room(await drain(alice, name), den)[-1]["body"] == "lost"
        await put_back(rethinkdb_server, setup, tmp_path)
        async with serving_again(setup, tmp_path, alice):
            await say_in(alice, den, "new")
            told = await posted(receiver, "/inearly", lambda data: data.get("body") == "new")
            for webhook in (await alice.http.get(f"/rooms/{den}/webhooks")).json()["items"]:
                path = f"/rooms/{den}/webhooks/{webhook['webhook_id']}"
                assert (await alice.http.patch(path, json={"paused": False})).status_code == 200
            quiet = await posted(receiver, "/inquiet", lambda data: data.get("body") == "new")
            log = (await alice.http.get(f"/rooms/{den}/log")).json()
            read = {name: of_room(await drain(alice, name), den) for name in ("early", "quiet")}
    reset, *entries = [json.loads(one.body)["data"] for one in told]
    assert (reset["type"], reset["seq"], reset["epoch"]) == ("reset", kept["seq"], log["epoch"])
    assert [(one["seq"], one["epoch"]) for one in entries] == [(kept["seq"] + 1, log["epoch"])]
    assert log["epoch"] != kept["epoch"]
    ids = [one.headers["webhook-id"] for one in [*before, *lost, *told]]
    assert len({*ids}) == len(ids)
    first, *others = [json.loads(one.body)["data"] for one in quiet]
    assert (first["type"], [one["body"] for one in others]) == ("reset", ["kept", "new"])
    for name, after in (("early", kept["seq"]), ("quiet", 0)):
        first, *others = read[name]
        assert (first["type"], first["seq"], first["epoch"]) == ("reset", after, log["epoch"])
        assert [one["seq"] for one in others] == [*range(after + 1, log["seq"] + 1)]


async def say_in(person: Person, room_id: str, body: str) -> None:
    answer = await person.http.post(f"/rooms/{room_id}/messages", json={"ref": body, "body": body})
    assert answer.status_code == 201


async def copied(server: RethinkDBServer, directory: Path) -> None:
    """Dump the database, as docs/operations.md says."""
    admin, database = Address.parse(server.admin_url, needs_database=False), server.admin.database
    (directory / "password").write_text(ADMIN_PASSWORD)
    at = ("--connect", f"{admin.host}:{admin.port}", "--password-file", "password")
    dump = (str(TOOLS / "rethinkdb-dump"), *at, "--export", database, "--file", "copy.tar.gz")
    code, _, err = await result({}, directory, program=dump)
    assert code == 0, err


async def put_back(server: RethinkDBServer, setup: dict[str, str], directory: Path) -> None:
    """Drop the database, and restore the copy, as docs/operations.md says."""
    admin, database = Address.parse(server.admin_url, needs_database=False), server.admin.database
    at = ("--connect", f"{admin.host}:{admin.port}", "--password-file", "password")
    await as_admin(server, r.db_drop(database))
    restore = (str(TOOLS / "rethinkdb-restore"), "copy.tar.gz", *at)
    code, _, err = await result({}, directory, program=restore)
    assert code == 0, err
    code, _, err = await result(setup, directory, "init", "--restored", "--admin", server.admin_url)
    assert code == 0, err
