"""`tailwire backup` and `tailwire restore`, beside a server and seen by its clients."""

from pathlib import Path

import pytest

from api.models.rooms import LOBBY_ID
from tests.accounts.test_sessions import refresh
from tests.node import Person, Socket
from tests.process import result, serving

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
            late = position | {
                "type": "read",
                "room_id": LOBBY_ID,
            }  # of a page that has not heard of the restore
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
