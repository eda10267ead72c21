"""A server that speaks S3, for tests: moto, as no real one is a package that every machine can install."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from api.files.access import S3Access


class S3Server:
    """A running server, in which `bucket` makes empty buckets."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._count = 0

    @property
    def access(self) -> S3Access:
        return S3Access(self.endpoint, "us-east-1", "a-key-id", "a-key")

    def bucket(self) -> str:
        """Make an empty bucket, and return its name."""
        self._count += 1
        name = f"files-{self._count}"
        request = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            assert answer.status == 200
        return name


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server while the block lasts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(f"http://{host}:{port}")
    finally:
        server.stop()
