"""The directory that the workers of one `tailwire serve` share. It holds their metrics, and goes with them."""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def shared_directory() -> Iterator[None]:
    """Make the directory of the workers that this process starts, empty and for its user only; remove it at the end."""
    directory = _directory_of(os.getpid())
    shutil.rmtree(directory, ignore_errors=True)  # of a process of the same number that was killed
    directory.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def directory_of_workers() -> Path | None:
    """Return the directory that this worker shares with the others, or None where one process does all the work."""
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        return None
    directory = _directory_of(parent.pid)
    return directory if directory.is_dir() and directory.stat().st_uid == os.getuid() else None


def _directory_of(pid: int) -> Path:
    return Path(tempfile.gettempdir()) / f"tailwire-workers-{pid}"
