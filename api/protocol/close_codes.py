"""The close codes of sockets. docs/protocol.md says what a client does after each."""

from enum import IntEnum


class CloseCode(IntEnum):
    """The reason why a socket was closed. Clients reconnect after 4000 to 4499, and not after 4500 to 4999."""

    NORMAL = 1000
    GOING_AWAY = 1001
    BINARY = 1003
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
