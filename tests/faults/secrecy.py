"""Knows who may know what of which room at which moment, and names what was seen by somebody who may not. Pure.

Of what a search finds it also knows whether it still stood in a message.

What is asked of a server and what comes from it overlaps. So a user may be in a room at a moment unless what ended that
was answered before, and nothing that may have let them in again was under way since it began.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

OUT_SECONDS: Final = 5.0
"""So much later another node may still tell of what it has told before (I6)."""
HERE_SECONDS: Final = 0.5
"""What a node has written before it answers may be read so much later by a client that is busy."""
MARK: Final = re.compile(r"zq[0-9a-f]{12}qz")
ID: Final = re.compile(r"d[A-Za-z0-9_-]{43}|[A-Za-z0-9_-]{22}")


@dataclass(eq=False)
class Deed:
    """Something that lets in or puts out. `begun` and `answered` are moments; `side` is the node that was asked.

    Who is refused may have been in for a moment all the same, when they were put out before they were answered.
    """

    begun: float
    answered: float = math.inf
    side: int = 0
    is_refused: bool = False


@dataclass
class Door:
    """Whether something holds of somebody, such as a membership: what let them in and what put them out."""

    ins: list[Deed] = field(default_factory=list)
    outs: list[Deed] = field(default_factory=list)

    def may_be_open(self, begun: float, ended: float, side: int | None = None) -> bool:
        """Say whether it may hold at some moment from `begun` to `ended`.

        `side` is the node that tells by itself, which may be late. An answer to a request may not: None.
        """
        ins = self._ins(ended)
        return bool(ins) and not any(
            out.answered + _grace(out, side) <= begun and all(one.answered < out.begun for one in ins)
            for out in self.outs
        )

    def has_been_open(self, ended: float) -> bool:
        """Say whether it may have held at some moment before."""
        return bool(self._ins(ended))

    def _ins(self, ended: float) -> list[Deed]:
        return [
            one
            for one in self.ins
            if one.begun < ended
            and (
                not one.is_refused
                or any(out.begun < one.answered and one.begun < out.answered for out in self.outs)
            )
        ]


def _grace(out: Deed, side: int | None) -> float:
    if side is None:
        return 0.0
    return HERE_SECONDS if side == out.side else OUT_SECONDS


@dataclass(eq=False)
class Secret:
    """A room, as its secrets are known. Its name, topic and id are told to everybody while it is public."""

    id: str = ""
    members: defaultdict[str, Door] = field(default_factory=lambda: defaultdict(Door))
    public: Door = field(default_factory=Door)


class Of(StrEnum):
    """What of a room is seen."""

    NAME = "its name, topic or id"
    BODY = "what was written in it"


@dataclass(frozen=True)
class Sight:
    """Something that somebody was given. `side` is that of `Door.may_be_open`."""

    user_id: str
    road: str
    begun: float
    ended: float
    text: str
    side: int | None = None
    is_end: bool = False
    """Whether it tells them that they are out."""
    is_own: bool = False
    """Whether it is all that they have written anywhere, as an export is."""
    is_search: bool = False
    """Whether it is what a search found: messages as they are now, and nothing that was edited or deleted."""


@dataclass(frozen=True)
class _Found:
    sight: Sight
    secret: Secret
    of: Of
    author: str
    stands: Door | None


class Secrecy:
    """Collects what is secret and what was seen."""

    def __init__(self) -> None:
        self.count = 0
        """How many texts were looked through."""
        self._marks: dict[str, tuple[Secret, Of, str, Door | None]] = {}
        self._ids: dict[str, Secret] = {}
        self._found: list[_Found] = []

    @property
    def found_count(self) -> int:
        """How often something secret was seen, by whomever."""
        return len(self._found)

    @property
    def searched_count(self) -> int:
        """How often a search found something secret."""
        return sum(found.sight.is_search for found in self._found)

    def mark(self, mark: str, secret: Secret, of: Of, author: str = "", stands: Door | None = None) -> str:
        """Say of which room a mark is, before it is written there. Return it.

        `stands` is whether it stands in a message as that is: what wrote it there, and what edited or deleted it.
        """
        assert MARK.fullmatch(mark)
        self._marks[mark] = (secret, of, author, stands)
        return mark

    def name(self, secret: Secret, room_id: str) -> None:
        """Say what the id of a room is."""
        secret.id = room_id
        self._ids[room_id] = secret

    def look(self, sight: Sight) -> None:
        """Take note of the secrets in what somebody was given."""
        self.count += 1
        for mark in set(MARK.findall(sight.text)):
            if mark in self._marks:
                self._found.append(_Found(sight, *self._marks[mark]))
        for room_id in set(ID.findall(sight.text)):
            if room_id in self._ids:
                self._found.append(_Found(sight, self._ids[room_id], Of.NAME, "", None))

    def forget(self) -> None:
        """Forget what was seen until now. What is secret stays so."""
        self.count = 0
        self._found.clear()

    def leaks(self) -> Iterator[str]:
        """Yield what was seen by somebody who may not have known it."""
        for found in self._found:
            if not _may(found):
                sight = found.sight
                yield f"{sight.user_id} was given {found.of} of {found.secret.id} by {sight.road}: {sight.text[:300]}"


def _may(found: _Found) -> bool:
    sight, secret = found.sight, found.secret
    if sight.is_search and found.stands and not found.stands.may_be_open(sight.begun, sight.ended):
        return False
    door = secret.members[sight.user_id]
    if door.may_be_open(sight.begun, sight.ended, sight.side):
        return True
    if (sight.is_end or sight.is_own) and found.of is Of.NAME and door.has_been_open(sight.ended):
        return True
    if sight.is_own and found.author == sight.user_id:
        return True
    return found.of is Of.NAME and secret.public.may_be_open(sight.begun, sight.ended, sight.side)


def told_apart(pairs: Sequence[tuple[float, float]]) -> float:
    """Return how well two kinds of durations, asked for in pairs, are told apart: 0 not at all, 0.5 always.

    It is the distance from a half of the share of pairs in which the first is longer.
    """
    return abs(sum(one > other for one, other in pairs) / len(pairs) - 0.5)
