"""Merges the parts in which FTS5 keeps the words, a little at a time. A word is looked up in each part."""

from typing import Final

from api.search.rows import Rows

PAGES: Final = 1_000
"""So many pages of the index are merged in a round, which takes a tenth of a second."""
UNMERGED: Final = 20_000
UNMERGED_SHARE: Final = 4
"""The parts become one again after so many entries, and one to this share of all that were taken in before."""


class Merging:
    """Which merge is under way. Made for a file whose parts are to become one."""

    def __init__(self) -> None:
        self._pages = -PAGES  # as `Rows.merge` takes them; 0 while nothing is to be merged
        self._unmerged = 0

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to merge."""
        return self._pages != 0

    def note(self, count: int, total: int) -> None:
        """Note that so many entries were taken in, and how many the index has then."""
        self._unmerged += count
        if not self.is_wanted and self._unmerged > max(UNMERGED, total / UNMERGED_SHARE):
            self._pages = -PAGES

    def go_on(self, rows: Rows) -> None:
        """Merge a part, in a transaction."""
        is_begun, has_more = self._pages > 0, rows.merge(self._pages)
        self._pages = PAGES if has_more or not is_begun else 0
        self._unmerged = 0
