"""Counts attempts by key in the RethinkDB table `attempts`."""

from typing import Any, Final

from api.store import attempts
from api.store.base.attempts import AttemptStore
from api.store.rethinkdb import Pool, Prepared, r


class ClusterAttempts(AttemptStore):
    """The table `attempts`. Each attempt is one atomic change of its key's row."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        """Count one attempt, as `AttemptStore.take` says."""
        old = await self._change(_TAKE({"key": key, "at": at, "count": count, "window_ms": window_ms}))
        return attempts.wait_ms(old["times"] if old else [], at=at, count=count, window_ms=window_ms)

    async def forgive(self, key: str, *, at: int) -> None:
        """Take back one attempt."""
        await self._change(_FORGIVE({"key": key, "at": at}))

    async def _change(self, change: Any) -> dict[str, Any] | None:
        """Change the row of a key, and return the row as it was before."""
        written = await self._pool.write(change)
        old: dict[str, Any] | None = written["changes"][0]["old_val"]
        return old


def _take(asked: Any) -> Any:
    def judge(row: Any) -> Any:
        at, window_ms = asked["at"], asked["window_ms"]
        recent = (
            row["times"].default([]).filter(lambda time: (time > at - window_ms) & (time < at + window_ms))
        )
        times = r.branch(recent.count() < asked["count"], recent.append(at), recent)
        return {"id": asked["key"], "times": times}

    return _changed(asked["key"], judge)


def _forgive(asked: Any) -> Any:
    def judge(row: Any) -> Any:
        places = row["times"].offsets_of(asked["at"])
        return r.branch(
            row.eq(None) | places.is_empty(),
            row,
            row.merge(lambda row: {"times": row["times"].delete_at(places[0])}),
        )

    return _changed(asked["key"], judge)


def _changed(key: Any, judge: Any) -> Any:
    return r.table("attempts").get(key).replace(judge, durability="soft", return_changes="always")


_TAKE: Final = Prepared(_take)
_FORGIVE: Final = Prepared(_forgive)
