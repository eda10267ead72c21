"""A fresh RethinkDB for each contender that needs one."""

import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contenders.subject import Missing
from bench.machine.machine import LOAD_CORES
from bench.machine.process import Process, free_port, started


@dataclass
class Database:
    """One running server, on the core of the load."""

    process: Process
    port: int
    password: str

    @property
    def admin_url(self) -> str:
        """The URL for its admin."""
        return f"rethinkdb://admin:{self.password}@127.0.0.1:{self.port}"

    def prepared(self, root: Path) -> str:
        """Prepare the database for Tailwire; return the URL of the store."""
        store = f"rethinkdb://tailwire:{self.password}@127.0.0.1:{self.port}/tailwire"
        command = (
            sys.executable,
            "-c",
            "from api.cli import main; main()",
            "init",
            "--admin",
            self.admin_url,
        )
        subprocess.run(
            command,
            check=True,
            cwd=root,
            env={"PYTHONPATH": str(root), "TAILWIRE_STORE": store},
            capture_output=True,
        )
        return store


@contextmanager
def database(directory: Path) -> Iterator[Database]:
    """Run a database. Raises `Missing` where RethinkDB is not installed."""
    if shutil.which("rethinkdb") is None:
        raise Missing("there is no `rethinkdb` on PATH")
    port, password, name = free_port(), secrets.token_hex(16), secrets.token_hex(4)
    command: list[str | Path] = [
        *("rethinkdb", "--directory", directory / f"rethinkdb-{name}", "--bind", "127.0.0.1"),
        *(
            "--driver-port",
            str(port),
            "--cluster-port",
            str(free_port()),
            "--no-http-admin",
            "--no-update-check",
        ),
        *(
            "--cache-size",
            "512",
            "--initial-password",
            password,
            "--log-file",
            directory / f"rethinkdb-{name}.txt",
        ),
    ]
    with started(command, cores=LOAD_CORES, directory=directory) as process:
        process.wait_for(port)
        yield Database(process, port, password)
    shutil.rmtree(directory / f"rethinkdb-{name}", ignore_errors=True)
