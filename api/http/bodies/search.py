"""The bodies of searches of messages."""

from typing import Self

from api.http.bodies.forms import Answer
from api.http.bodies.messages import MessageOut
from api.models.log import Message


class SearchOut(Answer):
    """A page of messages that were searched for, newest first. One that is not the last may be short, or empty.

    `terms` are the words and phrases to mark in them, in their normal form. A prefix ends with `*`.
    """

    items: list[MessageOut]
    next_cursor: str | None
    terms: list[str]

    @classmethod
    def of(cls, messages: list[Message], next_cursor: str | None, terms: list[str]) -> Self:
        """Make it from its records."""
        return cls(items=[MessageOut.of(one) for one in messages], next_cursor=next_cursor, terms=terms)
