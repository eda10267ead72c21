"""The services and settings of the running server, which its routes and its socket use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection

from api.accounts.wiring import AccountServices
from api.address import Network
from api.http.bodies.status import OpenDoor, Shown
from api.http.probes import Probes, Recorder
from api.limits.wiring import Limits
from api.realtime.nodes import Nodes
from api.realtime.wiring import Realtime
from api.rooms.wiring import RoomServices


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


async def _running(connection: HTTPConnection) -> Services:
    return services(connection)


ServicesDep = Annotated[Services, Depends(_running)]
"""The services of the running server."""
