"""The row of a changed message in the table `changed`: what its entries up to the seq `as_of` have made of it. Pure.

A row has, for each emoji, the first users who reacted. The others are documents of the table `reactions`, one each, so
that no document grows with their number. What has changed of them lately is in the row itself, as its `recent`. When
there is enough of it, it is *spilled*: first written to `reactions`, then taken out of the row. So `reactions` never
knows more than the row does, and the row tells what `reactions` may not know yet.

Of the replies below a message its row has the number and the newest. If all of these are deleted, those before them are
taken from the log.

A row is of one epoch. One of another epoch is of a life that is over, and counts for nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from api.models.log import SHOWN_REACTORS, Entry, Kind, Reaction
from api.models.previews import preview_data, previews_in
from api.store.fold import NO_PREVIEWS, UNCHANGED, LinkPreviews, Mentions, Replies, State

MAX_RECENT: Final = 32
"""A row with more of `recent` is spilled when it is raised next."""
NEWEST: Final = 8
"""A row has at most so many replies."""


_PLAIN: Final = tuple(
    name for name in State._fields if name not in {"reactions", "replies", "mentions", "previews"}
)
"""The fields of a state that a row has as they are."""


class Who(NamedTuple):
    """A user, and an emoji with which they may have reacted."""

    emoji: str
    user_id: str


class Since(NamedTuple):
    """Since which seq a reaction stands, 0 if it does not, as of the entry that has last changed that."""

    seq: int
    as_of: int


@dataclass(slots=True)
class Reactors:
    """The users who have reacted with one emoji."""

    count: int = 0
    first: list[tuple[str, int]] = field(default_factory=list)
    """The first of them, in the order of reacting, each with the seq of the reaction."""
    is_spilled: bool = False
    """Whether there have ever been others, of whom `reactions` may know."""

    @property
    def is_whole(self) -> bool:
        """Whether all of them are in `first`."""
        return self.count == len(self.first)

    @property
    def is_short(self) -> bool:
        """Whether `first` lacks users that it must show, because others have taken back their reactions."""
        return len(self.first) < min(self.count, SHOWN_REACTORS)

    @property
    def after(self) -> int:
        """The seq after which everybody else has reacted."""
        return self.first[-1][1] if self.first else 0

    def since(self, user_id: str) -> int | None:
        """Return the seq since which a user's reaction stands, 0 if it does not; None if others must tell."""
        seq = next((seq for one, seq in self.first if one == user_id), 0)
        return seq or (0 if self.is_whole else None)


@dataclass(slots=True)
class Changed:
    """A changed message."""

    room_id: str
    seq: int
    epoch: str
    as_of: int = 0
    state: State = UNCHANGED
    """Without reactions and replies."""
    reactors: dict[str, Reactors] = field(default_factory=dict)
    """By emoji, in the order in which they were first used."""
    recent: dict[Who, Since] = field(default_factory=dict)
    reply_count: int = 0
    newest: list[tuple[int, int]] = field(default_factory=list)
    """The newest replies that are not deleted, each with its time, oldest first."""
    gone: set[int] = field(default_factory=set)
    """The replies that were deleted by the entries applied since the row was read."""

    @classmethod
    def read(cls, row: dict[str, Any]) -> "Changed":
        """Read a row. Raises `KeyError`, `TypeError`, `ValueError` for one that we did not write."""
        state = State(**{name: row[name] for name in _PLAIN if name in row})
        if (mentions := row.get("mentions")) is not None:
            user_ids, everybody = mentions
            state = state._replace(mentions=Mentions(tuple(user_ids), everybody))
        if (previews := row.get("previews")) is not None:
            items, removed = previews
            state = state._replace(previews=LinkPreviews(previews_in({"previews": items}), removed))
        room_id, message_seq = row["id"]
        return cls(
            room_id,
            message_seq,
            row["epoch"],
            int(row["as_of"]),
            state,
            {
                emoji: Reactors(count, [(user_id, seq) for user_id, seq in first], is_spilled)
                for emoji, count, first, is_spilled in row["reactions"]
            },
            {Who(emoji, user_id): Since(seq, as_of) for emoji, user_id, seq, as_of in row["recent"]},
            row["reply_count"],
            [(seq, at) for seq, at in row["newest"]],
        )

    def row(self) -> dict[str, Any]:
        """Return the row."""
        return {name: getattr(self.state, name) for name in _PLAIN} | {
            "id": [self.room_id, self.seq],
            "epoch": self.epoch,
            "as_of": self.as_of,
            "reactions": [[emoji, of.count, of.first, of.is_spilled] for emoji, of in self.reactors.items()],
            "recent": [[*who, *since] for who, since in self.recent.items()],
            "mentions": None if self.state.mentions is None else [*self.state.mentions],
            "previews": _previews_field(self.state.previews),
            "reply_count": self.reply_count,
            "newest": self.newest,
        }

    def shown(self) -> State:
        """Return the state with its reactions and replies. Nothing must be `short` of anything."""
        reactions = tuple(
            Reaction(emoji, of.count, tuple(user_id for user_id, _ in of.first[:SHOWN_REACTORS]))
            for emoji, of in self.reactors.items()
        )
        replies = Replies(self.reply_count, *(self.newest[-1] if self.newest else ()))
        return self.state._replace(reactions=reactions, replies=replies)

    # -- applying entries

    def unknown(self, entries: Iterable[Entry], asked_for: Who | None = None) -> set[Who]:
        """Return who must be looked up in `reactions` before these entries are applied, and one more is asked for."""
        asked = {
            Who(str(entry.data["emoji"]), entry.user_id)
            for entry in entries
            if entry.kind == Kind.REACTION and entry.seq > self.as_of
        }
        if asked_for is not None:
            asked.add(asked_for)
        return {who for who in asked if self.since(who) is None}

    def since(self, who: Who) -> int | None:
        """Return the seq since which a reaction stands, 0 if it does not; None if `reactions` must tell."""
        of = self.reactors.get(who.emoji)
        if of is None:
            return 0
        seq = of.since(who.user_id)
        if seq is None and who in self.recent:
            return self.recent[who].seq
        return seq

    def apply(self, entries: Iterable[Entry], stored: Mapping[Who, int]) -> None:
        """Apply entries that change the message, in the order of their seqs. Those up to `as_of` are ignored.

        `stored` has what `reactions` tells of those who are `unknown`. Afterwards `first` and `newest` may lack some,
        who are put there by `refill` and `refill_replies`.
        """
        for entry in entries:
            if entry.seq <= self.as_of:
                continue
            self.as_of = entry.seq
            if entry.data.get("target") != self.seq:
                self._reply(entry)
                continue
            self.state = self.state.after(entry, self.seq)
            if self.state.deleted_by is not None:
                self.reactors.clear()
                self.recent.clear()
            elif entry.kind == Kind.REACTION:
                self._react(entry, stored)

    def _react(self, entry: Entry, stored: Mapping[Who, int]) -> None:
        who = Who(str(entry.data["emoji"]), entry.user_id)
        since = self.since(who)
        is_standing = bool(stored.get(who, 0) if since is None else since)
        if is_standing == entry.data["added"]:
            return
        of = self.reactors.setdefault(who.emoji, Reactors())
        if not is_standing and of.is_whole and of.count < SHOWN_REACTORS:
            of.first.append((entry.user_id, entry.seq))
        elif not is_standing:
            self.recent[who] = Since(entry.seq, entry.seq)
            of.is_spilled = True
        else:
            of.first = [one for one in of.first if one[0] != entry.user_id]
            if of.is_spilled:
                self.recent[who] = Since(0, entry.seq)
        of.count += -1 if is_standing else 1
        if not of.count:
            del self.reactors[who.emoji]

    # -- replies

    def _reply(self, entry: Entry) -> None:
        """Apply a reply, or the deletion of one. They count also where the message itself is deleted."""
        if entry.kind == Kind.MESSAGE:
            self.reply_count += 1
            self.newest = [*self.newest, (entry.seq, entry.at or 0)][-NEWEST:]
        elif entry.kind == Kind.DELETE and isinstance(target := entry.data["target"], int):
            self.reply_count -= 1
            self.newest = [reply for reply in self.newest if reply[0] != target]
            self.gone.add(target)

    @property
    def lacks_replies(self) -> bool:
        """Whether there are replies and none of them is known, as those that were are deleted."""
        return self.reply_count > 0 and not self.newest

    def refill_replies(self, stored: Iterable[tuple[int, int]]) -> None:
        """Note the newest replies. `stored` are those of the log up to `as_of`, newest first."""
        found = sorted((seq, at) for seq, at in stored if seq not in self.gone)
        self.newest = found[-NEWEST:]

    # -- users beyond the first

    def short(self) -> list[str]:
        """Return the emoji of which `first` lacks somebody; see `refill`."""
        return [emoji for emoji, of in self.reactors.items() if of.is_short]

    def refill(self, emoji: str, stored: Iterable[tuple[str, int]]) -> None:
        """Put into `first` who has reacted next. `stored` are those of `reactions` after `Reactors.after`, in order."""
        of = self.reactors[emoji]
        of.first += self.others(emoji, stored)[: min(of.count, SHOWN_REACTORS) - len(of.first)]

    def others(self, emoji: str, stored: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return who has reacted with an emoji after the `first`, with the seqs, in order, as far as `stored` goes."""
        after = self.reactors[emoji].after
        standing = {user_id: seq for user_id, seq in stored if Who(emoji, user_id) not in self.recent}
        standing |= {who.user_id: since.seq for who, since in self.recent.items() if who.emoji == emoji}
        return sorted(((one, seq) for one, seq in standing.items() if seq > after), key=lambda one: one[1])

    def spill(self) -> list[dict[str, Any]]:
        """Take everything out of `recent`, and return the documents of `reactions` that tell it."""
        spilled = [reaction_row(self, who, since) for who, since in self.recent.items()]
        self.recent = {}
        return spilled


def _previews_field(previews: LinkPreviews) -> list[Any] | None:
    return None if previews == NO_PREVIEWS else [preview_data(previews.items), previews.removed]


def reaction_row(changed: Changed, who: Who, since: Since) -> dict[str, Any]:
    """Return the document of `reactions` of one user and emoji."""
    return {
        "id": reaction_key(changed, who),
        "place": [changed.room_id, changed.seq, changed.epoch, who.emoji, since.seq],
        "user_id": who.user_id,
        "as_of": since.as_of,
    }


def reaction_key(changed: Changed, who: Who) -> str:
    """Return the key of such a document. It is a digest, as a key has at most 127 bytes."""
    key = [changed.room_id, changed.seq, changed.epoch, *who]
    return hashlib.sha256(orjson.dumps(key)).hexdigest()[:40]
