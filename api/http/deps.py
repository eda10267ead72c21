"""FastAPI dependencies of the routes: the services that they call, and what these need."""

from typing import Annotated

from fastapi import Depends

from api.accounts.accounts import AccountService
from api.accounts.admin import Admin
from api.accounts.bots import BotService
from api.accounts.invites import InviteService
from api.accounts.room_admin import RoomAdmin
from api.accounts.sessions import SessionService
from api.accounts.signup import SignUpService
from api.accounts.tokens import TokenService
from api.errors import NotFound
from api.http.caller import NEEDS_ADMIN, CallerDep
from api.http.probes import Probes
from api.http.services import HttpSettings, ServicesDep
from api.realtime.nodes import Nodes
from api.realtime.polls import Polls
from api.realtime.presence import Presence
from api.rooms.attachments import Attachment, AttachmentService
from api.rooms.bans import BanService
from api.rooms.blocks import BlockService
from api.rooms.consumers import ConsumerService
from api.rooms.direct import DirectRooms
from api.rooms.hooks import HookService
from api.rooms.invites import RoomInvites
from api.rooms.members import MemberService
from api.rooms.mentions import MentionService
from api.rooms.message_changes import MessageChanges
from api.rooms.messages import MessageService
from api.rooms.reports import ReportQueue, ReportService
from api.rooms.room_changes import RoomChanges
from api.rooms.rooms import RoomService
from api.rooms.search import SearchService
from api.rooms.sync import SyncService
from api.rooms.webhooks import WebhookService

# All dependencies are coroutines: FastAPI calls plain functions on threads, which costs more than most of them do.


async def _accounts(parts: ServicesDep) -> AccountService:
    return parts.accounts.accounts


async def _signups(parts: ServicesDep) -> SignUpService:
    return parts.accounts.signups


async def _sessions(parts: ServicesDep) -> SessionService:
    return parts.accounts.sessions


async def _bots(parts: ServicesDep) -> BotService:
    return parts.accounts.bots


async def _tokens(parts: ServicesDep) -> TokenService:
    return parts.accounts.tokens


async def _rooms(parts: ServicesDep) -> RoomService:
    return parts.rooms.rooms


async def _members(parts: ServicesDep) -> MemberService:
    return parts.rooms.members


async def _bans(parts: ServicesDep) -> BanService:
    return parts.rooms.bans


async def _blocks(parts: ServicesDep) -> BlockService:
    return parts.rooms.blocks


async def _reports(parts: ServicesDep) -> ReportService:
    return parts.rooms.reports


async def _direct(parts: ServicesDep) -> DirectRooms:
    return parts.rooms.direct


async def _hooks(parts: ServicesDep) -> HookService:
    return parts.rooms.hooks


async def _room_invites(parts: ServicesDep) -> RoomInvites:
    return parts.rooms.invites


async def _messages(parts: ServicesDep) -> MessageService:
    return parts.rooms.messages


async def _message_changes(parts: ServicesDep) -> MessageChanges:
    return parts.rooms.changes


async def _room_changes(parts: ServicesDep) -> RoomChanges:
    return parts.rooms.room_changes


async def _mentions(parts: ServicesDep) -> MentionService:
    return parts.rooms.mentions


async def _consumers(parts: ServicesDep) -> ConsumerService:
    return parts.rooms.consumers


async def _polls(parts: ServicesDep) -> Polls:
    return parts.realtime.polls


async def _webhooks(parts: ServicesDep) -> WebhookService:
    return parts.rooms.webhooks


async def _search(parts: ServicesDep) -> SearchService:
    return parts.rooms.search


async def _sync(parts: ServicesDep) -> SyncService:
    return parts.rooms.sync


async def _attachments(parts: ServicesDep) -> AttachmentService:
    if parts.rooms.attachments is None:
        raise NotFound
    return parts.rooms.attachments


async def _presence(parts: ServicesDep) -> Presence:
    return parts.realtime.presence


async def _probes(parts: ServicesDep) -> Probes:
    return parts.probes


async def _nodes(parts: ServicesDep) -> Nodes:
    return parts.nodes


async def _settings(parts: ServicesDep) -> HttpSettings:
    return parts.settings


AccountsDep = Annotated[AccountService, Depends(_accounts)]
SignUpsDep = Annotated[SignUpService, Depends(_signups)]
SessionsDep = Annotated[SessionService, Depends(_sessions)]
BotsDep = Annotated[BotService, Depends(_bots)]
TokensDep = Annotated[TokenService, Depends(_tokens)]
RoomsDep = Annotated[RoomService, Depends(_rooms)]
MembersDep = Annotated[MemberService, Depends(_members)]
BansDep = Annotated[BanService, Depends(_bans)]
BlocksDep = Annotated[BlockService, Depends(_blocks)]
ReportsDep = Annotated[ReportService, Depends(_reports)]
DirectDep = Annotated[DirectRooms, Depends(_direct)]
HooksDep = Annotated[HookService, Depends(_hooks)]
RoomInvitesDep = Annotated[RoomInvites, Depends(_room_invites)]
MessagesDep = Annotated[MessageService, Depends(_messages)]
MessageChangesDep = Annotated[MessageChanges, Depends(_message_changes)]
RoomChangesDep = Annotated[RoomChanges, Depends(_room_changes)]
MentionsDep = Annotated[MentionService, Depends(_mentions)]
ConsumersDep = Annotated[ConsumerService, Depends(_consumers)]
PollsDep = Annotated[Polls, Depends(_polls)]
WebhooksDep = Annotated[WebhookService, Depends(_webhooks)]
SyncDep = Annotated[SyncService, Depends(_sync)]
SearchDep = Annotated[SearchService, Depends(_search)]
AttachmentsDep = Annotated[AttachmentService, Depends(_attachments)]
NodesDep = Annotated[Nodes, Depends(_nodes)]
PresenceDep = Annotated[Presence, Depends(_presence)]
ProbesDep = Annotated[Probes, Depends(_probes)]
HttpSettingsDep = Annotated[HttpSettings, Depends(_settings)]


async def _require_memory(parts: ServicesDep) -> None:
    parts.limits.memory.require()


NEEDS_MEMORY = Depends(_require_memory)
"""A dependency that makes a route answer 503 while the node is short of memory."""


async def _own_file(file_id: str, identity: CallerDep, parts: ServicesDep) -> Attachment:
    own = await (await _attachments(parts)).own(identity.user.id, file_id)
    identity.require_room(own.room_id)
    return own


OwnFileDep = Annotated[Attachment, Depends(_own_file)]
"""A file that the caller has uploaded, or is uploading, and that no message has."""


async def _admin(parts: ServicesDep, _allowed: Annotated[None, NEEDS_ADMIN]) -> Admin:
    return parts.accounts.admin


async def _invites(parts: ServicesDep, _allowed: Annotated[None, NEEDS_ADMIN]) -> InviteService:
    return parts.accounts.invites


async def _room_admin(parts: ServicesDep, _allowed: Annotated[None, NEEDS_ADMIN]) -> RoomAdmin:
    return parts.accounts.rooms


async def _all_reports(parts: ServicesDep, _allowed: Annotated[None, NEEDS_ADMIN]) -> ReportQueue:
    return parts.rooms.report_queue


RoomAdminDep = Annotated[RoomAdmin, Depends(_room_admin)]
"""The administration of rooms, for administrators."""
AdminDep = Annotated[Admin, Depends(_admin)]
"""The administration of accounts, for administrators."""
InvitesDep = Annotated[InviteService, Depends(_invites)]
"""The invites to the server, for administrators."""
AllReportsDep = Annotated[ReportQueue, Depends(_all_reports)]
"""The reports of all rooms, for administrators."""
