"""The moments at which a crash has been thought of, by name.

Passing one does nothing. `tests/faults/crashing.py` starts a server in which one of them ends the process, and
sees that what was promised still holds.
"""

from enum import StrEnum


class Failpoint(StrEnum):
    """A moment, named after what a crash there leaves behind."""

    BEFORE_APPEND = "before_append"  # nothing is stored, and nothing was acked
    AFTER_APPEND = "after_append"  # durable, and nobody knows: a retry must find it
    BEFORE_ACK = "before_ack"  # the same, one layer further out
    BEFORE_BROADCAST = "before_broadcast"  # acked, perhaps; others get it by resuming
    BEFORE_FLUSH = "before_flush"  # RethinkDB: only the head's tail has it
    AFTER_FLUSH = "after_flush"  # RethinkDB: in `batches`, but what it means is not carried out, or not noted


def reached(_point: Failpoint, /) -> None:
    """Pass a moment. To be called as `failpoints.reached`, so that a test can put something else in its place."""
