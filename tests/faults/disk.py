"""A disk that is small enough to fill."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest


@asynccontextmanager
async def small_disk(path: Path, *, mebibytes: int) -> AsyncIterator[Path]:
    """Mount a tmpfs of this size, which needs root. Skips the case where that fails."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    path.mkdir(parents=True)
    if await _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tailwire", str(path)):
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield path
    finally:
        await _run("umount", "--lazy", str(path))


async def _run(*command: str) -> int:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()
