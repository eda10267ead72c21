"""A server that speaks S3, for tests: nanio, which keeps objects on the disk, where it is on PATH, and moto elsewhere.

moto stands among the requirements, so every machine has it. nanio is a real server, and wants other versions of
libraries that Tailwire needs: install it in an environment of its own.
"""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from moto.server import ThreadedMotoServer

from api.files.access import S3Access
from tests.rethinkdb_server import free_port

KEY_ID, KEY = "a-key-id", "a-secret-key-of-tests"
START_SECONDS: Final = 20.0


class S3Server:
    """A running server, in which `bucket` makes empty buckets."""

    def __init__(self, kind: str, endpoint: str, make: Callable[[str], None]) -> None:
        self.kind = kind
        self.endpoint = endpoint
        self._make = make
        self._count = 0

    @property
    def access(self) -> S3Access:
        return S3Access(self.endpoint, "us-east-1", KEY_ID, KEY)

    def bucket(self) -> str:
        """Make an empty bucket, and return its name."""
        self._count += 1
        name = f"files-{self._count}"
        self._make(name)
        return name


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server while the block lasts."""
    program = shutil.which("nanio")
    with moto() if program is None else nanio(program) as server:
        yield server


@contextmanager
def moto() -> Iterator[S3Server]:
    """Run moto in a thread of this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"

        def make(name: str) -> None:
            request = urllib.request.Request(f"{endpoint}/{name}", method="PUT")  # noqa: S310
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                assert answer.status == 200

        yield S3Server("moto", endpoint, make)
    finally:
        server.stop()


@contextmanager
def nanio(program: str) -> Iterator[S3Server]:
    """Run nanio as a process, with its objects in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="tailwire-s3-") as folder:
        port = free_port()
        server = subprocess.Popen(  # noqa: S603
            [
                *(program, "serve", "--data-dir", folder, "--host", "127.0.0.1", "--port", str(port)),
                *("--log-level", "error", "--no-access-log"),
            ],
            env=os.environ | {"NANIO_ACCESS_KEY": KEY_ID, "NANIO_SECRET_KEY": KEY},
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _wait(endpoint)
            yield S3Server("nanio", endpoint, lambda name: (Path(folder) / name).mkdir())
        finally:
            server.terminate()
            server.wait(START_SECONDS)


def _wait(endpoint: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(endpoint, timeout=1).close()  # noqa: S310
        except urllib.error.HTTPError:
            return  # it wants a signature
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
