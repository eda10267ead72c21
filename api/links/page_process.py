"""Reads pages in a process of its own: strangers write them, so that each has bounds of time and memory.

The process reads one line of JSON for each page and answers with one; see `api/files/forks.py`.
"""

from base64 import b64decode
from dataclasses import asdict
from typing import Any, Final

from api.files.forks import Bounds, serve
from api.links.page import read_head

BOUNDS: Final = Bounds(memory_bytes=256 << 20, cpu_seconds=2, file_bytes=0)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return what a page says of itself."""
    return asdict(read_head(b64decode(request["body"]), request["charset"], request["url"]))


if __name__ == "__main__":
    serve(answer, BOUNDS)
