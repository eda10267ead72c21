"""What a rule is: the name and the docstring of what tries it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Rule(Generic[T]):
    """A rule of docs/protocol.md, and the function that tries it on a `T`."""

    name: str
    text: str
    play: Callable[[T], Awaitable[None]]

    @classmethod
    def of(cls, play: Callable[[T], Awaitable[None]]) -> Self:
        """Return the rule of a function."""
        return cls(play.__name__, (play.__doc__ or "").strip(), play)


class Failed(Exception):
    """A rule was broken."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected: {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


class Skipped(Exception):
    """The other side does not do this at all."""
