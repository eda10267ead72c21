"""Changed messages that are kept folded: what is read is the fold of the log, whoever flushes what and when."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest

from api.errors import Deleted, Invalid, Unavailable
from api.models.log import Draft, Entry, Kind
from api.models.rooms import LOBBY_ID
from api.store import fold
from api.store.cluster import changed as cluster_changed
from api.store.cluster import flusher as cluster_flusher
from api.store.cluster import folds as cluster_folds
from api.store.cluster.queries import begin_renewal_query
from api.store.cluster.schema import init
from api.store.cluster.store import ClusterStore
from api.store.fold import fold as fold_of
from api.store.rethinkdb import Pool, r
from tests.rethinkdb_server import RethinkDBServer
from tests.store.calls import each_page, whole_log
from tests.store.cluster.nodes import forget_folds, keep_nothing_in_tails, opened_again
from tests.store.make import delete, edit, make_user, message, pin, reaction

pytestmark = [pytest.mark.anyio, pytest.mark.rethinkdb]

MESSAGES: Final = 4
SHOWN: Final = 3


@pytest.fixture
def few_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a row hold so few users that a short history reaches `reactions`."""
    for module in (fold, cluster_changed, cluster_folds):
        monkeypatch.setattr(module, "SHOWN_REACTORS", SHOWN)
    for module in (cluster_changed, cluster_folds):
        monkeypatch.setattr(module, "MAX_RECENT", 1)
        monkeypatch.setattr(module, "NEWEST", 2)


def history(rng: random.Random, steps: int, name: str) -> Iterator[Draft]:
    """Yield changes of the messages 1 to `MESSAGES`. The last one is never deleted."""
    for number in range(steps):
        ref, target, by = f"{name} {number}", rng.randint(1, MESSAGES), make_user(rng.randint(0, 9))
        emoji = rng.choice(["👍", "👍", "🎉"])
        if rng.random() < 0.02 and target != MESSAGES:
            yield delete(ref, target, by=by)
        elif rng.random() < 0.1:
            yield edit(ref, target, f"secret {ref}", by=by)
        elif rng.random() < 0.1:
            yield pin(ref, target, pinned=rng.random() < 0.6, by=by)
        else:
            yield reaction(ref, target, emoji, added=rng.random() < 0.7, by=by)


async def begin(store: ClusterStore) -> None:
    for number in range(MESSAGES):
        await store.log.append(LOBBY_ID, message(f"message {number}"))


async def reply(store: ClusterStore, ref: str, rng: random.Random) -> None:
    """Answer a message, and often delete an answer, the newest one rather than others."""
    with suppress(Deleted):
        await store.log.append(LOBBY_ID, message(ref, reply_to=rng.randint(1, MESSAGES)))
    log = await whole_log(store)
    erased = {entry.data["target"] for entry in log if entry.kind == Kind.DELETE}
    below = [one.seq for one in log if one.kind == Kind.MESSAGE and one.data.get("thread") is not None]
    left = [seq for seq in below if seq not in erased]
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        if left:
            target = left.pop(rng.choice([-1, -1, 0]))
            await store.log.append(LOBBY_ID, delete(f"{ref} {target}", target))


async def agrees(store: ClusterStore) -> None:
    """Require that every read of the lobby is the fold of its log."""
    log = await whole_log(store)
    messages = fold_of([entry for entry in log if entry.kind == Kind.MESSAGE], log)
    assert (await store.log.history(LOBBY_ID, limit=500)).items == messages
    for one in messages:
        assert await store.log.message(LOBBY_ID, one.seq) == one
        for shown in one.reactions:
            page = await reactors(store, one.seq, shown.emoji)
            assert len(page) == shown.count
            assert tuple(entry.user_id for entry in page[:SHOWN]) == shown.user_ids[:SHOWN]


async def reactors(store: ClusterStore, seq: int, emoji: str) -> list[Entry]:
    return await each_page(lambda cursor: store.log.reactors(LOBBY_ID, seq, emoji, cursor=cursor, limit=4))


@pytest.mark.usefixtures("few_are_shown")
async def test_two_nodes_that_flush_at_any_moment_show_messages_as_the_log_folds_them(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    rng = random.Random(7)  # noqa: S311  the same numbers each time
    await begin(store)

    async def play(via: ClusterStore, name: str) -> None:
        for number, draft in enumerate(history(rng, 90, name)):
            with suppress(Deleted, Invalid):
                await via.log.append(LOBBY_ID, draft)
            if rng.random() < 0.2:
                await rng.choice([store, other]).flusher.flush(LOBBY_ID)
            if rng.random() < 0.1:
                await reply(via, f"reply {name} {number}", rng)
            if number % 30 == 0:
                await via.log.history(LOBBY_ID, limit=500)

    await asyncio.gather(play(store, "a"), play(other, "b"))
    await agrees(store)
    await agrees(other)
    await asyncio.gather(store.flusher.flush(LOBBY_ID), other.flusher.flush(LOBBY_ID))
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        await agrees(fresh)
        # What the rows and `reactions` tell of each user decides about a change that has no ref.
        log = await whole_log(fresh)
        standing = {entry.user_id for entry in await reactors(fresh, MESSAGES, "👍")}
        for user in map(make_user, range(10)):
            again = reaction("", MESSAGES, "👍", added=user.id in standing, by=user)
            assert not (await fresh.log.append(LOBBY_ID, without_ref(again))).is_new
        assert await whole_log(fresh) == log
    assert await behind.run(r.table("reactions").count()) > 0


def without_ref(draft: Draft) -> Draft:
    return Draft(draft.kind, draft.user_id, draft.username, draft.at, None, draft.data)


class Crash(Exception):
    """Ends a flush at one of its writes."""


@pytest.mark.usefixtures("few_are_shown")
@pytest.mark.parametrize("is_written", [True, False])
async def test_a_flush_that_is_broken_off_at_any_write_is_finished_by_another_node(
    store: ClusterStore,
    other: ClusterStore,
    behind: Pool,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_written: bool,
) -> None:
    rng = random.Random(11)  # noqa: S311  the same numbers each time

    async def fails(*_args: object) -> None:
        raise Unavailable

    for name in ("flush", "_flush_together"):
        monkeypatch.setattr(other.flusher, name, fails)
    await begin(other)
    run = store._pool.run
    for n in range(1, 8):
        for draft in history(rng, 18, f"{n}"):
            with suppress(Deleted, Invalid, Unavailable):
                await other.log.append(LOBBY_ID, draft)
        left = iter(range(n))

        async def breaks(query: Any, left: Iterator[int] = left) -> Any:
            is_last = next(left, None) is None
            answer = None if is_last and not is_written else await run(query)
            if is_last:
                raise Crash
            return answer

        with monkeypatch.context() as broken:
            broken.setattr(store._pool, "run", breaks)
            with suppress(Crash):
                await store.flusher.flush(LOBBY_ID)
        await agrees(other)
        async with opened_again(store) as fresh:
            await fresh.flusher.flush(LOBBY_ID)
            await keep_nothing_in_tails(behind)
            await agrees(fresh)
    assert await behind.run(r.table("reactions").count()) > 0


async def saved(behind: Pool) -> Callable[[], Awaitable[None]]:
    """Return a call that sets the heads and batches back to what they are now, and no other table."""
    tables = {name: await behind.read(r.table(name)) for name in ("heads", "batches")}

    async def set_back() -> None:
        for name, rows in tables.items():
            await behind.write(r.table(name).delete())
            await behind.write(r.table(name).insert(rows))

    return set_back


@pytest.mark.usefixtures("few_are_shown")
@pytest.mark.parametrize("is_older", [True, False])
async def test_rows_of_another_life_than_the_log_are_made_again_in_the_new_epoch(
    store: ClusterStore, behind: Pool, *, is_older: bool
) -> None:
    """As in a copy that was made table by table: the rows are older, or newer, than the log."""
    rng = random.Random(13)  # noqa: S311  the same numbers each time
    await begin(store)
    rows = [await behind.read(r.table(name)) for name in ("changed", "reactions")]
    for draft in history(rng, 40, "before"):
        with suppress(Deleted, Invalid):
            await store.log.append(LOBBY_ID, draft)
    for number in range(5):
        await reply(store, f"reply {number}", rng)
    await store.flusher.flush(LOBBY_ID)
    await keep_nothing_in_tails(behind)
    set_back = await saved(behind)
    for draft in history(rng, 40, "lost"):
        with suppress(Deleted, Invalid):
            await store.log.append(LOBBY_ID, draft)
    await store.flusher.flush(LOBBY_ID)
    await set_back()
    if is_older:
        for name, kept in zip(("changed", "reactions"), rows, strict=True):
            await behind.write(r.table(name).delete())
            await behind.write(r.table(name).insert(kept))
    await behind.write(begin_renewal_query("a copy"))
    async with opened_again(store) as fresh:
        async with fresh.changes.open():
            await agrees(fresh)
        head = await behind.run(r.table("heads").get(LOBBY_ID))
        assert head["folded"] == head["epoch"]
        await reply(fresh, "reply after", rng)
        for draft in history(rng, 20, "after"):
            with suppress(Deleted, Invalid):
                await fresh.log.append(LOBBY_ID, draft)
        await agrees(fresh)
        await fresh.flusher.flush(LOBBY_ID)
        await keep_nothing_in_tails(behind)
        await agrees(fresh)
    assert "lost" not in str(await behind.read(r.table("changed")))


@pytest.mark.usefixtures("few_are_shown")
async def test_a_database_of_the_version_before_is_folded_by_init_and_read_and_written_until_then(
    store: ClusterStore,
    cluster_url: str,
    server: RethinkDBServer,
    behind: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = random.Random(17)  # noqa: S311  the same numbers each time
    await begin(store)
    await store.log.append(LOBBY_ID, reaction("one", MESSAGES, "👍"))
    for draft in history(rng, 40, "before"):
        with suppress(Deleted, Invalid):
            await store.log.append(LOBBY_ID, draft)
    for number in range(5):
        await reply(store, f"reply {number}", rng)
    await store.flusher.flush(LOBBY_ID)
    await forget_folds(behind)
    async with opened_again(store) as fresh:
        await agrees(fresh)
        await reply(fresh, "reply between", rng)
        for draft in history(rng, 20, "between"):
            with suppress(Deleted, Invalid):
                await fresh.log.append(LOBBY_ID, draft)
        await fresh.flusher.flush(LOBBY_ID)
        await agrees(fresh)
    await behind.write(r.table("meta").get("schema_version").update({"value": "10"}))
    with monkeypatch.context() as broken:
        broken.setattr(cluster_folds, "FOLDED_SLICE", 1)
        note, left = cluster_folds.Folds.note, iter(range(2))

        async def breaks_off(*args: Any) -> None:
            await note(*args)
            if next(left, None) is None:
                raise Unavailable

        broken.setattr(cluster_folds.Folds, "note", breaks_off)
        with pytest.raises(Unavailable):
            await init(server.admin_url, cluster_url, lambda _line: None)
    for _ in range(2):
        await init(server.admin_url, cluster_url, lambda _line: None)
        head = await behind.run(r.table("heads").get(LOBBY_ID))
        assert head["folded"] == head["epoch"]
    await keep_nothing_in_tails(behind)
    async with opened_again(store) as fresh:
        await agrees(fresh)


async def test_a_delete_leaves_nothing_of_the_message_in_its_row(store: ClusterStore, behind: Pool) -> None:
    await begin(store)
    await store.log.append(LOBBY_ID, edit("edit", 1, "secret"))
    for number in range(100):
        await store.log.append(LOBBY_ID, reaction(f"{number}", 1, "👍", by=make_user(number)))
        if number == 80:
            await store.flusher.flush(LOBBY_ID)
    await store.flusher.flush(LOBBY_ID)
    assert "secret" in str(await behind.read(r.table("changed")))
    assert await behind.run(r.table("reactions").count()) > 0
    await store.log.append(LOBBY_ID, delete("delete", 1))
    assert "secret" not in str(await behind.read(r.table("changed")))
    assert await behind.run(r.table("reactions").count()) == 0
    found = await store.log.message(LOBBY_ID, 1)
    assert found is not None
    assert (found.deleted, found.body, found.reactions) == (True, "", ())


@pytest.mark.usefixtures("few_are_shown")
@pytest.mark.parametrize("is_flushed", [True, False])
async def test_the_newest_reply_is_known_when_all_that_a_row_has_are_deleted(
    store: ClusterStore, behind: Pool, *, is_flushed: bool
) -> None:
    await begin(store)
    for number in range(6):
        answer = replace(message(f"reply {number}", reply_to=1), at=6_000 + number)
        await store.log.append(LOBBY_ID, answer)
    await store.flusher.flush(LOBBY_ID)
    await keep_nothing_in_tails(behind)
    for left in range(5, -1, -1):
        await store.log.append(LOBBY_ID, delete(f"delete {left}", MESSAGES + 1 + left))
        if is_flushed:
            await keep_nothing_in_tails(behind)
        root = await store.log.message(LOBBY_ID, 1)
        assert root is not None
        newest = 5_999 + left if left else None
        assert (root.reply_count, root.last_reply_at) == (left, newest)
    await agrees(store)


async def test_a_late_flush_of_another_node_lowers_no_row_and_applies_nothing_twice(
    store: ClusterStore, other: ClusterStore, behind: Pool
) -> None:
    await begin(store)
    for number in range(5):
        await store.log.append(LOBBY_ID, reaction(f"{number}", 1, "👍", by=make_user(number)))
    await other.flusher.flush(LOBBY_ID)
    await other.log.append(LOBBY_ID, edit("edit", 1, "new"))
    await other.log.append(LOBBY_ID, reaction("gone", 1, "👍", added=False, by=make_user(0)))
    await other.flusher.flush(LOBBY_ID)
    before = await behind.read(r.table("changed"))
    await store.flusher._flush_together([LOBBY_ID])
    await store.flusher.flush(LOBBY_ID)
    assert await behind.read(r.table("changed")) == before
    assert [row["reactions"][0][1] for row in before] == [4]


async def test_a_flush_that_has_read_a_row_which_another_node_then_raises_begins_again(
    store: ClusterStore, other: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_flusher, "FLUSH_SECONDS", 3_600)
    await begin(store)
    for target in (1, 2):
        await store.log.append(LOBBY_ID, edit(f"edit {target}", target, "secret"))
    folds = store.flusher._folds
    raise_rows, others = folds._raise, iter([delete("delete", 1), reaction("react", 2, "👍")])

    async def late(*args: Any) -> Any:
        for draft in others:
            await other.log.append(LOBBY_ID, draft)
            await other.flusher.flush(LOBBY_ID)
        return await raise_rows(*args)

    monkeypatch.setattr(folds, "_raise", late)
    await store.flusher._flush_together([LOBBY_ID])
    await keep_nothing_in_tails(behind)
    await agrees(store)
    row = await behind.run(r.table("changed").get([LOBBY_ID, 1]))
    assert "secret" not in str(row)


async def test_plain_messages_are_flushed_by_one_query_and_make_no_rows(
    store: ClusterStore, behind: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin(store)
    run, queries = store._pool.run, list[str]()

    async def counted(query: Any) -> Any:
        queries.append(str(query))
        return await run(query)

    monkeypatch.setattr(store._pool, "run", counted)
    await store.log.append(LOBBY_ID, message("plain"))
    assert len(queries) == 1
    await store.flusher._flush_together([LOBBY_ID])
    assert len(queries) == 2
    assert await behind.read(r.table("changed")) == []


async def test_a_row_that_another_program_has_broken_is_read_and_made_again_from_the_log(
    store: ClusterStore, behind: Pool
) -> None:
    await begin(store)
    await store.log.append(LOBBY_ID, edit("1", 1, "new"))
    await store.flusher.flush(LOBBY_ID)
    await behind.write(r.table("changed").get([LOBBY_ID, 1]).update({"reactions": 5}))
    await agrees(store)
    await store.log.append(LOBBY_ID, reaction("2", 1, "👍"))
    await store.flusher.flush(LOBBY_ID)
    await agrees(store)
    (row,) = await behind.read(r.table("changed"))
    assert (row["body"], row["reactions"][0][1]) == ("new", 1)
