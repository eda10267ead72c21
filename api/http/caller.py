"""Who sends a request, from where, and with which rights: what routes ask before they call a service."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Annotated, cast

import structlog
from fastapi import Depends, Request
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordBearer

from api.accounts.admin import Actor
from api.accounts.identity import Client, Identity
from api.accounts.scopes import LOG_IN
from api.address import client_address
from api.errors import NotFound, TokenMissing
from api.http.plan import ANSWERING
from api.http.problems import ON_MISSING
from api.http.scopes import needs_of
from api.http.services import ServicesDep, services
from api.rooms.writing import Author


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


_Token = Annotated[str | None, Depends(OAuth2PasswordBearer("auth/token", auto_error=False))]


async def identify_caller(request: Request, parts: ServicesDep, token: _Token) -> Identity:
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


async def _still(request: Request, parts: ServicesDep, token: _Token) -> Callable[[], Awaitable[object]]:
    async def still() -> None:
        await parts.accounts.authenticator.identify(token or "", address(request))

    return still


StillDep = Annotated[Callable[[], Awaitable[object]], Depends(_still)]
"""Raises `Unauthorized` when the caller's token does not count any more, for routes that wait."""


async def _answering(request: Request) -> AsyncExitStack:
    return cast("AsyncExitStack", request.scope[ANSWERING])


AnsweringDep = Annotated[AsyncExitStack, Depends(_answering)]
"""What is entered here ends when the answer has been sent."""


async def _reader(parts: ServicesDep, caller: CallerDep, answering: AnsweringDep) -> Identity:
    await answering.enter_async_context(parts.limits.answers.under_way(caller.user.id))
    return caller


ReaderDep = Annotated[Identity, Depends(_reader)]
"""The caller's identity like `IdentityDep`, for a route that reads by POST: it waits for its turn as GET does."""


async def _identity(
    request: Request, parts: ServicesDep, caller: CallerDep, answering: AnsweringDep
) -> Identity:
    return await _reader(parts, caller, answering) if request.method in {"GET", "HEAD"} else caller


IdentityDep = Annotated[Identity, Depends(_identity)]
"""The caller's identity, proven by a token whose session has not ended. 401 for anyone else.

A token of a program may do what `api/http/scopes.py` says beside the route, and nothing where that says nothing. A room
outside those to which it is bound is 404. A caller who gets too many 404s gets 429 instead. Reads wait where too many
answers are under way, and are refused while the node is short of memory.
"""


async def _author(identity: IdentityDep) -> Author:
    return Author(identity.user.id)


AuthorDep = Annotated[Author, Depends(_author)]
"""The caller as one who writes to rooms."""


async def _require_admin(identity: IdentityDep) -> None:
    if not identity.is_admin:
        raise NotFound


NEEDS_ADMIN = Depends(_require_admin)
"""A dependency that makes a route answer 404, as if the path did not exist, to who is no administrator."""


async def _actor(identity: IdentityDep, client: ClientDep) -> Actor:
    return Actor(identity.user.id, client.address)


ActorDep = Annotated[Actor, Depends(_actor)]
"""The administrator who acts, for the audit log."""
