"""What a client does after each close code of the socket, as docs/protocol.md says."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from tailwire_client.errors import Ended, Outdated, Replaced, SessionEnded

GONE: Final = range(4500, 5000)
"""Codes that mean: do not come back."""


class After(Enum):
    """What to do when the socket was closed."""

    COME_BACK = auto()
    """Come back with jitter, and resume."""
    BACK_OFF = auto()
    """Come back later than usual: the server has trouble."""
    REFRESH = auto()
    """Renew the token, then come back."""
    WAIT = auto()
    """Wait first: it was too much, for too long."""
    END = auto()
    """Do not come back."""


_TABLE: Final[Mapping[int, After]] = {
    1001: After.COME_BACK,
    1012: After.COME_BACK,
    1002: After.END,
    1003: After.END,
    1007: After.END,
    1009: After.END,
    1011: After.BACK_OFF,
    1013: After.BACK_OFF,
    4401: After.REFRESH,
    4408: After.COME_BACK,
    4420: After.COME_BACK,
    4429: After.WAIT,
}


def after(code: int | None) -> After:
    """Return what to do after a code. None is that of a connection that was lost without one."""
    if code is None:
        return After.COME_BACK
    if code in GONE:
        return After.END
    return _TABLE.get(code, After.COME_BACK)


def error_of(code: int) -> Ended:
    """Return the error to raise after a code after which a client does not come back."""
    if code == 4501:  # noqa: PLR2004
        return SessionEnded("The session or the token was ended", code)
    if code == 4502:  # noqa: PLR2004
        return Replaced("The user has too many connections, and this one was used least", code)
    if code in GONE and code != 4503:  # noqa: PLR2004
        return Ended("The server ended this connection for good", code)
    return Outdated(
        "The server and this library do not understand each other: is there a newer version?", code
    )
