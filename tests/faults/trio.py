"""Three RethinkDB servers as one cluster, each in its own network namespace."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from api.errors import Unavailable
from api.store.cluster.schema import init
from api.store.rethinkdb import Address, Pool, r
from tests.rethinkdb_server import ADMIN_PASSWORD, APP_PASSWORD, DATABASE

NETWORK: Final = "10.213.7"
BRIDGE: Final = "tailwire0"
CLUSTER_PORT: Final = "29015"
START_SECONDS: Final = 60.0


class Host:
    """One server of the three."""

    def __init__(self, number: int, directory: Path) -> None:
        self.name = f"tailwire{number}"
        self.address = f"{NETWORK}.{number}"
        self._directory = directory / self.name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def admin_url(self) -> str:
        """The URL of the server for its administrator."""
        return f"rethinkdb://admin:{ADMIN_PASSWORD}@{self.address}:28015"

    @property
    def store_url(self) -> str:
        """The URL of the store through this server."""
        return f"rethinkdb://tailwire_test:{APP_PASSWORD}@{self.address}:28015/{DATABASE}"

    async def start(self, *others: "Host") -> None:
        """Start the server, joined to those that run already, and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *("ip", "netns", "exec", self.name, "rethinkdb", "--directory", str(self._directory)),
                *("--bind", "all", "--canonical-address", self.address, "--server-name", self.name),
                *("--cluster-port", CLUSTER_PORT, "--no-http-admin", "--no-update-check"),
                *("--cache-size", "128", "--initial-password", ADMIN_PASSWORD),
                *(word for other in others for word in ("--join", f"{other.address}:{CLUSTER_PORT}")),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                await self.ask(r.db_list())
            except Unavailable:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    @property
    def has_crashed(self) -> bool:
        """Whether the server has ended by itself. 2.4.4 sometimes does when a peer vanishes while it connects."""
        return self._process is not None and self._process.poll() is not None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def cut(self) -> None:
        """Cut the server off from the other servers. Clients still reach it."""
        for chain in ("INPUT", "OUTPUT"):
            for side in ("--dport", "--sport"):
                _ip(
                    "netns",
                    "exec",
                    self.name,
                    "iptables",
                    "-A",
                    chain,
                    "-p",
                    "tcp",
                    side,
                    CLUSTER_PORT,
                    "-j",
                    "DROP",
                )

    def heal(self) -> None:
        """Connect the server to the others again."""
        _ip("netns", "exec", self.name, "iptables", "-F")

    async def ask(self, query: Any) -> Any:
        """Run an administrator's query on this server."""
        pool = Pool(Address.parse(f"{self.admin_url}/{DATABASE}"))
        try:
            return await pool.run(query)
        finally:
            await pool.close()


class Trio:
    """The cluster."""

    def __init__(self, hosts: list[Host]) -> None:
        self.hosts = hosts
        self.crash_count = 0

    async def primary(self, *, asked: int = 0) -> int:
        """Return the host with the primary replica of `heads`."""
        status = await self.hosts[asked].ask(r.table("heads").status())
        name = status["shards"][0]["primary_replicas"][0]
        return next(n for n, host in enumerate(self.hosts) if host.name == name)

    async def revive(self) -> None:
        """Start servers again that have crashed by themselves, as a supervisor would."""
        for host in self.hosts:
            if host.has_crashed:
                self.crash_count += 1
                await self.start(host)

    async def start(self, host: Host) -> None:
        """Start a server again, joined to the others."""
        await host.start(*(other for other in self.hosts if other is not host))

    async def wait_whole(self) -> None:
        """Wait until every table has all its replicas again."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                await self.revive()
                with suppress(Unavailable):
                    states = await self.hosts[0].ask(
                        r.db("rethinkdb")
                        .table("table_status")
                        .filter({"db": DATABASE})["status"]["all_replicas_ready"]
                        .coerce_to("array")
                    )
                    if states and all(states):
                        return
                await asyncio.sleep(0.2)


@asynccontextmanager
async def trio(directory: Path) -> AsyncIterator[Trio]:
    """Run the cluster, with every table on all three servers. Needs root, ip and iptables, else skips the case."""
    missing = [name for name in ("rethinkdb", "ip", "iptables") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        pytest.skip(f"three hosts need root and {', '.join(missing) or 'nothing else'}")
    hosts = [Host(number, directory) for number in (1, 2, 3)]
    try:
        _make_network(hosts)
    except subprocess.CalledProcessError:
        _remove_network(hosts)
        pytest.skip("network namespaces cannot be made here")
    try:
        for number, host in enumerate(hosts):
            await host.start(*hosts[:number])
        await init(hosts[0].admin_url, hosts[0].store_url, lambda _line: None, replicas=len(hosts))
        cluster = Trio(hosts)
        await cluster.wait_whole()
        yield cluster
    finally:
        for host in hosts:
            host.kill()
        _remove_network(hosts)


def _make_network(hosts: list[Host]) -> None:
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{NETWORK}.254/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    for host in hosts:
        _ip("netns", "add", host.name)
        _ip("link", "add", f"{host.name}v", "type", "veth", "peer", "name", "eth0", "netns", host.name)
        _ip("link", "set", f"{host.name}v", "master", BRIDGE, "up")
        _ip("-n", host.name, "addr", "add", f"{host.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", host.name, "link", "set", device, "up")


def _remove_network(hosts: list[Host]) -> None:
    for host in hosts:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "del", host.name)
    with suppress(subprocess.CalledProcessError):
        _ip("link", "del", BRIDGE)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
