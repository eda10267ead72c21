"""The bodies of bans, reports and blocks, and of the removal of a user's messages."""

from typing import TypeAlias

from pydantic.json_schema import SkipJsonSchema

from api.http.bodies.accounts import UserOut
from api.http.bodies.forms import Answer, WithChoices
from api.http.bodies.messages import MessageOut
from api.models.moderation import Cleared, ReadReport, ReportState, SeenReport
from api.models.page import Page
from api.models.rooms import Ban
from api.protocol.fields import Epoch, Reason, Strict, timestamp

# -- requests

WantedState: TypeAlias = ReportState | SkipJsonSchema[None]


class NewBan(Strict):
    """Why a user is banned from a room. Only its owners and moderators see it."""

    reason: Reason | None = None


class NewReport(Strict):
    """Why a message is reported. With another `epoch` than the room's nothing is reported."""

    reason: Reason
    epoch: Epoch | None = None


class NewReportState(WithChoices):
    """The state to give a report."""

    state: ReportState


# -- answers


class BanOut(Answer):
    """A user who is banned from a room since `at`. `by` is the id of who banned them."""

    user: UserOut
    by: str
    reason: str | None
    at: str

    @classmethod
    def of(cls, ban: Ban) -> "BanOut":
        """Make it from its record."""
        return cls(user=UserOut.of(ban.user), by=ban.by, reason=ban.reason, at=timestamp(ban.at))


class BansOut(Answer):
    """A page of bans, newest first."""

    items: list[BanOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[Ban]) -> "BansOut":
        """Make it from its record."""
        return cls(items=[BanOut.of(one) for one in page.items], next_cursor=page.next_cursor)


class ClearedOut(Answer):
    """How many messages were deleted. With `has_more`, the same request deletes more."""

    deleted: int
    has_more: bool

    @classmethod
    def of(cls, cleared: Cleared) -> "ClearedOut":
        """Make it from its record."""
        return cls(deleted=cleared.deleted, has_more=cleared.has_more)


class ReportOut(Answer):
    """A report of a message. `room_name` is null where the room is gone, and `reporter` where that user is."""

    id: str
    room_id: str
    room_name: str | None
    seq: int
    reason: str
    state: ReportState
    reporter: UserOut | None
    at: str

    @classmethod
    def of(cls, seen: SeenReport) -> "ReportOut":
        """Make it from its record."""
        report = seen.report
        return cls(
            id=report.id,
            room_id=report.room_id,
            room_name=seen.room_name,
            seq=report.seq,
            reason=report.reason,
            state=report.state,
            reporter=None if seen.reporter is None else UserOut.of(seen.reporter),
            at=timestamp(report.at),
        )


class ReportsOut(Answer):
    """A page of reports, newest first."""

    items: list[ReportOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[SeenReport]) -> "ReportsOut":
        """Make it from its record."""
        return cls(items=[ReportOut.of(one) for one in page.items], next_cursor=page.next_cursor)


class ReadReportOut(ReportOut):
    """A report with its message as it is now, which is null where it is not there any more."""

    message: MessageOut | None

    @classmethod
    def with_message(cls, read: ReadReport) -> "ReadReportOut":
        """Make it from its record."""
        message = None if read.message is None else MessageOut.of(read.message)
        return cls(message=message, **ReportOut.of(read.seen).model_dump())
