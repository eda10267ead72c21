"""F13, F18, F21, F22, F28 and F29: poison, full disks, revocation, many nodes, restored stores, failing tasks."""

import asyncio
import json
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from api.failpoints import Failpoint
from api.store.rethinkdb import r
from tests.faults.case import BOTH, Round, Rounds, case
from tests.faults.client import Account, Client
from tests.faults.disk import small_disk
from tests.faults.history import What
from tests.faults.machine import Api, at_failpoint
from tests.faults.scene import Scene, database
from tests.faults.traffic import Traffic, traffic
from tests.node import eventually
from tests.rethinkdb_server import RethinkDBServer, as_admin
from tests.stranger import POISON_TIME, Stranger

WHOLE_SECONDS = 10.0
OUT_SECONDS = 5.0
"""The bound of I6 across nodes."""
LIVE_SECONDS = 30.0
"""How long a client may take to be live before the fault. The verdict shows the figure."""
RESTARTED_SECONDS = 5.0
WRITTEN_SECONDS = 2.0
FLUSHED_SECONDS = 22.0
"""After this time what a dead node had appended is flushed. That its beat is missing is noticed after 15 to 19 s."""
LONE_ROUNDS = 5
"""In each fifth round that is looked at."""
POISON = json.dumps(POISON_TIME)


@case(
    "F13",
    "poison rows written behind the API's back",
    short=5,
    long=10,
    promise="feed and reads go on; entries in their places, unreadable; logged at most once for each",
)
async def poisoned(scene: Scene, rounds: Rounds) -> None:
    async with scene.node() as node, traffic([node], random.Random(13), clients=20, rooms=2) as people:
        for one in rounds:
            async with one.watching(people):
                async with people.flowing():
                    await asyncio.sleep(one.rng.uniform(0.1, 0.3))
                    await _poison(scene, people.rooms[0], one.number)
                    await asyncio.sleep(0.5)
                    one.require(await node.is_ready(), "/readyz does not say 200")
                for room_id in people.rooms:
                    await node.ask("GET", f"/rooms/{room_id}/messages", people.clients[0].account)
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                lines = node.log.read_text().count("poison")
                one.took("log lines", lines, at_most=8 * one.number)


async def _poison(scene: Scene, room_id: str, number: int) -> None:
    """Write unreadable entries and an unknown kind into a room's log, and rows that do not belong into the tables."""
    poison = {"kind": "poll", "at": POISON_TIME}
    poll = {"kind": "poll", "data": {"options": ["tea", {"votes": [number]}]}}
    await Stranger(scene.url, scene.database).write(room_id, poll, None, poison, {"kind": "message"})
    if scene.store == "sqlite":
        with apsw.Connection(str(scene.directory / "tailwire.db")) as db:
            db.set_busy_timeout(5_000)
            db.execute(
                "INSERT INTO entries (room_id, seq, kind, user_id, username, at, data)"
                " VALUES (?, ?, 'nonsense', 'x', 'x', 1, '{')",
                (room_id, 1_000_000 + number),
            )
        return
    key = f'["{room_id}", {1 + 1 / (number + 2)}]'  # a key between those of the room's batches
    for table, row in {
        "heads": f'{{"id": "poison{number}", "seq": 1, "tail": [{POISON}], "epoch": {POISON}}}',
        "batches": f'{{"id": {key}, "rows": [{{"seq": 1, "at": {POISON}}}, {POISON}, 7]}}',
        "sessions": f'{{"id": "poison{number}", "ended": {POISON}}}',
    }.items():
        await as_admin(scene.server, r.table(table).insert(r.json(row)))


@case(
    "F18",
    "the store's disk runs full under load",
    stores=BOTH,
    short=0,
    long=3,
    promise="sends answer storage_full or unavailable; no node is restarted; SQLite: reading goes on; I1-I5",
)
async def disk_full(scene: Scene, rounds: Rounds) -> None:
    async with small_disk(scene.directory / "disk", mebibytes=64 if scene.store == "sqlite" else 768) as disk:
        if scene.store == "sqlite":
            await _fill_and_clear(scene, rounds, disk, f"sqlite:///{disk}/tailwire.db", None)
        else:
            async with database(disk / "rethinkdb") as server:
                await _fill_and_clear(
                    scene, rounds, disk, await asyncio.to_thread(server.empty_store), server
                )


async def _fill_and_clear(
    scene: Scene, rounds: Rounds, disk: Path, url: str, server: RethinkDBServer | None
) -> None:
    """Fill the disk and clear it again. RethinkDB ends itself on a full disk, so it is started again."""
    async with (
        scene.node(url=url) as node,
        traffic([node], random.Random(18), clients=20, rooms=2) as people,
    ):
        for one in rounds:
            async with one.watching(people):
                async with people.flowing(100):
                    await asyncio.to_thread(_fill, disk / "filler")
                    await eventually(lambda: _is_refused(people), seconds=30)
                    codes = {record.code for record in people.history if record.code}
                    one.require(codes <= {"storage_full", "unavailable"}, f"answers were {codes}")
                    one.require(await node.status("/healthz") == 200, "/healthz did not say 200")
                    if server is None:
                        await node.ask("GET", f"/rooms/{people.rooms[0]}/messages", people.clients[0].account)
                    (disk / "filler").unlink()
                    if (
                        server is not None
                        and server.process is not None
                        and server.process.poll() is not None
                    ):
                        await asyncio.to_thread(server.start)
                    healed_at = time.monotonic()
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
                one.took("healed", time.monotonic() - healed_at)


def _fill(path: Path) -> None:
    with path.open("wb") as file:
        while True:
            try:
                file.write(b"\0" * 65_536)
                file.flush()
            except OSError:
                return


async def _is_refused(people: Traffic) -> bool:
    return any(record.what in {What.FAIL, What.UNKNOWN} for record in people.history)


@case(
    "F21",
    "log-out, end of session, disabling, leaving, removal, ban on node A while the socket is on B, whose feed lags",
    short=20,
    long=100,
    promise="I6: closed or silent <= 5 s after the answer",
)
async def revoked_elsewhere(scene: Scene, rounds: Rounds) -> None:
    if scene.store == "sqlite":
        async with scene.nodes(2) as (a, b):
            await _revoke(rounds, a, b, lambda _seconds: None)
        return
    async with (
        scene.bad_network() as (network, url),
        scene.node() as a,
        scene.node(url=url) as b,
    ):

        def lag(seconds: float) -> None:
            network.delay_seconds = seconds

        await _revoke(rounds, a, b, lag)


async def _revoke(rounds: Rounds, a: Api, b: Api, lag: Callable[[float], None]) -> None:
    async with traffic([a, b], random.Random(21), clients=10, people=10, rooms=2, mixed=True) as people:
        admin = await a.sign_up("warden")
        await a.command("user", "promote", "warden")
        for one in rounds:
            made = await a.sign_up(f"out{one.rng.randrange(2**40):x}")
            for room_id in people.rooms:
                await a.ask("POST", f"/rooms/{room_id}/join", made)
            outsider = Client("out", made, people.rooms, lambda: b.ws_url, one.rng)
            task = asyncio.create_task(outsider.run())
            try:
                began_at = time.monotonic()
                async with asyncio.timeout(LIVE_SECONDS):
                    await outsider.until_live()
                one.took("live", time.monotonic() - began_at)
                async with one.watching(people):
                    outsider.history = people.history
                    for room_id, position in outsider.positions.items():
                        people.history.note(
                            What.SUBSCRIBE, "out", room_id, epoch=position.epoch, seq=position.seq
                        )
                    lag(one.rng.choice((0.0, 0.3)))
                    async with people.flowing():
                        await asyncio.sleep(one.rng.uniform(0.1, 0.3))
                        if one.number % 2:
                            await _end(one, a, outsider, admin)
                            await _is_closed(one, outsider, people)
                        else:
                            await _take_out(one, a, outsider, people)
                    lag(0.0)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


async def _end(one: Round, a: Api, outsider: Client, admin: Account) -> None:
    """End a client's session, in one of three ways."""
    user = f"/admin/users/{outsider.account.user_id}"
    match one.number // 2 % 3:
        case 0:
            await a.ask("POST", "/auth/logout", outsider.account)
        case 1:
            await a.ask("DELETE", f"{user}/sessions", admin)
        case 2:
            await a.ask("PATCH", user, admin, json={"disabled": True})


async def _is_closed(one: Round, outsider: Client, people: Traffic) -> None:
    people.history.note(What.OUT, "out", grace=OUT_SECONDS)
    began_at = time.monotonic()
    async with asyncio.timeout(4 * OUT_SECONDS):
        await outsider.until(lambda: outsider.is_gone)
    one.took("closed", time.monotonic() - began_at, at_most=OUT_SECONDS)
    one.require(outsider.close_codes[-1] == 4501, f"closed with {outsider.close_codes}")


async def _take_out(one: Round, a: Api, outsider: Client, people: Traffic) -> None:
    """Let a client leave one of its rooms, or the room's owner remove or ban it."""
    room_id, user_id = people.rooms[0], outsider.account.user_id
    owner = people.clients[0].account
    match one.number // 2 % 3:
        case 0:
            await a.ask("DELETE", f"/rooms/{room_id}/members/{user_id}", owner)
        case 1:
            await a.ask("POST", f"/rooms/{room_id}/leave", outsider.account)
        case 2:
            await a.ask("PUT", f"/rooms/{room_id}/bans/{user_id}", owner)
    people.history.note(What.OUT, "out", room_id, grace=OUT_SECONDS)
    began_at = time.monotonic()
    async with asyncio.timeout(4 * OUT_SECONDS):
        await outsider.until(lambda: room_id not in outsider.rooms)
    one.took("told", time.monotonic() - began_at, at_most=OUT_SECONDS)
    await asyncio.sleep(0.3)


@case(
    "F22",
    "one of two nodes killed under load, clients go to the other",
    short=5,
    long=50,
    promise="I1-I5 across nodes; whole <= 10 s",
)
async def one_node_killed(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2) as nodes,
        traffic(nodes, random.Random(22), clients=30, rooms=4, mixed=True) as people,
    ):
        *rooms, quiet = people.rooms
        for one in rounds:
            victim, other = nodes[one.number % 2], nodes[1 - one.number % 2]
            ref = f"lone-{one.rng.randrange(2**40):x}"
            async with one.watching(people):
                async with people.flowing(rooms=rooms):
                    await asyncio.sleep(one.rng.uniform(0.05, 0.6))
                    await people.post(victim, quiet, ref)
                    victim.kill()
                    killed_at = time.monotonic()
                    await victim.ended()
                    await asyncio.sleep(one.rng.uniform(0.5, 1.0))
                await people.whole()
                one.took("whole", time.monotonic() - killed_at, at_most=WHOLE_SECONDS)
                await victim.start()
                if one.number % LONE_ROUNDS == 0:
                    await asyncio.sleep(FLUSHED_SECONDS if scene.store == "rethinkdb" else 0)
                    one.require(
                        await people.is_used(other, rooms[0], ref),
                        "a ref that a dead node had acked was taken again in another room",
                    )


@case(
    "F28",
    "the store set back to an older copy; RethinkDB while its nodes run",
    short=1,
    long=20,
    promise="I4: every client that is ahead of it is told to reset; nothing is merged",
)
async def set_back(scene: Scene, rounds: Rounds) -> None:
    async with (
        scene.nodes(2) as nodes,
        traffic(nodes, random.Random(28), clients=10, rooms=3, mixed=True) as people,
    ):
        async with people.flowing():  # so that there are messages to change
            await asyncio.sleep(WRITTEN_SECONDS)
        *rooms, _quiet = people.rooms  # in the quiet one nothing happens between the copy and its return
        for one in rounds:
            await _stop(scene, nodes)
            _copy(scene, to_store=False)
            await _start(scene, nodes)
            await people.whole()
            bounds = people.bounds()
            async with one.watching(people), people.flowing(rooms=rooms):
                await asyncio.sleep(one.rng.uniform(0.2, 0.5))
            await _stop(scene, nodes)
            people.begin(bounds)
            _copy(scene, to_store=True)
            async with one.watching(people, has_begun=True):
                async with people.flowing():
                    await _start(scene, nodes)
                    await asyncio.sleep(0.5)
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
            reset = {record.client for record in people.history if record.what is What.RESET}
            named = {client.name for client in people.clients}
            one.require(named <= reset, f"only {reset} were told to reset")


async def _stop(scene: Scene, nodes: Sequence[Api]) -> None:
    """Stop what has the store's files open: the nodes on SQLite, else RethinkDB, while its nodes go on."""
    if scene.database is not None:
        await asyncio.to_thread(scene.database.stop)
        return
    for node in nodes:
        node.terminate()
        await node.ended()


async def _start(scene: Scene, nodes: Sequence[Api]) -> None:
    if scene.database is not None:
        await asyncio.to_thread(scene.database.start)
    for node in nodes:
        if scene.database is None:
            await node.start()
        await eventually(node.is_ready, seconds=60)


def _copy(scene: Scene, *, to_store: bool) -> None:
    copy = scene.directory / "copy"
    if scene.database is not None:
        here, there = scene.directory / "rethinkdb" / "data", copy
        source, target = (there, here) if to_store else (here, there)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        return
    database = scene.directory / "tailwire.db"
    shutil.copy(*((copy, database) if to_store else (database, copy)))
    if to_store:
        for beside in ("tailwire.db-wal", "tailwire.db-shm"):
            (scene.directory / beside).unlink(missing_ok=True)


@case(
    "F29",
    "the feed's task raises what nobody thought of",
    short=20,
    long=20,
    promise="restarted <= 5 s, and counted; I2-I4",
)
async def feed_fails(scene: Scene, rounds: Rounds) -> None:
    trigger = scene.directory / "fail"
    async with (
        scene.node(program=at_failpoint("raise", Failpoint.BEFORE_BROADCAST, trigger)) as node,
        traffic([node], random.Random(29), clients=20, rooms=2) as people,
    ):
        for one in rounds:
            async with one.watching(people, tracebacks=True):
                async with people.flowing():
                    before = await node.metric("tailwire_feed_reopens_total")
                    trigger.touch()

                    async def has_failed(before: float = before) -> bool:
                        return await node.metric("tailwire_feed_reopens_total") > before

                    await eventually(has_failed)
                    trigger.unlink()
                    failed_at = time.monotonic()
                    await eventually(node.is_ready)
                    one.took("restarted", time.monotonic() - failed_at, at_most=RESTARTED_SECONDS)
                one.took("whole", await people.whole(), at_most=WHOLE_SECONDS)
