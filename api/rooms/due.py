"""What a reader is due in a room: from which seq on, whether it must be told of a reset, and what fits a page. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from api.models.consumers import Given, GivenUpTo
from api.models.followers import Progress
from api.models.log import Entry


class Due(NamedTuple):
    """A room that has something for a reader, from the seq after `after` on.

    `is_reset` says that what was given up to there may be of an earlier life of the log.
    """

    progress: Progress
    after: int
    is_reset: bool

    @property
    def lag(self) -> int:
        """How many entries the reader is behind."""
        return 0 if self.progress.is_deleted else max(0, self.progress.head.seq - self.after)

    @property
    def has_news(self) -> bool:
        """Whether there is anything to tell the reader."""
        if self.progress.is_deleted:
            return self.progress.position is not None
        return self.lag > 0 or self.is_reset


def due_in(progress: Progress, begin: int, *, is_reset: bool) -> Due:
    """Return where a reader goes on in a room. Without a position it is after `begin`, and `is_reset` counts."""
    position = progress.position
    if position is None:
        return Due(progress, begin, is_reset and progress.began > begin)
    return Due(progress, progress.reached or 0, position.epoch != progress.head.epoch)


def given_of(due: Due, entries: Sequence[Entry]) -> Given:
    """Return what a reader is given of a room with these entries."""
    head = due.progress.head
    if due.progress.is_deleted:
        return Given(GivenUpTo(head.room_id, None, 0), is_deleted=True)
    seq = entries[-1].seq if entries else due.after
    return Given(GivenUpTo(head.room_id, head.epoch, seq), entries, due.after if due.is_reset else None)


def fitting_of(entries: Sequence[Entry], space: int, *, is_first: bool) -> tuple[list[Entry], int]:
    """Return the entries that fit into so many bytes, and how many are left. The first of a page always fits."""
    fitting = list[Entry]()
    for entry in entries:
        space -= len(orjson.dumps(entry.data))
        if space < 0 and (fitting or not is_first):
            break
        fitting.append(entry)
    return fitting, space
