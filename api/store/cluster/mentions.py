"""Lists the messages that mention a user, by the RethinkDB table `mentions`, and by the tails of the heads."""

import asyncio
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from api.models.log import Entry, Message
from api.models.page import Page
from api.store import paging
from api.store.base.mentions import MentionStore
from api.store.cluster.members import ClusterMembers
from api.store.cluster.mention_rows import in_tails_query, listed_query, mentioned_by
from api.store.cluster.pages import Pages
from api.store.cluster.rows import Reader, is_key
from api.store.mentions import EVERYBODY, Choices, Mention, Place, is_shown, key_of, list_name, place_before
from api.store.rethinkdb import Pool

CHUNK: Final = 200
"""One query reads this many of the rows that mention a user, and of those that mention everybody."""
ROOMS: Final = 500
"""One query looks into the tails of this many rooms."""


class ClusterMentions(MentionStore):
    """Reads the table `mentions`, whose rows the flush keeps."""

    def __init__(self, pool: Pool, reader: Reader, members: ClusterMembers, pages: Pages) -> None:
        self._pool = pool
        self._reader = reader
        self._members = members
        self._pages = pages

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Message]:
        """List the messages that mention a user, newest first.

        What is chosen from is looked at again as it is now, so it does not matter whether it was flushed meanwhile.
        """
        before = place_before(user_id, cursor)
        if not is_key(user_id):
            return Page([], None)
        # The tails are read first, as what they no longer carry was flushed before.
        in_tails = await self._in_tails(user_id)
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
                    choices.look_at(one, is_shown=is_shown(one, user_id, joined_at[one.room_id]))
            if last is None:
                break
            before = last
        messages = await asyncio.gather(
            *(
                self._message(user_id, choice.mention) if choice.is_shown else _nothing()
                for choice in choices.rows[:limit]
            )
        )
        shown = dict(enumerate(messages))
        rows = list(enumerate(choices.rows))
        return paging.page(
            list_name(user_id),
            rows,
            limit,
            key=lambda row: key_of(row[1]),
            item=lambda row: shown.get(row[0]),
        )

    async def _message(self, user_id: str, mention: Mention) -> Message | None:
        """Return a message, unless it does not mention the user any more."""
        message = await self._pages.message(mention.room_id, mention.seq)
        if message is None or not (user_id in message.mentions or message.mentions_all):
            return None
        return message

    async def _joined_at(self, user_id: str, room_ids: Iterable[str]) -> dict[str, int | None]:
        """Return when a user has joined these rooms, None for those where they are no member."""
        joined: dict[str, int | None] = dict.fromkeys(room_ids)
        for row in await self._members.rows([(room_id, user_id) for room_id in joined]):
            joined[row["room_id"]] = None if row["role"] is None else row["joined_at"]
        return joined

    async def _in_tails(self, user_id: str) -> list[Mention]:
        """Return the messages that mention a user, or everybody, by entries that may not be flushed."""
        found: list[Mention | None] = []
        rooms = iter(await self._members.rooms_of(user_id))
        while some := list(islice(rooms, ROOMS)):
            rows = await self._pool.run(in_tails_query(user_id, some))
            found += [await self._mention_by(entry) for entry in self._reader.entries(rows)]
        return [mention for mention in found if mention is not None]

    async def _mention_by(self, entry: Entry) -> Mention | None:
        of_everybody = EVERYBODY in mentioned_by(entry)
        target = entry.data.get("target")
        if not isinstance(target, int):
            return Mention(entry.at or 0, entry.seq, entry.room_id, entry.user_id, of_everybody)
        message = await self._pages.message(entry.room_id, target)
        if message is None:
            return None
        return Mention(message.at, message.seq, message.room_id, message.user_id, of_everybody)


def _place(mention: Mention) -> Place:
    return mention.at, mention.seq, mention.room_id


def _mention(row: dict[str, Any]) -> Mention:
    """Read a row. Raises `KeyError`, `TypeError` or `ValueError` for one that we did not write."""
    room_id, seq = row["id"]
    if not isinstance(room_id, str):
        raise TypeError
    return Mention(int(row["at"]), int(seq), room_id, str(row["author"]), bool(row["of_everybody"]))


async def _nothing() -> None:
    return None
