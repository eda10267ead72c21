"""Takes reports of messages from members, and shows them to administrators."""

import asyncio
import hashlib

import orjson

from api.clock import now_ms
from api.errors import Deleted, EpochChanged, NotFound
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record, User
from api.models.moderation import ReadReport, Report, ReportState, SeenReport
from api.models.page import Page
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.store.base.store import Store


class ReportService:
    """Takes the reports of members."""

    def __init__(self, store: Store, members: MemberService, throttles: Throttles, record: Record) -> None:
        self._store = store
        self._members = members
        self._throttles = throttles
        self._record = record

    async def report(  # noqa: PLR0913, PLR0917  the fields of the request
        self, by: User, room_id: str, seq: int, reason: str, epoch: str | None, address: str | None
    ) -> None:
        """Report a message. Repeating it changes nothing.

        Raises what `MemberService.require` raises, `RateLimited`, `EpochChanged` if `epoch` is given and is not the
        room's, `NotFound` for a seq that is no message's, and `Deleted`.
        """
        await self._members.require(room_id, by.id, Operation.REPORT)
        self._throttles.send(by.id)
        head = (await self._store.log.heads([room_id])).get(room_id)
        if head is None:
            raise NotFound
        if epoch not in {None, head.epoch}:
            raise EpochChanged
        message = await self._store.log.message(room_id, seq)
        if message is None:
            raise NotFound
        if message.deleted:
            raise Deleted
        id_ = _id_of(room_id, head.epoch, seq, by.id)
        report = Report(id_, room_id, head.epoch, seq, by.id, reason, now_ms())
        if await self._store.reports.create(report):
            await self._record(
                Audited.REPORTED,
                actor_id=by.id,
                subject_id=message.user_id,
                address=address,
                room_id=room_id,
            )


class ReportQueue:
    """The reports of all rooms, for administrators. It does not check who asks; `by` is None on the command line."""

    def __init__(self, store: Store, record: Record) -> None:
        self._store = store
        self._record = record

    async def all(self, *, state: ReportState | None, cursor: str | None, limit: int) -> Page[SeenReport]:
        """List the reports, newest first: all, or those in a state. Raises `BadCursor`."""
        page = await self._store.reports.all(state=state, cursor=cursor, limit=limit)
        return Page(await self._seen(page.items), page.next_cursor)

    async def read(self, report_id: str, by: str | None, address: str | None) -> ReadReport:
        """Return a report with its message, also one of a private room. That is recorded. Raises `NotFound`."""
        report = await self._store.reports.get(report_id)
        if report is None:
            raise NotFound
        (seen,) = await self._seen([report])
        head = (await self._store.log.heads([report.room_id])).get(report.room_id)
        message = None
        if head is not None and head.epoch == report.epoch:  # else the seq is another message's
            message = await self._store.log.message(report.room_id, report.seq)
        subject_id = None if message is None else message.user_id
        await self._record(
            Audited.REPORT_READ,
            actor_id=by,
            subject_id=subject_id,
            address=address,
            room_id=report.room_id,
        )
        return ReadReport(seen, message)

    async def set_state(
        self, report_id: str, state: ReportState, by: str | None, address: str | None
    ) -> SeenReport:
        """Close a report, or open it again. Raises `NotFound`."""
        report = await self._store.reports.set_state(report_id, state)
        event = Audited.REPORT_CLOSED if state is ReportState.CLOSED else Audited.REPORT_REOPENED
        await self._record(
            event, actor_id=by, subject_id=report.reporter_id, address=address, room_id=report.room_id
        )
        (seen,) = await self._seen([report])
        return seen

    async def _seen(self, reports: list[Report]) -> list[SeenReport]:
        room_ids = list({report.room_id for report in reports})
        rooms = await asyncio.gather(*map(self._store.rooms.get, room_ids))
        accounts = await self._store.accounts.get_many(list({report.reporter_id for report in reports}))
        names = {room.id: room.name for room in rooms if room is not None}
        return [
            SeenReport(
                report,
                names.get(report.room_id),
                accounts[report.reporter_id].user if report.reporter_id in accounts else None,
            )
            for report in reports
        ]


def _id_of(room_id: str, epoch: str, seq: int, reporter_id: str) -> str:
    """Return the id of the one report that a user may make of a message."""
    return hashlib.sha256(orjson.dumps([room_id, epoch, seq, reporter_id])).hexdigest()[:32]
