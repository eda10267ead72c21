"""Several processes on one file."""

import signal

import pytest

from api.models.rooms import LOBBY_ID
from api.store.sqlite.store import SqliteStore
from tests.store.calls import whole_log
from tests.store.make import message
from tests.store.sqlite.files import go, line, opened, sender, until

pytestmark = pytest.mark.anyio


async def test_whatever_was_acked_survives_kill_nine(url: str) -> None:
    acked: dict[int, str] = {}
    for round_number in range(5):
        async with sender(url, f"round{round_number}", 1_000_000) as process:
            go(process)
            lines = [await line(process) for _ in range(20 + 37 * round_number)]
            process.send_signal(signal.SIGKILL)
            rest, _ = await process.communicate()
            lines += rest.decode().split("\n")[:-1]
        acked |= {int(seq): ref for seq, ref, _ in (ack.split() for ack in lines)}
    async with opened(url) as store:
        stored = {entry.seq: entry.ref for entry in await whole_log(store)}
    assert list(stored) == list(range(1, len(stored) + 1))
    assert acked.items() <= stored.items()
    assert len(acked) >= 470


async def test_two_processes_number_one_room(store: SqliteStore, url: str) -> None:
    async with sender(url, "p", 100) as process, store.changes.open() as tail:
        go(process)
        mine = [await store.log.append(LOBBY_ID, message(f"mine-{n}")) for n in range(100)]
        theirs = [(await line(process)).split() for _ in range(100)]
        seqs = [answer.entry.seq for answer in mine] + [int(seq) for seq, _, _ in theirs]
        assert sorted(seqs) == list(range(1, 201))
        assert [entry.seq for entry in await until(tail, 200)] == list(range(1, 201))
