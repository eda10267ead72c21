"""A log line says what happened, and shows no value from the traceback and no control characters."""

import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys
from api import logs
logs.configure(sys.argv[1], "debug")
def log_in(password):
    raise RuntimeError("of what kind ever")
try:
    log_in("hunter2-topsecret")
except RuntimeError:
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_traceback_of_a_bug_shows_no_value(log_format: str) -> None:
    said = subprocess.run(  # noqa: S603  our own words only
        [sys.executable, "-c", PROGRAM, log_format], capture_output=True, text=True, check=True
    ).stderr
    assert "of what kind ever" in said
    assert "log_in" in said
    assert "hunter2" not in said.replace('log_in("hunter2-topsecret")', "")
    assert len(said.splitlines()) < 20


PATHS = r"""
import structlog
from api import logs
logs.configure("text", "debug")
structlog.get_logger("api.access").info("request", path="/\x1b[2J\x00\nnew\x9b\u2028", status=404)
"""


def test_what_a_stranger_sends_neither_steers_a_terminal_nor_begins_a_line() -> None:
    said = subprocess.run(  # noqa: S603  our own words only
        [sys.executable, "-c", PATHS], capture_output=True, text=True, check=True
    ).stderr
    assert said.removesuffix("\n").isprintable()
    assert r"/\x1b[2J\x00\nnew\x9b\u2028" in said
