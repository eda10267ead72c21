"""Attempts by key on a RethinkDB cluster."""

from typing import Any

from api.store import attempts
from api.store.rethinkdb import Pool, r


class Attempts:
    """Counts attempts, each in one atomic change of its key's row; they need not outlive a crash."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def attempt(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        """Count one attempt, as `Store.attempt` says."""

        def judge(row: Any) -> Any:
            times = (
                row["times"]
                .default([])
                .filter(lambda time: (time > at - window_ms) & (time < at + window_ms))
            )
            return {"id": key, "times": r.branch(times.count() < count, times.append(at), times)}

        old = await self._change(key, judge)
        return attempts.wait_ms(old["times"] if old else [], at=at, count=count, window_ms=window_ms)

    async def forgive(self, key: str, *, at: int) -> None:
        """Take back one attempt."""

        def judge(row: Any) -> Any:
            places = row["times"].offsets_of(at)
            return r.branch(
                row.eq(None) | places.is_empty(),
                row,
                row.merge(lambda row: {"times": row["times"].delete_at(places[0])}),
            )

        await self._change(key, judge)

    async def _change(self, key: str, judge: Any) -> dict[str, Any] | None:
        """Replace a row by what `judge` makes of it; return the one before."""
        written = await self._pool.write(
            r.table("attempts").get(key).replace(judge, durability="soft", return_changes="always")
        )
        old: dict[str, Any] | None = written["changes"][0]["old_val"]
        return old
