"""FastAPI dependencies of the routes: the caller, the caller's address, and the services."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Annotated, cast

import structlog
from fastapi import Depends, Request
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordBearer

from api.accounts.accounts import AccountService
from api.accounts.admin import Actor, Admin
from api.accounts.bots import BotService
from api.accounts.identity import Client, Identity
from api.accounts.invites import InviteService
from api.accounts.room_admin import RoomAdmin
from api.accounts.scopes import LOG_IN
from api.accounts.sessions import SessionService
from api.accounts.signup import SignUpService
from api.accounts.tokens import TokenService
from api.accounts.wiring import AccountServices
from api.address import Network, client_address
from api.errors import NotFound, TokenMissing
from api.http.bodies.status import OpenDoor, Shown
from api.http.plan import ANSWERING
from api.http.probes import Probes, Recorder
from api.http.problems import ON_MISSING
from api.http.scopes import needs_of
from api.limits.wiring import Limits
from api.realtime.nodes import Nodes
from api.realtime.polls import Polls
from api.realtime.presence import Presence
from api.realtime.wiring import Realtime
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
from api.rooms.wiring import RoomServices
from api.rooms.writing import Author


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The settings that routes and sockets need.

    This server answers at the names in `hosts`, or at all where it is None. The session cookie lives for
    `session_seconds`. /metrics requires `metrics_token`, unless that is None. Links begin with `url`. Administrators
    may see the settings that are `shown`, and the doors that they leave open.
    """

    origins: frozenset[str]
    hosts: frozenset[str] | None
    trusted_proxies: tuple[Network, ...]
    production: bool
    session_seconds: int
    metrics_token: str | None
    name: str
    url: str
    subscriptions: int
    store_kind: str
    shown: Sequence[Shown]
    open_doors: Sequence[OpenDoor]
    receipts: bool
    search: bool
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a running server that routes and sockets use. `node.py` makes them."""

    accounts: AccountServices
    rooms: RoomServices
    realtime: Realtime
    limits: Limits
    nodes: Nodes
    probes: Probes
    recorder: Recorder
    settings: HttpSettings


def services(connection: HTTPConnection) -> Services:
    """Return the running server's services."""
    return cast("Services", connection.app.state.services)


# All dependencies are coroutines: FastAPI calls plain functions on threads, which costs more than most of them do.


async def _running(connection: HTTPConnection) -> Services:
    return services(connection)


_Services = Annotated[Services, Depends(_running)]


async def _accounts(parts: _Services) -> AccountService:
    return parts.accounts.accounts


async def _signups(parts: _Services) -> SignUpService:
    return parts.accounts.signups


async def _sessions(parts: _Services) -> SessionService:
    return parts.accounts.sessions


async def _bots(parts: _Services) -> BotService:
    return parts.accounts.bots


async def _tokens(parts: _Services) -> TokenService:
    return parts.accounts.tokens


async def _rooms(parts: _Services) -> RoomService:
    return parts.rooms.rooms


async def _members(parts: _Services) -> MemberService:
    return parts.rooms.members


async def _bans(parts: _Services) -> BanService:
    return parts.rooms.bans


async def _blocks(parts: _Services) -> BlockService:
    return parts.rooms.blocks


async def _reports(parts: _Services) -> ReportService:
    return parts.rooms.reports


async def _direct(parts: _Services) -> DirectRooms:
    return parts.rooms.direct


async def _hooks(parts: _Services) -> HookService:
    return parts.rooms.hooks


async def _room_invites(parts: _Services) -> RoomInvites:
    return parts.rooms.invites


async def _messages(parts: _Services) -> MessageService:
    return parts.rooms.messages


async def _message_changes(parts: _Services) -> MessageChanges:
    return parts.rooms.changes


async def _room_changes(parts: _Services) -> RoomChanges:
    return parts.rooms.room_changes


async def _mentions(parts: _Services) -> MentionService:
    return parts.rooms.mentions


async def _consumers(parts: _Services) -> ConsumerService:
    return parts.rooms.consumers


async def _polls(parts: _Services) -> Polls:
    return parts.realtime.polls


async def _webhooks(parts: _Services) -> WebhookService:
    return parts.rooms.webhooks


async def _search(parts: _Services) -> SearchService:
    return parts.rooms.search


async def _sync(parts: _Services) -> SyncService:
    return parts.rooms.sync


async def _attachments(parts: _Services) -> AttachmentService:
    if parts.rooms.attachments is None:
        raise NotFound
    return parts.rooms.attachments


async def _presence(parts: _Services) -> Presence:
    return parts.realtime.presence


async def _probes(parts: _Services) -> Probes:
    return parts.probes


async def _nodes(parts: _Services) -> Nodes:
    return parts.nodes


async def _settings(parts: _Services) -> HttpSettings:
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


async def _require_memory(parts: _Services) -> None:
    parts.limits.memory.require()


NEEDS_MEMORY = Depends(_require_memory)
"""A dependency that makes a route answer 503 while the node is short of memory."""

_bearer = OAuth2PasswordBearer("auth/token", auto_error=False)


_Token = Annotated[str | None, Depends(_bearer)]


async def identify_caller(request: Request, parts: _Services, token: _Token) -> Identity:
    """Return the identity of who sends a request. `IdentityDep` says more."""
    if not token:
        raise TokenMissing
    identity = await parts.accounts.authenticator.identify(token, address(request))
    structlog.contextvars.bind_contextvars(user_id=identity.user.id)  # for the request log
    parts.limits.throttles.request(identity.user.id)
    identity.require(needs_of(request.scope["endpoint"]) or LOG_IN)
    request.scope[ON_MISSING] = partial(parts.limits.throttles.missed, identity.user.id)
    if (room_id := request.path_params.get("room_id")) is not None:
        identity.require_room(room_id)
    return identity


CallerDep = Annotated[Identity, Depends(identify_caller)]
"""The caller's identity like `IdentityDep`, for routes that wait: they count their answer themselves."""


async def _still(request: Request, parts: _Services, token: _Token) -> Callable[[], Awaitable[object]]:
    async def still() -> None:
        await parts.accounts.authenticator.identify(token or "", address(request))

    return still


StillDep = Annotated[Callable[[], Awaitable[object]], Depends(_still)]
"""Raises `Unauthorized` when the caller's token does not count any more, for routes that wait."""


async def _answering(request: Request) -> AsyncExitStack:
    return cast("AsyncExitStack", request.scope[ANSWERING])


AnsweringDep = Annotated[AsyncExitStack, Depends(_answering)]
"""What is entered here ends when the answer has been sent."""


async def _identity(
    request: Request, parts: _Services, caller: CallerDep, answering: AnsweringDep
) -> Identity:
    if request.method in {"GET", "HEAD"}:
        await answering.enter_async_context(parts.limits.answers.under_way(caller.user.id))
    return caller


IdentityDep = Annotated[Identity, Depends(_identity)]
"""The caller's identity, proven by a token whose session has not ended. 401 for anyone else.

A token of a program may do what `api/http/scopes.py` says beside the route, and nothing where that says nothing. A room
outside those to which it is bound is 404. A caller who gets too many 404s gets 429 instead. Reads wait where too many
answers are under way, and are refused while the node is short of memory.
"""


async def _own_file(file_id: str, identity: CallerDep, parts: _Services) -> Attachment:
    own = await (await _attachments(parts)).own(identity.user.id, file_id)
    identity.require_room(own.room_id)
    return own


OwnFileDep = Annotated[Attachment, Depends(_own_file)]
"""A file that the caller has uploaded, or is uploading, and that no message has."""


async def _author(identity: IdentityDep) -> Author:
    return Author(identity.user.id)


AuthorDep = Annotated[Author, Depends(_author)]
"""The caller as one who writes to rooms."""


async def _require_admin(identity: IdentityDep) -> None:
    if not identity.is_admin:
        raise NotFound


NEEDS_ADMIN = Depends(_require_admin)
"""A dependency that makes a route answer 404, as if the path did not exist, to who is no administrator."""


async def _admin(parts: _Services, _allowed: Annotated[None, NEEDS_ADMIN]) -> Admin:
    return parts.accounts.admin


async def _invites(parts: _Services, _allowed: Annotated[None, NEEDS_ADMIN]) -> InviteService:
    return parts.accounts.invites


async def _room_admin(parts: _Services, _allowed: Annotated[None, NEEDS_ADMIN]) -> RoomAdmin:
    return parts.accounts.rooms


async def _all_reports(parts: _Services, _allowed: Annotated[None, NEEDS_ADMIN]) -> ReportQueue:
    return parts.rooms.report_queue


RoomAdminDep = Annotated[RoomAdmin, Depends(_room_admin)]
"""The administration of rooms, for administrators."""
AdminDep = Annotated[Admin, Depends(_admin)]
"""The administration of accounts, for administrators."""
InvitesDep = Annotated[InviteService, Depends(_invites)]
"""The invites to the server, for administrators."""

AllReportsDep = Annotated[ReportQueue, Depends(_all_reports)]
"""The reports of all rooms, for administrators."""


def address(connection: HTTPConnection) -> str:
    """Return the client's address of a request or a socket, also behind trusted proxies."""
    peer = connection.client.host if connection.client else ""
    said = connection.headers.getlist("x-forwarded-for")
    return client_address(peer, said, services(connection).settings.trusted_proxies)


async def _address(connection: HTTPConnection) -> str:
    return address(connection)


AddressDep = Annotated[str, Depends(_address)]


async def client(request: Request, address: AddressDep) -> Client:
    """Return the address and the User-Agent of a request."""
    return Client(address or None, request.headers.get("user-agent", ""))


ClientDep = Annotated[Client, Depends(client)]


async def _actor(identity: IdentityDep, client: ClientDep) -> Actor:
    return Actor(identity.user.id, client.address)


ActorDep = Annotated[Actor, Depends(_actor)]
"""The administrator who acts, for the audit log."""
