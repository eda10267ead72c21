"""L11: a reader who asks for much and takes nothing of it, beside somebody who only wants to chat."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect

from tests.faults.case import BOTH, Round, Rounds, case
from tests.faults.client import Account
from tests.faults.machine import Api
from tests.faults.scene import Scene
from tests.node import PASSWORD

MEBIBYTE = 1024 * 1024
LOBBY = "/rooms/lobby"
MESSAGES = 520
LONGEST = "\x01" * 3_999 + "x"  # 24 KB as JSON
UNREAD = 60
WATCHED_SECONDS = 15.0
"""Longer than the 10 s for which an answer is kept of which nothing is taken."""


@case(
    "L11",
    "60 requests for 500 entries of 24 KB, by one user who reads nothing",
    stores=BOTH,
    long=2,
    promise="memory + <= 64 MiB, also with TAILWIRE_MEMORY_MIB=300; others send, log in and connect",
)
async def unread_answers(scene: Scene, rounds: Rounds) -> None:
    for one in rounds:
        limited = {"TAILWIRE_MEMORY_MIB": "300"} if one.number % 2 else {}
        async with scene.nodes(1, settings=limited) as (node,):
            eve = await node.sign_up(f"eve{one.number}")
            bob = await node.sign_up(f"bob{one.number}")
            for number in range(0, MESSAGES, 20):
                await asyncio.gather(*(_say(node, eve, f"{number + n}", LONGEST) for n in range(20)))
            before = node.memory_bytes()
            async with _unread(node, eve):
                await _watch(one, node, bob, before)
        one.require(node.tracebacks() == 0, f"a traceback in {node.log}")


async def _watch(one: Round, node: Api, bob: Account, before: int) -> None:
    most, slowest, count = before, 0.0, 0
    until = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        await _say(node, bob, f"b{count}", "hello")
        await node.ask("GET", f"{LOBBY}/log?limit=5", bob)
        headers = {"Authorization": f"Bearer {bob.access_token}"}
        async with connect(node.ws_url, additional_headers=headers) as listener:
            one.require("ready" in str(await listener.recv()), "no ready")
        if not count % 10:
            credentials = {"username": bob.username, "password": PASSWORD}
            await node.ask("POST", "/auth/login", json=credentials)
        slowest = max(slowest, time.monotonic() - began)
        most = max(most, node.memory_bytes())
        count += 1
        await asyncio.sleep(0.1)
    one.took("memory growth MiB", (most - before) / MEBIBYTE, at_most=64)
    one.took("slowest turn of a bystander s", slowest, at_most=5)


async def _say(node: Api, account: Account, ref: str, body: str) -> None:
    await node.ask("POST", f"{LOBBY}/messages", account, json={"ref": ref, "body": body})


@asynccontextmanager
async def _unread(node: Api, account: Account) -> AsyncIterator[None]:
    """Hold connections that have asked for the log and read nothing."""
    loop = asyncio.get_running_loop()
    asked = (
        f"GET {LOBBY}/log?limit=500 HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\n"
        f"Authorization: Bearer {account.access_token}\r\n\r\n"
    ).encode()
    peers = [socket.socket() for _ in range(UNREAD)]
    try:
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            peer.setblocking(False)
            await loop.sock_connect(peer, ("127.0.0.1", node.port))
            await loop.sock_sendall(peer, asked)
        yield
    finally:
        for peer in peers:
            peer.close()
