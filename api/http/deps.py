"""What a route may ask for."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Query, Request
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordBearer
from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from api.accounts.accounts import Accounts, Client
from api.accounts.admin import Actor, Admin
from api.accounts.identity import Identity
from api.address import Network, client_address
from api.errors import NotFound, Unauthorized
from api.feed import Feed
from api.http.bodies.forms import whole
from api.jobs.erasure import Erasure
from api.limits.caps import Caps
from api.limits.memory import Memory
from api.limits.rates import Rate
from api.limits.throttles import Throttles
from api.metrics import Metrics
from api.models.rooms import Member
from api.realtime.admission import Admission
from api.realtime.commands import Commands
from api.realtime.heartbeats import Heartbeats
from api.realtime.hub import Hub
from api.realtime.replay import Replay
from api.realtime.revocation import Revocation
from api.rooms.policy import Operation
from api.store.base.store import Store
from api.store.reads import Reads


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running server, wired by `main`."""

    store: Store
    reads: Reads
    replay: Replay
    hub: Hub
    revocation: Revocation
    feed: Feed
    heartbeats: Heartbeats
    accounts: Accounts
    admin: Admin
    erasure: Erasure
    commands: Commands
    admission: Admission
    throttles: Throttles
    caps: Caps
    trusted_proxies: tuple[Network, ...]
    command_rate: Rate
    memory: Memory
    metrics: Metrics
    metrics_token: str | None
    origins: frozenset[str]
    production: bool
    session_seconds: int


def services(connection: HTTPConnection) -> Services:
    """Return the running server's parts."""
    return cast("Services", connection.app.state.services)


ServicesDep = Annotated[Services, Depends(services)]


def _store(parts: ServicesDep) -> Store:
    return parts.store


def _accounts(parts: ServicesDep) -> Accounts:
    return parts.accounts


StoreDep = Annotated[Store, Depends(_store)]
AccountsDep = Annotated[Accounts, Depends(_accounts)]

Cursor = Annotated[str | SkipJsonSchema[None], Query(max_length=512)]
Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(whole), Query()]


def _require_memory(parts: ServicesDep) -> None:
    parts.memory.require()


NEEDS_MEMORY = Depends(_require_memory)
"""For a route that must wait while the node is short of memory: it answers 503 then."""

_bearer = OAuth2PasswordBearer("auth/token", auto_error=False)


async def _identity(
    parts: ServicesDep, token: Annotated[str | None, Depends(_bearer)]
) -> AsyncIterator[Identity]:
    if token is None:
        raise Unauthorized
    identity = await parts.commands.identify(token)
    parts.throttles.request(identity.user.id)
    try:
        yield identity
    except NotFound as error:
        raise parts.throttles.missed(identity.user.id, error) from None


IdentityDep = Annotated[Identity, Depends(_identity)]
"""Who the caller is: the bearer of an access token whose session lives. 401 for anyone else.

Who asks too often for what is not there, or not for them, is told to wait instead.
"""


async def _admin(parts: ServicesDep, identity: IdentityDep) -> Admin:
    if not identity.is_admin:
        raise NotFound
    return parts.admin


AdminDep = Annotated[Admin, Depends(_admin)]
"""What an administrator may do. 404 for anyone else who is logged in, as if there were no such path."""


def member_who_may(operation: Operation) -> Any:
    """Depend on the caller's membership of the room in the path, by which they may do something.

    403 for a member who may not; 404 for a non-member, as if there were no such room.
    """

    async def membership(room_id: str, parts: ServicesDep, identity: IdentityDep) -> Member:
        return await parts.commands.member(room_id, identity.user.id, operation)

    return Depends(membership)


CanLeave = Annotated[Member, member_who_may(Operation.LEAVE)]
CanListMembers = Annotated[Member, member_who_may(Operation.LIST_MEMBERS)]
CanRead = Annotated[Member, member_who_may(Operation.READ_LOG)]
CanMarkRead = Annotated[Member, member_who_may(Operation.MARK_READ)]
CanSend = Annotated[Member, member_who_may(Operation.SEND)]
CanSetRole = Annotated[Member, member_who_may(Operation.SET_ROLE)]


def address(connection: HTTPConnection) -> str:
    """Return the address of the client behind a request or a socket."""
    peer = connection.client.host if connection.client else ""
    said = connection.headers.getlist("x-forwarded-for")
    return client_address(peer, said, services(connection).trusted_proxies)


AddressDep = Annotated[str, Depends(address)]


def client(request: Request, address: AddressDep) -> Client:
    """Return where a request comes from."""
    return Client(address or None, request.headers.get("user-agent", ""))


ClientDep = Annotated[Client, Depends(client)]


def _actor(identity: IdentityDep, client: ClientDep) -> Actor:
    return Actor(identity.user.id, client.address)


ActorDep = Annotated[Actor, Depends(_actor)]
"""Who administers, for the audit log."""
