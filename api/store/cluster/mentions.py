"""Lists the messages that mention a user, by the RethinkDB table `mentions`, and by the tails of the heads."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from api.models.log import Entry, Message
from api.models.page import Page
from api.store import paging
from api.store.base.mentions import MentionStore
from api.store.cluster.blocks import blocked_by
from api.store.cluster.members import ClusterMembers
from api.store.cluster.mention_rows import in_tails_query, listed_query, mentioned_by
from api.store.cluster.messages import Messages
from api.store.cluster.rows import Reader, is_key
from api.store.mentions import (
    EVERYBODY,
    Choice,
    Choices,
    Mention,
    Place,
    is_shown,
    key_of,
    list_name,
    place_before,
)
from api.store.rethinkdb import Pool, Prepared

CHUNK: Final = 200
"""One query reads this many of the rows that mention a user, and of those that mention everybody."""
ROOMS: Final = 500
"""One query looks into the tails of this many rooms."""


class ClusterMentions(MentionStore):
    """Reads the table `mentions`, whose rows the flush keeps."""

    def __init__(self, pool: Pool, reader: Reader, members: ClusterMembers, messages: Messages) -> None:
        self._pool = pool
        self._reader = reader
        self._members = members
        self._messages = messages

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Message]:
        """List the messages that mention a user, newest first.

        What is chosen from is looked at again as it is now, so it does not matter whether it was flushed meanwhile.
        """
        before = place_before(user_id, cursor)
        if not is_key(user_id):
            return Page([], None)
        # The tails are read first, as what they no longer carry was flushed before.
        in_tails = await self._in_tails(user_id)
        blocked = frozenset(await self._pool.run(_BLOCKED(user_id)))
        choices, joined_at = Choices(limit), dict[str, int | None]()
        while not choices.are_enough:
            rows = await self._pool.run(listed_query(user_id, before, CHUNK))
            stored = sorted(self._reader.read(rows, _mention), reverse=True)[:CHUNK]
            last = _place(stored[-1]) if len(stored) == CHUNK else None
            found = {
                (one.room_id, one.seq): one
                for one in (*in_tails, *stored)
                if (before is None or _place(one) < before) and (last is None or _place(one) >= last)
            }
            joined_at |= await self._joined_at(
                user_id, {one.room_id for one in found.values()} - joined_at.keys()
            )
            for one in sorted(found.values(), reverse=True):
                if not choices.are_enough:
                    choices.look_at(one, is_shown=is_shown(one, user_id, blocked, joined_at[one.room_id]))
            if last is None:
                break
            before = last
        messages = await self._messages.at(
            _room_and_seq(choice.mention) for choice in choices.rows[:limit] if choice.is_shown
        )

        def item(choice: Choice) -> Message | None:
            """Return the message of a row, unless it does not mention the user any more."""
            message = messages.get(_room_and_seq(choice.mention)) if choice.is_shown else None
            is_one = message is not None and (user_id in message.mentions or message.mentions_all)
            return message if is_one else None

        return paging.page(list_name(user_id), choices.rows, limit, key=key_of, item=item)

    async def _joined_at(self, user_id: str, room_ids: Iterable[str]) -> dict[str, int | None]:
        """Return when a user has joined these rooms, None for those where they are no member."""
        joined: dict[str, int | None] = dict.fromkeys(room_ids)
        for row in await self._members.rows([(room_id, user_id) for room_id in joined]):
            joined[row["room_id"]] = None if row["role"] is None else row["joined_at"]
        return joined

    async def _in_tails(self, user_id: str) -> list[Mention]:
        """Return the messages that mention a user, or everybody, by entries that may not be flushed."""
        entries: list[Entry] = []
        rooms = iter((await self._members.rooms_of([user_id])).get(user_id, []))
        while some := list(islice(rooms, ROOMS)):
            entries += self._reader.entries(await self._pool.run(in_tails_query(user_id, some)))
        edited = {
            (entry.room_id, target)
            for entry in entries
            if isinstance(target := entry.data.get("target"), int)
        }
        messages = await self._messages.at(edited)
        found: list[Mention] = []
        for entry in entries:
            target = entry.data.get("target")
            said = messages.get((entry.room_id, target)) if isinstance(target, int) else entry
            if said is not None:
                of_everybody = EVERYBODY in mentioned_by(entry)
                found.append(Mention(said.at or 0, said.seq, said.room_id, said.user_id, of_everybody))
        return found


def _room_and_seq(mention: Mention) -> tuple[str, int]:
    return mention.room_id, mention.seq


def _place(mention: Mention) -> Place:
    return mention.at, mention.seq, mention.room_id


def _mention(row: dict[str, Any]) -> Mention:
    """Read a row. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    room_id, seq = row["id"]
    if not isinstance(room_id, str):
        raise TypeError
    return Mention(int(row["at"]), int(seq), room_id, str(row["author"]), bool(row["of_everybody"]))


_BLOCKED: Final = Prepared(blocked_by)
