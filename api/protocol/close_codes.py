"""The close codes of sockets, and what a client does after each. docs/protocol.md shows the table."""

from enum import IntEnum
from typing import Final, NamedTuple


class CloseCode(IntEnum):
    """The reason why a socket was closed. Clients reconnect after 4000 to 4499, and not after 4500 to 4999."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BROKEN = 1002
    BINARY = 1003
    NOT_UTF_8 = 1007
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_AGAIN_LATER = 1013
    UNAUTHORIZED = 4401
    AUTHENTICATION_TIMEOUT = 4408
    SLOW = 4420
    RATE_LIMITED = 4429
    SESSION_ENDED = 4501
    REPLACED = 4502
    VERSION = 4503


class Closing(NamedTuple):
    """What a close code means, and what a client does after it. `comes_back` says whether it connects again."""

    meaning: str
    client: str
    comes_back: bool = True


_RESUME: Final = "reconnect with jitter and resume"
_BE_REPAIRED: Final = "be repaired"

CLOSINGS: Final[dict[CloseCode, Closing]] = {
    CloseCode.GOING_AWAY: Closing("going away", _RESUME),
    CloseCode.BROKEN: Closing("broken frame", _BE_REPAIRED, comes_back=False),
    CloseCode.BINARY: Closing("binary frame", _BE_REPAIRED, comes_back=False),
    CloseCode.NOT_UTF_8: Closing("bad UTF-8", _BE_REPAIRED, comes_back=False),
    CloseCode.TOO_BIG: Closing("too big", _BE_REPAIRED, comes_back=False),
    CloseCode.INTERNAL: Closing("internal", "back off"),
    CloseCode.RESTART: Closing("restart", _RESUME),
    CloseCode.TRY_AGAIN_LATER: Closing("overload", "back off"),
    CloseCode.UNAUTHORIZED: Closing("the token is missing, bad or expired", "refresh it and come back"),
    CloseCode.AUTHENTICATION_TIMEOUT: Closing(
        "not authenticated in 5 s, or a newer connection took the place of this one before that", "come back"
    ),
    CloseCode.SLOW: Closing("slow: the backlog is full", "come back and resume; nothing is lost"),
    CloseCode.RATE_LIMITED: Closing(
        "too much, for too long; or 20 bad frames in 60 s", "come back after the wait"
    ),
    CloseCode.SESSION_ENDED: Closing("the session was ended", "log in again", comes_back=False),
    CloseCode.REPLACED: Closing(
        "replaced: the user has too many connections, and this one was used least",
        "leave it",
        comes_back=False,
    ),
    CloseCode.VERSION: Closing(
        "this version of the protocol is not spoken; or the client cannot get past an entry: it has asked, three times"
        " from one position, for a replay that begins with a kind that it should have stepped over",
        "update; a page is reloaded",
        comes_back=False,
    ),
}
"""All codes but 1000, with which a client closes a socket itself."""
