"""Keeps the sums of what is kept of files, in rows of the RethinkDB table `file_usage`: one for each user, one for all.

A size is added to both before the row of its file is stored, and subtracted after that was deleted. A process that
crashes in between leaves a sum that is too high, never one that is too low. What it was about to store stands in
`pending`, by which `recount` finds it.
"""

from typing import Any, Final

from api.models.attachments import Attachment, Usage
from api.store.cluster.rows import is_key
from api.store.rethinkdb import Pool, Prepared, r

EVERYBODY: Final = "*"
"""The key of the sum of all users. No id has this character."""
PENDING_MS: Final = 600_000
"""Who has not stored a row this long after its size was counted has crashed."""


class FileUsage:
    """The table `file_usage`. Each change is one atomic change of one row, which raises its `version`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, key: str) -> Usage:
        """Return the sum of a user, or of everybody."""
        row = await self._pool.run(_USAGE(key)) if is_key(key) else None
        return Usage() if row is None else Usage(row["bytes"], row["files"])

    async def recount(self) -> bool:
        """Correct the sums that a crash has left wrong. Returns whether any was."""
        corrected = [await self._recount(key) for key in await self._pool.run(_USAGE_KEYS(None))]
        return any(corrected)

    async def _recount(self, key: str) -> bool:
        """Correct one sum, if it is wrong and nothing is counted meanwhile. Returns whether it was wrong."""
        await self._forget_crashed(key)
        row = await self._pool.run(_USAGE(key))
        if row is None or row["pending"]:
            return False
        found = await self._pool.run(_SUM_OF_ALL(None) if key == EVERYBODY else _SUM_OF_USER(key))
        is_right = found == {"bytes": row["bytes"], "files": row["files"]}
        if is_right and (found["files"] or key == EVERYBODY):
            return False
        given = {"key": key, "version": row["version"], "found": found}
        return bool((await self._pool.write(_CORRECT(given)))["replaced"]) and not is_right

    async def count(self, key: str, one: Attachment, most_bytes: int, most_files: int) -> bool:
        """Add the size of a file to a sum, unless that would be more than these. Returns whether it was added."""
        most = {"most_bytes": most_bytes, "most_files": most_files}
        given = {"key": key, "id": one.id, "size": one.size, "at": one.made_at} | most
        return bool(await self._pool.run(_COUNT(given)))

    async def settle(self, key: str, file_id: str, bytes_: int, files: int) -> None:
        """Take a file out of those that are pending, and change a sum by this much."""
        await self._pool.write(_SETTLE({"key": key, "id": file_id, "bytes": bytes_, "files": files}))

    async def _forget_crashed(self, key: str) -> None:
        """Take out of a sum what was counted long ago and was never stored."""
        row, now = await self._pool.run(_USAGE(key)), await self._pool.run(_NOW(None))
        pending = {} if row is None else row["pending"]
        old = [id_ for id_, one in pending.items() if one["at"] < now - PENDING_MS]
        stored = {*await self._pool.run(_STORED(old))}
        for id_ in old:
            given = {"key": key, "id": id_, "is_stored": id_ in stored}
            await self._pool.write(_FORGET(given))


def _count(given: Any) -> Any:
    """Return the write that adds a size to a sum within a quota. It answers whether the sum has it then."""
    new = {"id": given["key"], "bytes": 0, "files": 0, "version": 0, "pending": {}}

    def counted(row: Any) -> Any:
        sum_ = row.default(new)
        added = sum_.merge(
            {
                "bytes": sum_["bytes"] + given["size"],
                "files": sum_["files"] + 1,
                "version": sum_["version"] + 1,
                "pending": r.object(given["id"], {"size": given["size"], "at": given["at"]}),
            }
        )
        fits = sum_["bytes"] + given["size"] <= given["most_bytes"]
        return r.branch(fits & (sum_["files"] < given["most_files"]), added, sum_)

    written = (
        r.table("file_usage").get(given["key"]).replace(counted, durability="hard", return_changes="always")
    )
    return written.do(
        lambda done: r.branch(
            done["errors"] == 0,
            done["changes"].nth(0)["new_val"]["pending"].has_fields(given["id"]),
            r.error("the size is not counted"),
        )
    )


def _settle(given: Any) -> Any:
    def settled(row: Any) -> Any:
        return row.merge(
            {
                "bytes": row["bytes"] + given["bytes"],
                "files": row["files"] + given["files"],
                "version": row["version"] + 1,
                "pending": r.literal(row["pending"].without(given["id"])),
            }
        )

    return r.table("file_usage").get_all(given["key"]).replace(settled, durability="hard")


def _forget(given: Any) -> Any:
    def forgotten(row: Any) -> Any:
        size = row["pending"][given["id"]]["size"]
        taken = row.merge(
            {
                "bytes": row["bytes"] - r.branch(given["is_stored"], 0, size),
                "files": row["files"] - r.branch(given["is_stored"], 0, 1),
                "version": row["version"] + 1,
                "pending": r.literal(row["pending"].without(given["id"])),
            }
        )
        return r.branch(row["pending"].has_fields(given["id"]), taken, row)

    return r.table("file_usage").get_all(given["key"]).replace(forgotten, durability="hard")


def _correct(given: Any) -> Any:
    def corrected(row: Any) -> Any:
        is_same = row["version"] == given["version"]
        is_over = (given["found"]["files"] == 0) & (given["key"] != EVERYBODY)
        corrected = row.merge(given["found"], {"version": row["version"] + 1})
        return r.branch(is_same.not_(), row, is_over, None, corrected)

    return r.table("file_usage").get_all(given["key"]).replace(corrected, durability="hard")


def _sum(rows: Any) -> Any:
    return {"bytes": rows.sum("size"), "files": rows.count()}


def _files() -> Any:
    return r.table("attachments", read_mode="majority")


_USAGE: Final = Prepared(lambda key: r.table("file_usage", read_mode="majority").get(key))
_USAGE_KEYS: Final = Prepared(
    lambda _nothing: r.table("file_usage", read_mode="majority")["id"].coerce_to("array")
)
_SUM_OF_USER: Final = Prepared(
    lambda user_id: r.expr(
        _sum(_files().between([user_id, r.minval, r.minval], [user_id, r.maxval, r.maxval], index="all"))
    )
)
_SUM_OF_ALL: Final = Prepared(lambda _nothing: r.expr(_sum(_files())))
_NOW: Final = Prepared(lambda _nothing: (r.now().to_epoch_time() * 1_000).floor())
_COUNT: Final = Prepared(_count)
_SETTLE: Final = Prepared(_settle)
_FORGET: Final = Prepared(_forget)
_CORRECT: Final = Prepared(_correct)
_STORED: Final = Prepared(lambda ids: _files().get_all(r.args(ids))["id"].coerce_to("array"))
