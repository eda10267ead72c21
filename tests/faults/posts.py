"""What a receiver of a webhook has noted, and what is wrong with that. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

MOST_REFUSALS: Final = 6
"""Only what was refused so often may be left out (docs/protocol.md, Webhooks)."""


class Reply(Enum):
    """How a receiver answers."""

    TAKEN = "200"
    SLOW = "200 after a while"
    DOWN = "500"
    MOVED = "301"
    REFUSED = "400"
    GONE = "410"
    LATE = "200 when nobody waits for it any more"
    CUT = "nothing, the connection ends"
    HALF = "a part of an answer"


TAKING: Final = frozenset({Reply.TAKEN, Reply.SLOW})


@dataclass
class Post:
    """One request. `is_taken` says that the whole answer 200 was written before anybody ended the connection."""

    id: str
    type: str
    epoch: str
    seq: int
    at: float
    data: dict[str, Any]
    reply: Reply
    is_taken: bool = False
    # Whether whoever has posted knows the answer. It does not where it was killed, or the receiver was.
    is_sure: bool = True


@dataclass
class Inbox:
    """What came to one webhook, in the order in which it came. Times are seconds by one clock."""

    name: str
    start: int  # the seq after which the webhook begins
    is_ended: bool = False
    ended_at: float | None = None
    posts: list[Post] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)  # when its owner let it go on
    wrong: list[str] = field(default_factory=list)  # what was no post at all

    def settled(self) -> set[int]:
        """Return the seqs that were taken, or refused so often that they may be left out."""
        return {one.seq for one in self.posts if one.is_taken} | {
            one.seq for one in self.posts if self._refusals(one.seq) >= MOST_REFUSALS
        }

    def _refusals(self, seq: int) -> int:
        return sum(one.seq == seq and one.reply is Reply.REFUSED for one in self.posts)

    def doubled(self) -> int:
        """Return how many posts came of what had surely been taken already, also before `start`."""
        taken, count = set[int](), 0
        for one in self.posts:
            count += one.seq in taken or one.seq <= self.start
            if one.is_taken and one.is_sure:
                taken.add(one.seq)
        return count


def wrong_posts(
    inbox: Inbox, log: Sequence[dict[str, Any]], *, may_double: int, end_seconds: float
) -> Iterator[str]:
    """Yield what is wrong with the posts of a webhook.

    `log` is the room's log, at least as far back as anything is posted again, each entry once. So many posts may come
    twice as `may_double` says, and until `end_seconds` after its end one that had begun before. While a node is killed
    or paused (`may_double`), a post may come after a 410, too, as nobody may have noted that.
    """
    name = inbox.name
    yield from (f"{name}: {what}" for what in inbox.wrong)
    yield from (f"{name}: {what}" for what in _wrong_ids(inbox.posts))
    yield from (f"{name}: {what}" for what in _wrong_order(inbox))
    entries = {one["seq"]: one for one in log}
    for one in inbox.posts:
        entry = entries.get(one.seq)
        if entry is None or (one.type, one.data["at"]) != (f"room.{entry['type']}", entry["at"]):
            yield f"{name}: the post of {one.seq} is not what the log has there"
    wanted = {seq for seq in entries if seq > inbox.start}
    if not inbox.is_ended and (missing := sorted(wanted - inbox.settled())):
        yield f"{name}: {len(missing)} entries never came: {missing[:20]}"
    if (doubled := inbox.doubled()) > may_double:
        yield f"{name}: {doubled} posts came again of what had been taken, at most {may_double} may"
    if inbox.ended_at is not None:
        late = [one.seq for one in inbox.posts if one.at > inbox.ended_at + end_seconds]
        if late:
            yield f"{name}: {len(late)} posts after its end: {late[:20]}"
    if not may_double:
        yield from (f"{name}: {what}" for what in _after_gone(inbox))


def _wrong_ids(posts: Sequence[Post]) -> Iterator[str]:
    ids: dict[tuple[str, int], set[str]] = {}
    for one in posts:
        ids.setdefault((one.epoch, one.seq), set()).add(one.id)
    for (_, seq), found in ids.items():
        if len(found) > 1:
            yield f"{seq} came under {len(found)} ids"
    known = [next(iter(found)) for found in ids.values()]
    if len(set(known)) < len(known):
        yield "two entries came under one id"


def _wrong_order(inbox: Inbox) -> Iterator[str]:
    """An entry comes for the first time when the one before it is settled, and not before."""
    reached, refusals, settled = inbox.start, 0, True
    for one in inbox.posts:
        if one.seq <= reached:
            if one.seq == reached:
                refusals += one.reply is Reply.REFUSED
                settled = settled or one.is_taken or refusals >= MOST_REFUSALS
            continue
        if one.seq != reached + 1:
            yield f"{one.seq} came after {reached}"
        elif not settled:
            yield f"{one.seq} came before {reached} was taken"
        reached, refusals = one.seq, int(one.reply is Reply.REFUSED)
        settled = one.is_taken


def _after_gone(inbox: Inbox) -> Iterator[str]:
    gone: Post | None = None
    for one in inbox.posts:
        if gone is not None and not any(gone.at < at < one.at for at in inbox.resumed):
            yield f"{one.seq} came after 410, and nobody had let it go on"
        gone = one if one.reply is Reply.GONE else None
