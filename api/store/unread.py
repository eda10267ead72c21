"""Counts the unread messages of a member, as `Unread` defines them. Pure; both stores use it."""

from collections.abc import Container, Iterable
from itertools import islice
from typing import Final

from api.models.rooms import MAX_UNREAD, Unread

MAX_LOOKED: Final = 10_000
"""At most this many messages after the `read_seq` are looked at. So a member who never marks anything read, and writes
a million messages, costs no more than others."""


def unread(messages: Iterable[tuple[int, str | None]], deleted: Container[int], user_id: str) -> Unread:
    """Count the unread ones of these messages (seq, author), which are those after the user's `read_seq`, in order.

    `deleted` holds the seqs of those that are deleted. No more messages are taken than are needed.
    """
    count, first = 0, None
    for seq, author in islice(messages, MAX_LOOKED):
        if author != user_id and seq not in deleted:
            first = first or seq
            count += 1
            if count == MAX_UNREAD:
                break
    return Unread(count, first)
