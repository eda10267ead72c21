"""Reports of messages to the administrators, and the removal of all messages of a user."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from api.models.accounts import User
from api.models.log import Message


class ReportState(StrEnum):
    """Whether the administrators have done with a report."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Report:
    """A user told the administrators of a message. The report names it, and never holds its text.

    `seq` is that of the message in the room's `epoch`. `at` is in milliseconds since 1970.
    """

    id: str
    room_id: str
    epoch: str
    seq: int
    reporter_id: str
    reason: str
    at: int
    state: ReportState = ReportState.OPEN


class SeenReport(NamedTuple):
    """A report as administrators see it. Without a `room_name` the room is gone, without a `reporter` that user."""

    report: Report
    room_name: str | None
    reporter: User | None


class ReadReport(NamedTuple):
    """A report and its message as it is now, or None if that is not there any more."""

    seen: SeenReport
    message: Message | None


class Cleared(NamedTuple):
    """How many messages of a user were deleted at once, and whether there may be more to delete."""

    deleted: int
    has_more: bool
