"""Chooses the messages of a page of those that mention a user, and names their places. Pure; both stores use it."""

from collections.abc import Container
from typing import Final, NamedTuple, TypeAlias

from api.errors import BadCursor
from api.store import paging

EVERYBODY: Final = ""
"""Stands for all members of the room in place of a user's id."""
MAX_LOOKED: Final = 10_000
"""For one page at most this many messages are looked at, as those that mention everybody may be of other rooms."""


class Mention(NamedTuple):
    """A message that mentions a user, or everybody in its room. A newer one is greater."""

    at: int
    seq: int
    room_id: str
    author_id: str
    of_everybody: bool


class Choice(NamedTuple):
    """A message that was looked at for a page, and whether it belongs there."""

    mention: Mention
    is_shown: bool = True


Place: TypeAlias = tuple[int, int, str]
"""The time, seq and room of a message, by which the list is ordered."""


class Choices:
    """The messages of a page and one more, chosen from those that mention a user, which are looked at newest first."""

    def __init__(self, limit: int) -> None:
        self.rows: list[Choice] = []
        """The rows for `paging.page`."""
        self._limit = limit
        self._looked = 0

    @property
    def are_enough(self) -> bool:
        """Whether no more need be looked at."""
        return len(self.rows) > self._limit or self._looked >= MAX_LOOKED

    def look_at(self, mention: Mention, *, is_shown: bool) -> None:
        """Choose a message if it `is_shown`.

        If it is the last that may be looked at, it also fills the rest of the page, hidden, so that there is a next
        page, which goes on after it.
        """
        self._looked += 1
        if is_shown:
            self.rows.append(Choice(mention))
        if self._looked == MAX_LOOKED:
            self.rows += [Choice(mention, is_shown=False)] * (self._limit + 1 - len(self.rows))


def is_shown(mention: Mention, user_id: str, blocked: Container[str], joined_at: int | None) -> bool:
    """Say whether a message is listed for a user. `joined_at` is None for who is no member of its room.

    What mentions everybody, mentions those who were there. Whom the user has `blocked` mentions them never.
    """
    if joined_at is None or mention.author_id == user_id or mention.author_id in blocked:
        return False
    return mention.at >= joined_at or not mention.of_everybody


def key_of(choice: Choice) -> paging.Key:
    """Return the key of a row of a page."""
    at, seq, room_id, *_ = choice.mention
    return at, f"{seq} {room_id}"


def list_name(user_id: str) -> str:
    """Return the name of a user's list for `paging`."""
    return f"mentions {user_id}"


def place_before(user_id: str, cursor: str | None) -> Place | None:
    """Return the place before which a page begins, or None for the first page. Raises `BadCursor`."""
    if cursor is None:
        return None
    at, id_ = paging.start(list_name(user_id), cursor)
    seq, _, room_id = id_.partition(" ")
    if not (seq.isascii() and seq.isdigit()):
        raise BadCursor
    return at, min(int(seq[:20]), 2**53), room_id
