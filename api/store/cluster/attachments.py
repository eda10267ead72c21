"""Stores what is known of files in the RethinkDB table `attachments`. Each change is one atomic change of one row."""

# ruff: noqa: D102 - the promises stand in `AttachmentStore`

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from api.errors import NotFound, QuotaReached
from api.models.attachments import PREVIEW, Attachment, FileQuota, FileState, FoundFile, Usage
from api.models.page import Page
from api.store import paging
from api.store.base.attachments import AttachmentStore
from api.store.cluster.file_usage import EVERYBODY, FileUsage
from api.store.cluster.rows import Reader, is_key
from api.store.quotas import ALL_REACHED, USER_REACHED
from api.store.rethinkdb import Pool, Prepared, r

SLICE: Final = 200
_NAMES: Final = tuple(one.name for one in fields(Attachment))
_UNSENT: Final = (FileState.UPLOADING.value, FileState.WHOLE.value)


class ClusterAttachments(AttachmentStore):
    """The tables `attachments` and `file_usage`."""

    def __init__(self, pool: Pool, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader
        self._usage = FileUsage(pool)

    async def create(self, attachment: Attachment, quota: FileQuota) -> None:
        one = attachment
        if not is_key(one.user_id):
            raise NotFound
        if not await self._usage.count(one.user_id, one, quota.user_bytes, quota.user_files):
            raise QuotaReached(USER_REACHED)
        if not await self._usage.count(EVERYBODY, one, quota.all_bytes, quota.all_files):
            await self._usage.settle(one.user_id, one.id, -one.size, -1)
            raise QuotaReached(ALL_REACHED)
        await self._pool.write(r.table("attachments").insert(asdict(one), durability="hard"))
        for key in (one.user_id, EVERYBODY):
            await self._usage.settle(key, one.id, 0, 0)

    async def get_many(self, file_ids: Sequence[str]) -> dict[str, Attachment]:
        keys = [*filter(is_key, file_ids)]
        rows = await self._pool.run(_GET_MANY(keys)) if keys else []
        return {one.id: one for one in self._reader.read(rows, _attachment)}

    async def touch(self, file_id: str, *, at: int) -> bool:
        return bool(await self._change([file_id], _TOUCH, {"at": at}))

    async def renew(self, file_id: str, *, at: int) -> None:
        await self._change([file_id], _RENEW, {"at": at})

    async def describe(self, file_id: str, alt: str, *, at: int) -> Attachment | None:
        return _first(await self._change([file_id], _DESCRIBE, {"alt": alt, "at": at}))

    async def finish(self, file_id: str, looked: FoundFile, *, at: int) -> Attachment | None:
        before = (await self.get_many([file_id])).get(file_id)
        changed = _first(await self._change([file_id], _FINISH, {"looked": asdict(looked), "at": at}))
        if changed is not None and before is not None and changed.size != before.size:
            for key in (changed.user_id, EVERYBODY):
                await self._usage.settle(key, changed.id, changed.size - before.size, 0)
        found = changed or (await self.get_many([file_id])).get(file_id)
        return found if found is not None and found.is_whole else None

    async def claim(
        self, file_ids: Sequence[str], *, user_id: str, room_id: str, ref: str, at: int
    ) -> dict[str, Attachment]:
        given = {"user_id": user_id, "room_id": room_id, "ref": ref, "at": at}
        await self._change(file_ids, _CLAIM, given)
        found = await self.get_many(file_ids)
        return {
            id_: one
            for id_, one in found.items()
            if one.is_whole and (one.user_id, one.room_id, one.ref) == (user_id, room_id, ref)
        }

    async def release(self, file_ids: Sequence[str], *, user_id: str, ref: str) -> None:
        await self._change(file_ids, _RELEASE, {"user_id": user_id, "ref": ref})

    async def send(self, file_ids: Sequence[str], *, room_id: str, user_id: str, seq: int) -> None:
        await self._change(file_ids, _SEND, {"room_id": room_id, "user_id": user_id, "seq": seq})

    async def give_up(self, attachment: Attachment) -> bool:
        one = attachment
        seen = {"state": one.state.value, "ref": one.ref, "touched_at": one.touched_at}
        return bool(await self._change([one.id], _GIVE_UP, {"seen": seen}))

    async def give_up_message(self, room_id: str, seq: int) -> int:
        if not is_key(room_id):
            return 0
        return await self._all_gone(_OF_MESSAGE_IDS({"room_id": room_id, "seq": seq}))

    async def give_up_room(self, room_id: str) -> bool:
        return is_key(room_id) and await self._all_gone(_OF_ROOM_IDS(room_id)) > 0

    async def give_up_user(self, user_id: str) -> bool:
        return is_key(user_id) and await self._all_gone(_OF_USER_IDS(user_id)) > 0

    async def unsent(self, *, before: int, empty_before: int, limit: int) -> list[Attachment]:
        given = {"before": before, "until": max(before, empty_before), "limit": limit}
        rows = await self._pool.run(_UNSENT_BEFORE(given))
        return self._reader.read(rows, _attachment)

    async def gone(self, *, after: str = "", limit: int) -> list[str]:
        return [*await self._pool.run(_GONE_IDS({"after": after, "limit": limit}))]

    async def remove(self, file_id: str) -> bool:
        one = (await self.get_many([file_id])).get(file_id)
        if one is None:
            return False
        mine = r.table("attachments").get_all(file_id).filter({"state": FileState.GONE.value})
        removed = bool((await self._pool.write(mine.delete(durability="hard")))["deleted"])
        if removed:  # of several who remove it, one does
            for key in (one.user_id, EVERYBODY):
                await self._usage.settle(key, one.id, -one.size, -1)
        return removed

    async def of_message(self, room_id: str, seq: int) -> list[Attachment]:
        if not is_key(room_id):
            return []
        rows = await self._pool.run(_OF_MESSAGE({"room_id": room_id, "seq": seq}))
        return self._reader.read(rows, _attachment)

    async def of_room(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Attachment]:
        list_name = f"files {room_id}"
        before = [r.maxval, r.maxval] if cursor is None else [*paging.start(list_name, cursor)]
        if not is_key(room_id):
            return Page([], None)
        found = r.table("attachments", read_mode="majority").between(
            [room_id, r.minval, r.minval], [room_id, *before], index="message"
        )
        rows = await self._pool.read(found.order_by(index=r.desc("message")).filter(_is_own).limit(limit + 1))
        return paging.page(list_name, rows, limit, key=lambda row: (row["seq"], row["id"]), item=_attachment)

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Attachment]:
        list_name = f"files of {user_id}"
        after = [*paging.start(list_name, cursor)]
        if not is_key(user_id):
            return Page([], None)
        found = r.table("attachments", read_mode="majority").between(
            [user_id, *after], [user_id, r.maxval, r.maxval], index="user", left_bound="open"
        )
        rows = await self._pool.read(found.order_by(index="user").filter(_is_own).limit(limit + 1))
        return paging.page(
            list_name, rows, limit, key=lambda row: (row["made_at"], row["id"]), item=_attachment
        )

    async def page(self, *, after: str, limit: int) -> list[Attachment]:
        rows = await self._pool.run(_PAGE({"after": after, "limit": limit}))
        return self._reader.read(rows, _attachment)

    async def usage(self, user_id: str | None) -> Usage:
        return await self._usage.get(EVERYBODY if user_id is None else user_id)

    async def recount(self) -> bool:
        return await self._usage.recount()

    async def _change(
        self, file_ids: Sequence[str], change: Prepared, given: dict[str, Any]
    ) -> list[Attachment]:
        """Change rows that are as `change` wants them, each by itself. Returns those that it wanted, as they are."""
        keys = [*filter(is_key, file_ids)]
        if not keys:
            return []
        rows = await self._pool.run(change({**given, "ids": keys}))
        return self._reader.read(rows, _attachment)

    async def _all_gone(self, ids: Any) -> int:
        found = [*await self._pool.run(ids)]
        if found:
            gone = r.table("attachments").get_all(r.args(found)).update({"state": FileState.GONE.value})
            await self._pool.write(gone)
        return len(found)


def _attachment(row: dict[str, Any]) -> Attachment:
    return Attachment(**{name: row[name] for name in _NAMES} | {"state": FileState(row["state"])})


def _first(found: list[Attachment]) -> Attachment | None:
    return found[0] if found else None


def _table() -> Any:
    return r.table("attachments", read_mode="majority")


def _changing(is_wanted: Any, change: Any) -> Prepared:
    """Return the change of those rows with the given `ids` for which `is_wanted` holds. It answers them, as changed."""

    def query(given: Any) -> Any:
        written = (
            r.table("attachments")
            .get_all(r.args(given["ids"]))
            .update(
                lambda row: r.branch(is_wanted(row, given), change(given), {}),
                durability="hard",
                return_changes="always",
            )
        )
        return written.do(
            lambda done: r.branch(
                done["errors"].default(0) == 0,
                done["changes"]
                .default([])
                .filter(lambda one: is_wanted(one["old_val"], given))["new_val"]
                .coerce_to("array"),
                r.error("the files are not changed"),
            )
        )

    return Prepared(query)


def _is_own(row: Any) -> Any:
    """Say whether a file is what somebody uploaded, and no picture in the preview of a link."""
    return row["ref"].default(None).ne(PREVIEW)


def _is_unsent(row: Any) -> Any:
    return r.expr(list(_UNSENT)).contains(row["state"])


_TOUCH: Final = _changing(
    lambda row, _given: row["state"] == FileState.UPLOADING.value, lambda given: {"touched_at": given["at"]}
)
_RENEW: Final = _changing(
    lambda row, _given: row["state"] == FileState.WHOLE.value, lambda given: {"touched_at": given["at"]}
)
_DESCRIBE: Final = _changing(
    lambda row, _given: _is_unsent(row) & row["ref"].eq(None),
    lambda given: {"alt": given["alt"], "touched_at": given["at"]},
)
_FINISH: Final = _changing(
    lambda row, _given: row["state"] == FileState.UPLOADING.value,
    lambda given: given["looked"].merge({"state": FileState.WHOLE.value, "touched_at": given["at"]}),
)
_CLAIM: Final = _changing(
    lambda row, given: (
        (row["state"] == FileState.WHOLE.value)
        & (row["user_id"] == given["user_id"])
        & (row["room_id"] == given["room_id"])
        & (row["ref"].eq(None) | (row["ref"] == given["ref"]))
    ),
    lambda given: {"ref": given["ref"], "touched_at": given["at"]},
)
_RELEASE: Final = _changing(
    lambda row, given: (
        (row["state"] == FileState.WHOLE.value)
        & (row["user_id"] == given["user_id"])
        & (row["ref"] == given["ref"])
    ),
    lambda _given: {"ref": None},
)
_SEND: Final = _changing(
    lambda row, given: (
        (row["state"] == FileState.WHOLE.value)
        & (row["user_id"] == given["user_id"])
        & (row["room_id"] == given["room_id"])
    ),
    lambda given: {"state": FileState.SENT.value, "seq": given["seq"]},
)
_GIVE_UP: Final = _changing(
    lambda row, given: row.pluck("state", "ref", "touched_at") == given["seen"],
    lambda _given: {"state": FileState.GONE.value},
)


def _in_room(given: Any) -> Any:
    return _table().between(
        [given["room_id"], given["seq"], r.minval],
        [given["room_id"], given["seq"], r.maxval],
        index="message",
    )


_GET_MANY: Final = Prepared(lambda ids: _table().get_all(r.args(ids)).coerce_to("array"))
_OF_MESSAGE: Final = Prepared(lambda given: _in_room(given).order_by(index="message").coerce_to("array"))
_OF_MESSAGE_IDS: Final = Prepared(lambda given: _in_room(given)["id"].coerce_to("array"))
_OF_ROOM_IDS: Final = Prepared(
    lambda room_id: (
        _table()
        .get_all(room_id, index="room")
        .filter(lambda row: row["state"] != FileState.GONE.value)
        .limit(SLICE)["id"]
        .coerce_to("array")
    )
)
_OF_USER_IDS: Final = Prepared(
    lambda user_id: (
        _table()
        .between([user_id, r.minval, r.minval], [user_id, r.maxval, r.maxval], index="user")
        .filter(lambda row: _is_unsent(row) | (row["room_id"] == ""))
        .limit(SLICE)["id"]
        .coerce_to("array")
    )
)
_UNSENT_BEFORE: Final = Prepared(
    lambda given: (
        _table()
        .between(r.minval, given["until"], index="unsent")
        .order_by(index="unsent")
        .filter(
            lambda row: (
                (row["touched_at"] < given["before"])
                | ((row["state"] == FileState.UPLOADING.value) & (row["touched_at"] == row["made_at"]))
            )
        )
        .limit(given["limit"])
        .coerce_to("array")
    )
)
_GONE_IDS: Final = Prepared(
    lambda given: (
        _table()
        .between(given["after"], r.maxval, left_bound="open", index="gone")
        .order_by(index="gone")
        .limit(given["limit"])["id"]
        .coerce_to("array")
    )
)
_PAGE: Final = Prepared(
    lambda given: (
        _table()
        .between(given["after"], r.maxval, left_bound="open")
        .order_by(index="id")
        .limit(given["limit"])
        .coerce_to("array")
    )
)
