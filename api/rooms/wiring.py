"""Makes the room services of a node."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.config import Settings
from api.config.files import place_of_files
from api.files import S3Access, open_file_store
from api.files.addresses import FileAddresses
from api.files.pictures import Pictures
from api.limits.wiring import MEBIBYTE, Limits
from api.models.accounts import Record
from api.models.attachments import FileQuota
from api.models.changes import Tell
from api.rooms.attachments import AttachmentService, FileLimits, FileParts
from api.rooms.avatars import AvatarService
from api.rooms.bans import BanService
from api.rooms.blocks import BlockService
from api.rooms.consumers import ConsumerService
from api.rooms.direct import DirectRooms
from api.rooms.hooks import HookService, MakeBot
from api.rooms.invites import RoomInvites
from api.rooms.members import MemberService, OnLeft
from api.rooms.mentions import MentionService
from api.rooms.message_changes import MessageChanges
from api.rooms.messages import MessageService
from api.rooms.pairs import Pairs
from api.rooms.receipts import Receipts
from api.rooms.reports import ReportQueue, ReportService
from api.rooms.room_changes import OnDeleted, RoomChanges
from api.rooms.rooms import RoomService
from api.rooms.search import FindAccount, SearchService
from api.rooms.sync import SyncService
from api.rooms.typing import TypingService
from api.rooms.webhooks import CheckUrl, OnChanged, WebhookService
from api.rooms.writing import Writing
from api.search.index import SearchIndex
from api.store.base.store import Store
from api.store.reads import BatchedReads


@dataclass(frozen=True, slots=True)
class RoomServices:
    """The room services that routers and sockets use."""

    rooms: RoomService
    members: MemberService
    bans: BanService
    blocks: BlockService
    reports: ReportService
    report_queue: ReportQueue
    direct: DirectRooms
    hooks: HookService
    invites: RoomInvites
    messages: MessageService
    changes: MessageChanges
    mentions: MentionService
    writing: Writing
    room_changes: RoomChanges
    typing: TypingService
    consumers: ConsumerService
    webhooks: WebhookService
    search: SearchService
    sync: SyncService
    attachments: AttachmentService | None
    avatars: AvatarService | None


def wire_files(settings: Settings, secrets: Sequence[str]) -> FileParts | None:
    """Return the parts of files, or None where there are none. `secrets` sign addresses, the first one new ones.

    Raises `Unavailable` where the place for their bytes cannot be used.
    """
    where = place_of_files(settings.files, settings.store)
    if where is None:
        return None
    key = settings.files_key.get_secret_value() if settings.files_key else None
    access = S3Access(
        settings.files_endpoint,
        settings.files_region,
        settings.files_key_id,
        key,
        settings.files_public_endpoint,
    )
    quota = FileQuota(
        settings.user_files_mib * MEBIBYTE,
        settings.all_files_mib * MEBIBYTE,
        settings.user_files,
        settings.all_files,
    )
    return FileParts(
        open_file_store(where, access, settings.files_spool),
        FileAddresses(secrets),
        Pictures(),
        FileLimits(settings.file_mib * MEBIBYTE, quota),
    )


def wire_rooms(  # noqa: PLR0913  their dependencies
    store: Store,
    *,
    reads: BatchedReads,
    limits: Limits,
    on_left: OnLeft,
    on_deleted: OnDeleted,
    tell: Tell,
    record: Record,
    make_bot: MakeBot,
    receipts: bool,
    consumers_per_user: int,
    check_url: CheckUrl,
    on_webhooks_changed: OnChanged,
    search_index: SearchIndex | None,
    find_account: FindAccount,
    files: FileParts | None,
) -> RoomServices:
    """Return the room services."""
    rooms = RoomService(store, limits.throttles, limits.caps)
    pairs = Pairs(store.rooms, reads)
    receipt_rule = Receipts(store.members, pairs, tell, are_on=receipts)
    members = MemberService(
        store, reads, rooms, limits.throttles, limits.caps, on_left, tell, record, receipt_rule
    )
    direct = DirectRooms(store, pairs, rooms, members, limits.throttles, limits.caps)
    writing = Writing(store, members, pairs, limits.throttles, limits.memory)
    mentions = MentionService(store, reads)
    attachments = None if files is None else AttachmentService(store, members, writing, files)
    room_changes, avatars = RoomChanges(store, rooms, members, limits.throttles, on_deleted), None
    if files is not None and attachments is not None:
        avatars = AvatarService(
            store,
            files,
            members,
            room_changes,
            limits.throttles,
            tell,
            on_used=lambda: attachments.on_used(),  # noqa: PLW0108  node.py sets it later
            on_gone=lambda: attachments.on_gone(),  # noqa: PLW0108
        )
    messages = MessageService(store, members, mentions, writing, attachments)
    changes = MessageChanges(store, reads, members, mentions, writing, record, attachments)
    return RoomServices(
        rooms=rooms,
        members=members,
        bans=BanService(store, members, limits.throttles, on_left, record),
        blocks=BlockService(store, members, limits.throttles, record),
        reports=ReportService(store, members, limits.throttles, record),
        report_queue=ReportQueue(store, record),
        direct=direct,
        hooks=HookService(store, members, mentions, writing, limits.throttles, limits.caps, record, make_bot),
        invites=RoomInvites(store, rooms, members, limits.throttles, limits.caps, record),
        messages=messages,
        changes=changes,
        mentions=mentions,
        writing=writing,
        room_changes=room_changes,
        typing=TypingService(members, pairs, limits.throttles, tell),
        consumers=ConsumerService(store, per_user=consumers_per_user),
        webhooks=WebhookService(
            store,
            members,
            limits.throttles,
            limits.caps,
            record,
            check_url=check_url,
            on_changed=on_webhooks_changed,
        ),
        search=SearchService(store, reads, members, limits.throttles, search_index, find_account),
        sync=SyncService(store, rooms, limits.throttles),
        attachments=attachments,
        avatars=avatars,
    )
