"""The moments at which tests crash a server, by name.

Reaching one does nothing in production. `tests/faults/crashing.py` starts a server that ends itself at one of them, and
the tests then check that every promise still holds.
"""

from enum import StrEnum


class Failpoint(StrEnum):
    """A moment. The comment says what a crash at it leaves behind."""

    BEFORE_APPEND = "before_append"  # nothing is stored, and nothing was acked
    AFTER_APPEND = "after_append"  # durable, and nobody knows: a retry must find it
    BEFORE_ACK = "before_ack"  # the same, one layer further out
    BEFORE_BROADCAST = "before_broadcast"  # acked, perhaps; others get it by resuming
    BEFORE_FLUSH = "before_flush"  # RethinkDB: only the head's tail has it
    AFTER_FLUSH = "after_flush"  # RethinkDB: in `batches`, but what it means is not carried out, or not noted


def reached(_point: Failpoint, /) -> None:
    """Do nothing. Call it as `failpoints.reached`, so that a test can replace it."""
