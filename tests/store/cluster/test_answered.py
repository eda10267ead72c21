"""A message that is answered is looked at once, and a delete of it is never missed."""

import asyncio
from typing import Any

import pytest

from api.errors import Deleted, EpochChanged, NotFound
from api.models.rooms import LOBBY_ID
from api.store.cluster import answered
from tests.store.cluster.nodes import opened
from tests.store.make import BOB, delete, message

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seqs of the messages that are looked at."""
    found: list[int] = []
    query = answered._ANSWERED

    def counting(given: dict[str, Any]) -> Any:
        found.append(given["seq"])
        return query(given)

    monkeypatch.setattr(answered, "_ANSWERED", counting)
    return found


async def test_a_message_is_looked_at_once_however_often_it_is_answered(
    cluster_url: str, looks: list[int]
) -> None:
    async with opened(cluster_url) as store:
        await store.log.append(LOBBY_ID, message("root"))
        await store.log.append(LOBBY_ID, message("first", reply_to=1))
        sent = [message(f"{n}", reply_to=1) for n in range(50)] + [message(f"plain {n}") for n in range(50)]
        stored = await asyncio.gather(*(store.log.append(LOBBY_ID, draft) for draft in sent))
        assert [one.entry.data.get("thread") for one in stored] == [1] * 50 + [None] * 50
        assert looks == [1]
        epoch = stored[0].epoch
        await store.log.append(LOBBY_ID, message("of this epoch", reply_to=1), epoch=epoch)
        with pytest.raises(EpochChanged):
            await store.log.append(LOBBY_ID, message("of another", reply_to=1), epoch="another")
        root = await store.log.message(LOBBY_ID, 1)
        assert root is not None
        assert root.reply_count == 52


async def test_a_message_that_was_answered_here_and_deleted_elsewhere_is_answered_no_more(
    cluster_url: str,
) -> None:
    async with opened(cluster_url) as store, opened(cluster_url) as other:
        await store.log.append(LOBBY_ID, message("root"))
        await store.log.append(LOBBY_ID, message("other root"))
        for root in (1, 2):
            await store.log.append(LOBBY_ID, message(f"first {root}", reply_to=root))
        await other.log.append(LOBBY_ID, delete("d1", 1))
        for ref in ("late", "later"):
            with pytest.raises(Deleted):
                await store.log.append(LOBBY_ID, message(ref, reply_to=1))
        assert not (await store.log.append(LOBBY_ID, message("first 1", reply_to=1))).is_new
        stored = await store.log.append(LOBBY_ID, message("second", reply_to=2, by=BOB))
        assert stored.entry.data["thread"] == 2


async def test_the_messages_that_were_answered_last_are_remembered(
    cluster_url: str, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answered, "MAX_ANSWERED", 2)
    async with opened(cluster_url) as store:
        for seq in range(1, 4):
            await store.log.append(LOBBY_ID, message(f"{seq}"))
        for number, seq in enumerate((1, 2, 1, 3, 1, 2)):
            await store.log.append(LOBBY_ID, message(f"answer {number}", reply_to=seq))
        assert looks == [1, 2, 3, 2]
        with pytest.raises(NotFound):
            await store.log.append(LOBBY_ID, message("to nothing", reply_to=99))
