"""Every error of this library.

TailwireError
├── Problem               the server refused; `code` says why, `status` is that of HTTP or None from a socket
│   ├── Invalid           what was sent is not valid; the same again fails again
│   ├── Unauthorized      wrong password, or a token that does not hold
│   ├── Forbidden         you may see it, but not do this
│   │   ├── Archived, Banned, Blocked, SignupClosed
│   ├── NotFound          it does not exist, or you may not know of it
│   ├── Conflict          at odds with what is stored
│   │   ├── Deleted       the message was deleted before
│   │   ├── RefConflict   the ref was used for something else
│   │   ├── Restored      the server was restored from a backup: what you know of the room is of before
│   │   └── UsernameTaken
│   ├── Quota             as many bytes are kept as may be
│   ├── RateLimited       too often; nothing was done. `retry_after_seconds` says when to come back
│   │   └── SlowMode      the room lets its members wait between their messages
│   └── Unavailable       the server cannot do it now
│       └── StorageFull   its disk is full; reading goes on
├── Unreachable           no answer came; the outcome is unknown unless `is_unsent`
├── BrokenContract        the server answered what docs/protocol.md does not allow
├── Closed                the client was closed
└── Ended                 it is of no use to come back
    ├── SessionEnded      the token or the session has ended: log in, or take another token
    ├── Replaced          the user has too many connections, and this one was used least
    └── Outdated          this library is too old for the server
"""

from collections.abc import Mapping
from typing import Any, Final


class TailwireError(Exception):
    """The root of all errors of this library."""


class Problem(TailwireError):
    """The server refused. `code` is stable and for programs, the text for people; neither repeats what was sent."""

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        request_id: str | None = None,
        errors: tuple[Mapping[str, Any], ...] = (),
    ) -> None:
        super().__init__(f"{message} ({code})" if message else code)
        self.code = code
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.request_id = request_id
        self.errors = errors
        """What is wrong with which field: mappings of `loc`, its path, and `message`."""


class Invalid(Problem):
    """What was sent is not valid. The same again fails again."""


class Unauthorized(Problem):
    """The password is wrong, or the token does not hold."""


class Forbidden(Problem):
    """You may see it, but not do this."""


class Archived(Forbidden):
    """The room is archived: nobody writes to it."""


class Banned(Forbidden):
    """You, or the user to be added, are banned from this room."""


class Blocked(Forbidden):
    """You cannot reach this user: one of you has blocked the other."""


class SignupClosed(Forbidden):
    """Nobody may sign up, or nobody without an invite."""


class NotFound(Problem):
    """It does not exist, or you may not know of it."""


class Conflict(Problem):
    """It is at odds with what is stored."""


class Deleted(Conflict):
    """The message was deleted before it was changed or answered. Nothing was stored."""


class RefConflict(Conflict):
    """The ref was used for something else. What was stored first stays."""


class Restored(Conflict):
    """The epoch is another one: the server was restored from a backup. Load the room again."""


class UsernameTaken(Conflict):
    """Another account has this name, or one that looks the same."""


class Quota(Problem):
    """As many bytes are kept of files as may be. The same again fails again."""


class RateLimited(Problem):
    """Too often. Nothing was done; the same may be sent again after `retry_after_seconds`."""


class SlowMode(RateLimited):
    """The room lets its members wait between their messages."""


class Unavailable(Problem):
    """The server cannot do it now, or does not know whether it has. A retry with the same ref is safe."""


class StorageFull(Unavailable):
    """The disk of the server is full. Nothing was stored; reading goes on."""


class Unreachable(TailwireError):
    """No answer came. Whether the server has done it is unknown, unless `is_unsent`: then it has not heard of it."""

    def __init__(self, message: str, *, is_unsent: bool = False) -> None:
        super().__init__(message)
        self.is_unsent = is_unsent


class BrokenContract(TailwireError):
    """The server answered what docs/protocol.md does not allow."""


class Closed(TailwireError):
    """The client was closed before it was done."""


class Ended(TailwireError):
    """The server said that it is of no use to come back. `close_code` is that of the socket, or None."""

    def __init__(self, message: str, close_code: int | None = None) -> None:
        super().__init__(message)
        self.close_code = close_code


class SessionEnded(Ended):
    """The token or the session has ended, or was ended: log in, or take another token."""


class Replaced(Ended):
    """The user has too many connections, and this one was used least."""


class Outdated(Ended):
    """This library is too old for the server, or breaks its protocol."""


CODES: Final[Mapping[str, type[Problem]]] = {
    "archived": Archived,
    "bad_cursor": Invalid,
    "bad_emoji": Invalid,
    "bad_file": Invalid,
    "bad_offset": Conflict,
    "bad_envelope": Invalid,
    "bad_invite": Invalid,
    "bad_json": Invalid,
    "bad_number": Invalid,
    "bad_ref": Invalid,
    "bad_request": Invalid,
    "banned": Banned,
    "blocked": Blocked,
    "conflict": Conflict,
    "deleted": Deleted,
    "duplicate_key": Invalid,
    "empty": Invalid,
    "extra_forbidden": Invalid,
    "forbidden": Forbidden,
    "indexing": Unavailable,
    "internal": Unavailable,
    "invalid": Invalid,
    "invalid_credentials": Unauthorized,
    "limit": Invalid,
    "method_not_allowed": Invalid,
    "misdirected": Invalid,
    "not_found": NotFound,
    "quota": Quota,
    "rate_limited": RateLimited,
    "ref_conflict": RefConflict,
    "reset": Restored,
    "signup_closed": SignupClosed,
    "slow_mode": SlowMode,
    "storage_full": StorageFull,
    "timeout": Unavailable,
    "too_large": Invalid,
    "unauthorized": Unauthorized,
    "unavailable": Unavailable,
    "unknown_type": Invalid,
    "unsupported_media_type": Invalid,
    "upgrade_required": Invalid,
    "username_taken": UsernameTaken,
    "weak_password": Invalid,
}
"""The class of each code of docs/protocol.md. Codes are an open set: others have the class of their status."""

_BY_STATUS: Final[Mapping[int, str]] = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    429: "rate_limited",
}


def problem_of(
    fields: Mapping[str, Any], status: int | None = None, retry_after: str | None = None
) -> Problem:
    """Return the error that a problem of HTTP or an `error` of the socket tells of.

    `retry_after` is the header of that name, in seconds; it counts where the fields have no `retry_after_seconds`.
    """
    by_status = _code_of(status)
    code = fields.get("code")
    if not isinstance(code, str):
        code = by_status  # the answer of a proxy
    message = fields.get("detail") or fields.get("message") or fields.get("title") or ""
    errors = fields.get("errors")
    return CODES.get(code, Problem if status is None else CODES[by_status])(
        code,
        str(message),
        status=status,
        retry_after_seconds=_seconds(fields.get("retry_after_seconds"), retry_after),
        request_id=fields.get("request_id"),
        errors=tuple(errors) if isinstance(errors, list) else (),
    )


def _code_of(status: int | None) -> str:
    if status is None or status >= 500:  # noqa: PLR2004 - all of them are of the server
        return "unavailable"
    return _BY_STATUS.get(status, "invalid")


def _seconds(given: object, header: str | None) -> float | None:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return float(given)
    return float(header) if header is not None and header.isdecimal() else None
