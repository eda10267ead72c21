"""Finds whom the texts of members mention, and lists the messages that mention a user."""

from collections.abc import Sequence
from typing import Final

from api.models.log import MAX_MENTIONS, EntryData, Json, Message
from api.models.page import Page
from api.models.rooms import Member
from api.rooms import policy
from api.rooms.mention_finder import names_in
from api.store.base.store import Store
from api.store.reads import BatchedReads

_ENOUGH: Final = MAX_MENTIONS + 1
"""So many mentions are refused when the entry is stored, so no more are passed on."""


class MentionService:
    """Finds mentions. A text without `@` costs nothing, any other one look-up of the names that it has."""

    def __init__(self, store: Store, reads: BatchedReads) -> None:
        self._store = store
        self._reads = reads

    async def fields(self, member: Member, text: str, *, also: str | None = None) -> EntryData:
        """Return the fields of an entry that say whom a member's text mentions; none where it mentions nobody.

        `also` is the id of a user whom the text mentions in any case. Nobody is mentioned who has blocked the member.
        """
        found = names_in(text)
        user_ids = [] if also is None else [also]
        user_ids += await self._members_named(member.room_id, found.names)
        fields: EntryData = {}
        if user_ids:
            blockers = await self._reads.blockers(member.user_id)
            user_ids = [user_id for user_id in user_ids if user_id not in blockers]
        if user_ids:
            fields["mentions"] = list[Json](dict.fromkeys(user_ids))[:_ENOUGH]
        if found.everybody and await self._may_mention_all(member):
            fields["mentions_all"] = True
        return fields

    async def unmentioned(self, author_id: str, reply_to: int | None) -> frozenset[str]:
        """Return whom an answer must not mention: those who have blocked its author."""
        return frozenset() if reply_to is None else await self._reads.blockers(author_id)

    async def of_user(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Message]:
        """List the messages that mention a user and that they may read, newest first. Raises `BadCursor`."""
        return await self._store.mentions.of_user(user_id, cursor=cursor, limit=limit)

    async def _members_named(self, room_id: str, places: Sequence[tuple[str, ...]]) -> list[str]:
        """Return the members whom these places name: at each the one with the longest of its names."""
        if not places:
            return []
        names = dict.fromkeys(name for place in places for name in place)
        members = await self._store.members.with_usernames(room_id, [*names])
        named = (next((members[name] for name in place if name in members), None) for place in places)
        return [user_id for user_id in named if user_id is not None]

    async def _may_mention_all(self, member: Member) -> bool:
        most = policy.MOST_WHOM_MEMBERS_MENTION
        count = await self._store.members.count_of_room(member.room_id, at_most=most + 1)
        return policy.may_mention_all(member.rights, count)
