"""Runs the application under uvicorn, in one process or several, on a socket that is bound first."""

import socket
from functools import partial
from typing import Any, Final, cast

import uvicorn

from api.limits.strangers import Networks
from api.protocol.fields import MAX_REQUEST_BYTES
from api.server import descriptors
from api.server.http import BoundedHttp, WaitingConnections
from api.server.supervisor import Supervisor
from api.server.websocket import PING_SECONDS, BoundedWebSocket
from api.server.workers import shared_directory

SHUTDOWN_SECONDS: Final = 5
UNTAKEN_MILLISECONDS: Final = 10_000
"""The protocol's write timeout: the kernel resets a peer that takes nothing for this long."""
BACKLOG: Final = 2048


class PortInUse(Exception):
    """The address cannot be listened on; the message says why."""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address. Raises `PortInUse`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # asyncio switches off Nagle's algorithm only where the protocol is named. With it, the second write of an
        # answer waits 40 ms for the peer's delayed acknowledgement of the first.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MILLISECONDS)
        bound.bind((host, port))
    except OSError as error:
        raise PortInUse(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    bound.set_inheritable(True)
    return bound


class _AnnouncedServer(uvicorn.Server):
    """A server that says so once it serves."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._announcement, flush=True)  # noqa: T201  the person at the terminal waits for this line


def configuration(
    app: Any, *, compression: bool, keep_alive_seconds: int, proxies: Networks = (), **more: Any
) -> uvicorn.Config:
    """Return uvicorn's options for an application. They are set nowhere else.

    Connections of trusted `proxies` may wait for a request in any number.
    """
    waiting = WaitingConnections(descriptors.limit(), proxies)
    return uvicorn.Config(
        app,
        http=cast("type[BoundedHttp]", partial(BoundedHttp, waiting)),  # uvicorn calls it as a class
        ws=BoundedWebSocket,
        ws_max_size=MAX_REQUEST_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=compression,
        server_header=False,
        proxy_headers=False,  # api/address.py reads them, from the proxies that the settings name
        access_log=False,
        log_config=None,
        backlog=BACKLOG,
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **more,
    )


def serve(  # noqa: PLR0913  the options of a server
    bound: socket.socket,
    workers: int,
    announcement: str,
    *,
    compression: bool,
    keep_alive_seconds: int,
    sockets: int,
    proxies: Networks,
) -> bool:
    """Print the announcement once it serves, and serve until told to stop. `sockets` is how many are wanted at once.

    Returns False when the start failed; the reason is logged then.
    """
    descriptors.raise_limit(sockets)
    config = configuration(
        "api.main:app",
        factory=True,
        workers=workers,
        compression=compression,
        keep_alive_seconds=keep_alive_seconds,
        proxies=proxies,
    )
    if workers == 1:
        server = _AnnouncedServer(config, announcement)
        try:
            server.run(sockets=[bound])
        except KeyboardInterrupt:
            # Uvicorn raises it once it has stopped, which is no failure after it has served.
            if not server.started:
                raise
        return server.started
    bound.listen(BACKLOG)
    with shared_directory():
        Supervisor(config, [bound], announcement).run()
    return True
