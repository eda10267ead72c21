"""Tasks of the server are restarted when they end, and the restarts are counted."""

import asyncio
import re
from pathlib import Path
from typing import NoReturn

import pytest

from api import tasks as tasks_module
from api.config import Settings
from api.errors import Unavailable
from api.jobs.erasure import Erasure
from api.realtime import heartbeats
from api.tasks import AGAIN_AND_AGAIN, Tasks
from tests.node import SECONDS, Node, eventually, running

pytestmark = pytest.mark.anyio


class ScriptedWork:
    """Work that fails or ends as the test says, and then runs until it is cancelled."""

    def __init__(self, *failures: Exception | None) -> None:
        self._failures = list(failures)
        self.runs_on, self.cancelled = asyncio.Event(), False

    async def __call__(self) -> None:
        if self._failures:
            failure = self._failures.pop(0)
            if failure is not None:
                raise failure
            return
        self.runs_on.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make restarts quick."""
    monkeypatch.setattr(tasks_module, "FIRST_BACKOFF_SECONDS", 0.01)


async def test_a_task_that_fails_or_ends_is_started_again_and_counted() -> None:
    tasks, work = Tasks(), ScriptedWork(KeyError("a bug"), Unavailable("gone"), None)
    tasks.keep("work", work)
    await work.runs_on.wait()
    (state,) = tasks.states
    assert (state.name, state.is_up, state.restart_count) == ("work", True, 3)
    await tasks.close()
    assert work.cancelled


async def test_a_task_that_fails_while_it_is_closed_is_not_started_again() -> None:
    tasks, begun = Tasks(), asyncio.Event()

    async def fail_at_the_end() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("a bug")

    tasks.keep("work", fail_at_the_end)
    async with asyncio.timeout(SECONDS):
        await begun.wait()
        await tasks.close()
    assert tasks.states[0].restart_count == 0


async def test_a_task_is_well_until_it_is_restarted_again_and_again() -> None:
    tasks, steady, restless = Tasks(), ScriptedWork(None), ScriptedWork(*[None] * AGAIN_AND_AGAIN)
    tasks.keep("steady", steady)
    tasks.keep("restless", restless)
    await asyncio.gather(steady.runs_on.wait(), restless.runs_on.wait())
    assert {state.name: state.is_well for state in tasks.states} == {"steady": True, "restless": False}
    await tasks.close()


async def test_a_task_that_is_down_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "FIRST_BACKOFF_SECONDS", 60.0)
    tasks = Tasks()
    tasks.keep("work", ScriptedWork(None))

    async def is_down() -> bool:
        return not tasks.states[0].is_up

    await eventually(is_down)
    assert not tasks.states[0].is_well
    await tasks.close()


async def restarts(node: Node, task: str) -> int:
    text = (await node.client().get("/metrics")).text
    found = re.search(rf'^tailwire_task_restarts_total{{task="{task}"}} ([0-9.]+)$', text, re.MULTILINE)
    assert found is not None, text
    return int(float(found[1]))


async def test_a_bug_in_a_task_is_told_by_metrics_and_readiness_and_the_node_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_erasure: Erasure) -> NoReturn:
        raise KeyError("a bug")

    async with running(Settings(store=f"sqlite:///{tmp_path / 'well.db'}")) as node:
        assert await restarts(node, "erasure") == 0
        assert (await node.client().get("/readyz")).json()["tasks"] == []
    monkeypatch.setattr(Erasure, "erase_marked", fail)
    monkeypatch.setattr(heartbeats, "TICK_SECONDS", 0.01)
    async with running(Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}")) as node:

        async def is_restless() -> bool:
            return await restarts(node, "erasure") >= AGAIN_AND_AGAIN

        await eventually(is_restless)
        answer = await node.client().get("/readyz")
        assert answer.status_code == 200  # the node serves all the same
        (troubled,) = answer.json()["tasks"]
        assert troubled["name"] == "erasure"
        assert troubled["restarts"] >= AGAIN_AND_AGAIN
        assert [await restarts(node, name) for name in ("feed", "revocation", "heartbeats")] == [0, 0, 0]
        await node.sign_up("alice")
