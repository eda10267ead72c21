"""The moments at which tests crash a server, by name.

Reaching one does nothing in production. `tests/faults/crashing.py` starts a server that ends itself at one of them, and
the tests then check that every promise still holds.
"""

from enum import StrEnum


class Failpoint(StrEnum):
    """A moment. The comment says what a crash at it leaves behind."""

    BEFORE_APPEND = "before_append"  # nothing is stored, and nothing was acked
    AFTER_APPEND = "after_append"  # the entry is durable, but nobody knows it: a retry must find it
    BEFORE_ACK = "before_ack"  # the same, one layer further out
    BEFORE_BROADCAST = "before_broadcast"  # the entry may have been acked; clients get it by resuming
    BEFORE_FLUSH = "before_flush"  # RethinkDB: the entry is only in its head's tail
    AFTER_FLUSH = (
        "after_flush"  # RethinkDB: the entry is in `batches`, but its effect is not done, or not noted
    )


def reached(_point: Failpoint, /) -> None:
    """Do nothing. Call it as `failpoints.reached`, so that a test can replace it."""
