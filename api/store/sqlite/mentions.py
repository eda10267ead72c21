"""Lists the messages that mention a user, by the SQLite table `mentions`."""

# ruff: noqa: D102 - the promises stand in `MentionStore`

import apsw

from api.models.log import Message
from api.models.page import Page
from api.store import paging
from api.store.base.mentions import MentionStore
from api.store.mentions import Choice, Choices, is_shown, key_of, list_name, place_before
from api.store.sqlite.blocks import blocked_by
from api.store.sqlite.mentioned import AFTER_ALL, mentions_before
from api.store.sqlite.room_log import RoomLog
from api.store.sqlite.worker import Worker


class SqliteMentions(MentionStore):
    """The table `mentions`, which `RoomLog` keeps."""

    def __init__(self, reader: Worker, log: RoomLog) -> None:
        self._read = reader.do
        self._log = log

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Message]:
        return await self._read(lambda reading: _of_user(reading, self._log, user_id, cursor, limit))


def _of_user(cursor: apsw.Cursor, log: RoomLog, user_id: str, after: str | None, limit: int) -> Page[Message]:
    joined_at: dict[str, int | None] = {}
    blocked = blocked_by(cursor, user_id)

    def message(choice: Choice) -> Message | None:
        one = choice.mention
        return log.message(cursor, one.room_id, one.seq) if choice.is_shown else None

    choices, place = Choices(limit), place_before(user_id, after) or AFTER_ALL
    for one in mentions_before(cursor.connection.cursor(), user_id, place):
        if one.room_id not in joined_at:
            joined_at[one.room_id] = _joined_at(cursor, one.room_id, user_id)
        choices.look_at(one, is_shown=is_shown(one, user_id, blocked, joined_at[one.room_id]))
        if choices.are_enough:
            break
    return paging.page(list_name(user_id), choices.rows, limit, key=key_of, item=message)


def _joined_at(cursor: apsw.Cursor, room_id: str, user_id: str) -> int | None:
    row = cursor.execute(
        "SELECT joined_at FROM members JOIN rooms ON id = room_id AND NOT deleted"
        " WHERE room_id = ? AND user_id = ? AND role IS NOT NULL",
        (room_id, user_id),
    ).fetchone()
    return None if row is None else int(row[0])
