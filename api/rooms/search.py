"""Searches messages for users: in the rooms that they may read now, as the messages are now."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, TypeAlias
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.errors import BadCursor, NotFound, Overloaded
from api.limits.concurrency import ConcurrencyLimit
from api.limits.throttles import Throttles
from api.models.accounts import Account, User
from api.models.log import Message
from api.models.names import FEWEST_SEARCHED, searched_form
from api.models.rooms import direct_id
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.search.index import Candidate, SearchIndex, Wanted
from api.search.match import matches
from api.search.query import Name, Query, parse
from api.store.base.store import Store
from api.store.reads import BatchedReads

FindAccount: TypeAlias = Callable[[str], Awaitable[Account | None]]
"""Returns the account with a username, in any case."""

MORE: Final = 10
"""The index is asked for so many more candidates than a page has, as some may not be shown."""
MOST_LOOKS: Final = 5
"""The index is asked this often for a page. A page that is not full by then is short, and has a next one."""
MAX_SECONDS: Final = 0.5
"""For a page that took longer the index is not asked once more."""
AT_ONCE: Final = 2
MOST_WAITING: Final = 50
"""So many pages wait for the index, which needs 0.2 s for the slowest. More are refused, as nobody waits so long."""
MOST_WAITING_OF_USER: Final = 20
"""One page of a user is made at a time, and so many more wait, so that a few users do not take the turns of all."""
MOST_NAMESAKES: Final = 100
"""So many users with a text in their names are looked at for those whose display name it is."""
ME: Final = "me"
_MARK_CHARACTERS: Final = 16
_MAX_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class FoundMessages:
    """A page of messages, newest first, and what was looked for in them. It may be short and yet have a next one."""

    items: list[Message]
    next_cursor: str | None
    terms: list[str]


class SearchService:
    """Finds messages by the index. What the index finds is read again in the store, and checked, before it is shown.

    So nothing is shown that was deleted, or of a room that the user has left, or lost, or that says something else now.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        reads: BatchedReads,
        members: MemberService,
        throttles: Throttles,
        index: SearchIndex | None,
        find_account: FindAccount,
    ) -> None:
        self._store = store
        self._reads = reads
        self._members = members
        self._throttles = throttles
        self._index = index
        self._find_account = find_account
        self._turns = ConcurrencyLimit(AT_ONCE, MOST_WAITING)
        self._turns_of: WeakValueDictionary[str, ConcurrencyLimit] = WeakValueDictionary()

    async def messages(  # noqa: PLR0913  the fields of the request
        self,
        user: User,
        text: str,
        *,
        room_id: str | None = None,
        bound: Collection[str] | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> FoundMessages:
        """Return a page of the messages that a user searches for, in one room or in all that they are in.

        With `bound` only these rooms are searched. Raises `NotFound` for a room that the user may not read, and where
        nothing can be searched; `Invalid`, `BadCursor`, `RateLimited`, `Indexing`, and `Overloaded` if it takes too
        long.
        """
        if self._index is None:
            raise NotFound
        query = parse(text)
        list_name = f"{user.id} {room_id} {text}"
        below = None if cursor is None else _place(list_name, cursor)
        if room_id is not None:
            await self._members.require(room_id, user.id, Operation.SEARCH)
        self._throttles.search_messages(user.id)
        wanted = await self._wanted(user, query, room_id, bound)
        if wanted is None:
            return FoundMessages([], None, query.shown)
        turns = self._turns_of.setdefault(user.id, ConcurrencyLimit(1, MOST_WAITING_OF_USER))
        async with turns.take():
            items, place = await self._page(self._index, user, wanted, below, limit)
        return FoundMessages(items, None if place is None else _cursor(list_name, place), query.shown)

    # -- a page

    async def _page(
        self, index: SearchIndex, user: User, wanted: Wanted, below: int | None, limit: int
    ) -> tuple[list[Message], int | None]:
        """Return the messages of a page, and the place of the last that was looked at; None if there are no more."""
        items, place = list[Message](), below
        until = asyncio.get_running_loop().time() + MAX_SECONDS
        for _ in range(MOST_LOOKS):
            try:
                async with self._turns.take():
                    found = await index.find(wanted, below=place, limit=limit + MORE)
            except Overloaded:
                if place == below:
                    raise
                return items, place
            last = await self._add(items, user, wanted, found.items, limit)
            place = place if last is None else last.id
            if found.items and last is not found.items[-1]:
                return items, place
            if found.is_cut:
                return items, place
            if len(found.items) < limit + MORE:
                return items, None
            if asyncio.get_running_loop().time() > until:
                break
        return items, place

    async def _add(
        self,
        items: list[Message],
        user: User,
        wanted: Wanted,
        candidates: Sequence[Candidate],
        limit: int,
    ) -> Candidate | None:
        """Add the messages of candidates to a page of `limit`. Return the last candidate that was looked at.

        As many as fit are looked at first, and others only where some of these may not be shown.
        """
        last = None
        for start in range(0, len(candidates), limit):
            if len(items) == limit:
                break
            for candidate, message in await self._shown(user, wanted, candidates[start : start + limit]):
                if len(items) == limit:
                    return last
                last = candidate
                if message is not None:
                    items.append(message)
        return last

    async def _shown(
        self, user: User, wanted: Wanted, candidates: Sequence[Candidate]
    ) -> list[tuple[Candidate, Message | None]]:
        """Return candidates with their messages as they are now; None for those that are not to be shown."""
        if not candidates:
            return []
        messages = await self._store.log.messages([(one.room_id, one.seq) for one in candidates])
        # Looked at after the reading: nothing is shown that was written after a removal.
        rooms = {one.room_id for one in candidates}
        authors = sorted({message.user_id for message in messages.values()})
        members, blockers = await asyncio.gather(
            self._store.members.get_many([(room_id, user.id) for room_id in rooms]),
            asyncio.gather(*map(self._reads.blockers, authors)),
        )
        readable = {
            room_id
            for (room_id, _), member in members.items()
            if policy.allows(Operation.SEARCH, policy.facts_of(member))
        }
        blocked = {author for author, by in zip(authors, blockers, strict=True) if user.id in by}

        def shown(one: Candidate) -> Message | None:
            message = messages.get((one.room_id, one.seq))
            if message is None or one.room_id not in readable or message.user_id in blocked:
                return None
            return message if matches(wanted, message) else None

        # Not on the event loop: the words of 30 long texts may take it a second.
        return await asyncio.to_thread(lambda: [(one, shown(one)) for one in candidates])

    # -- names

    async def _wanted(
        self, user: User, query: Query, room_id: str | None, bound: Collection[str] | None
    ) -> Wanted | None:
        """Return what a query means for a user; None where it can find nothing."""
        mine = [room_id] if room_id is not None else await self._rooms_of(user, bound)
        rooms = await self._rooms_named(user, query.rooms, mine)
        authors = await self._ids(user, [one for one in query.people if not one.is_excluded])
        not_authors = await self._ids(user, [one for one in query.people if one.is_excluded])
        if not rooms or (not authors and any(not one.is_excluded for one in query.people)):
            return None
        return Wanted(
            query.terms,
            rooms,
            authors,
            not_authors,
            query.traits,
            query.excluded_traits,
            user.id if query.mentions_me else None,
            user.id if query.mentions_me is False else None,
            _start_of(query.after, user),
            _start_of(query.before, user),
        )

    async def _rooms_of(self, user: User, bound: Collection[str] | None) -> list[str]:
        mine = (await self._store.members.rooms_of([user.id])).get(user.id, [])
        return [room_id for room_id in mine if bound is None or room_id in bound]

    async def _ids(self, user: User, names: Sequence[Name]) -> list[str]:
        return [user_id for one in names for user_id in await self._users_named(user, one.text)]

    async def _users_named(self, user: User, name: str) -> list[str]:
        """Return who has this username, or else everybody whose display name it is. Raises `RateLimited`."""
        if name.casefold() == ME:
            return [user.id]
        if (account := await self._find_account(name)) is not None:
            return [account.user.id]
        if len(form := searched_form(name)) < FEWEST_SEARCHED:
            return []
        self._throttles.search(user.id)
        found = await self._store.accounts.named(name.strip(), cursor=None, limit=MOST_NAMESAKES)
        return [one.id for one in found.items if searched_form(one.display_name) == form]

    async def _rooms_named(self, user: User, names: Sequence[Name], mine: Sequence[str]) -> list[str]:
        """Return those of these rooms that are named, or all where none is, without those that are excluded."""
        if not names:
            return list(mine)
        names_of = await self._store.rooms.names(mine)
        forms = {room_id: searched_form(name) for room_id, name in names_of.items()}
        chosen: dict[bool, set[str]] = {False: set(), True: set()}
        for one in names:
            others = await self._users_named(user, one.text[1:]) if one.text.startswith("@") else []
            direct = {direct_id([user.id, other]) for other in others}
            form = searched_form(one.text)
            chosen[one.is_excluded] |= {
                room_id
                for room_id in mine
                if room_id == one.text or room_id in direct or (form and forms.get(room_id) == form)
            }
        are_chosen = any(not one.is_excluded for one in names)
        return [
            room_id
            for room_id in mine
            if room_id not in chosen[True] and (room_id in chosen[False] or not are_chosen)
        ]


def _start_of(day: date | None, user: User) -> int | None:
    """Return when a day begins where a user is, in milliseconds; by UTC where they do not say where that is."""
    if day is None:
        return None
    try:
        zone = ZoneInfo(user.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return int(datetime.combine(day, time(), zone).timestamp() * 1_000)


def _cursor(list_name: str, place: int) -> str:
    return f"{place:x}.{_mark(list_name, place)}"


def _place(list_name: str, cursor: str) -> int:
    """Return the place in a cursor. Raises `BadCursor` for one that this search never gave out."""
    number, _, _ = cursor.partition(".")
    try:
        place = int(number[:_MARK_CHARACTERS], 16)
    except ValueError:
        raise BadCursor from None
    if not 0 <= place <= _MAX_ID or cursor != _cursor(list_name, place):
        raise BadCursor
    return place


def _mark(list_name: str, place: int) -> str:
    """Return a digest that reveals a cursor of another search. What a made-up place finds is checked as all is."""
    return hashlib.blake2b(f"{list_name} {place}".encode(), digest_size=_MARK_CHARACTERS // 2).hexdigest()
