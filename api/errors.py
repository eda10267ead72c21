"""Every error that Tailwire raises on purpose, with the code its users see.

    TailwireError
    ├── Invalid            invalid             a field is missing, unknown, of the wrong type or out of range
    │   ├── BadJson        bad_json            not JSON, or not the JSON we accept
    │   ├── BadRequest     bad_request         a header is missing, doubled or malformed
    │   ├── BadCursor      bad_cursor          a page mark that we never gave, or not for this list
    │   ├── WrongPassword  invalid_credentials  a logged-in caller had to give the password again
    │   ├── BadInvite      bad_invite          an invite that is bad; clients cannot tell why
    │   ├── BadEmoji       bad_emoji           not one emoji
    │   ├── BadFile        bad_file            not a file that this message may have, or none that is taken
    │   └── Empty          empty               a message body without a visible character
    ├── Unauthorized       unauthorized        no token, or one that is not valid
    │   ├── TokenMissing   unauthorized        no token was shown
    │   └── InvalidCredentials  invalid_credentials  unknown user or wrong password; clients cannot tell which
    ├── Forbidden          forbidden           known, but not allowed
    │   ├── Archived       archived            nobody writes to an archived room, or changes it
    │   ├── Banned         banned              the caller is banned from the room
    │   ├── Blocked        blocked             one of the two users has blocked the other
    │   └── SignupClosed   signup_closed       nobody may sign up, or nobody without an invite
    ├── NotFound           not_found           does not exist, or the caller may not see it; clients cannot tell which
    ├── Conflict           conflict            it contradicts what is stored
    │   ├── UsernameTaken  username_taken
    │   ├── UserBanned     banned              the user is banned from the room, so nobody adds them
    │   ├── RefConflict    ref_conflict        this ref was used for something else
    │   ├── Deleted        deleted             the message was deleted before it was changed or answered
    │   ├── BadOffset      bad_offset          an upload goes on at another byte
    │   ├── MembershipChanged  conflict        the author's membership has changed: read it again
    │   ├── LeaseLost      conflict            another process does this work now
    │   └── EpochChanged   reset               the room has a new epoch: load it again
    ├── MethodNotAllowed   method_not_allowed
    ├── TooLarge           too_large           the body is larger than we take
    │   └── HeadersTooLarge  too_large         the headers are larger than we take
    ├── TooSlow            timeout             a request did not come whole in time
    ├── UnsupportedMediaType  unsupported_media_type
    ├── Misdirected        misdirected         the Host header names a host that this server does not serve
    ├── UpgradeRequired    upgrade_required    a plain request where only a WebSocket handshake makes sense
    ├── QuotaReached       quota               the user, or this server, may not keep that many bytes of files
    ├── RateLimited        rate_limited        too often; come back after `retry_after_seconds`
    │   └── SlowMode       slow_mode           the room lets its members wait between their messages
    └── Unavailable        unavailable         the store cannot answer now; retrying is safe
        ├── Overloaded     unavailable         this node has as much to do as it may; the store may be well
        ├── Unready        unavailable         the database does not answer, or not now; it may be starting
        ├── Indexing       indexing            the search index is being made
        └── StorageFull    storage_full        the store's disk is full; reading goes on

Messages are for people and never repeat the input, a query, a host name or a secret.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

INDEXING_SECONDS: Final = 5
"""How long to wait before a search is tried again that came while the index was made."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. `loc` is its path, without its value."""

    loc: tuple[str | int, ...]
    message: str


class TailwireError(Exception):
    """The root. `code` is stable and part of the protocol; `status` is its HTTP status."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(
        self,
        message: str = "",
        *,
        errors: tuple[FieldError, ...] = (),
        retry_after_seconds: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message or self.title)
        self.message = message or self.title
        self.errors = errors
        self.retry_after_seconds = retry_after_seconds
        self.specific_code = code or self.code


class Invalid(TailwireError):
    """The request breaks the contract; sending it again will not help."""

    code = "invalid"
    status = 422
    title = "The request is not valid"


class BadJson(Invalid):
    """The text is not JSON, or holds what we refuse: duplicate keys, NaN, lone surrogates, huge numbers."""

    code = "bad_json"
    status = 400
    title = "The body is not acceptable JSON"


class BadRequest(Invalid):
    """A header that decides is missing, malformed, or stands more than once (RFC 9110, section 5.3)."""

    code = "bad_request"
    status = 400
    title = "The request is not valid HTTP"


class BadCursor(Invalid):
    """The page mark is not one that this list gave."""

    code = "bad_cursor"
    title = "The cursor is not valid"


class BadInvite(Invalid):
    """The invite is unknown, used up or expired, or its room is one that the caller may not know of."""

    code = "bad_invite"
    title = "The invite is not valid, or not any more"


class Empty(Invalid):
    """The body shows nothing."""

    code = "empty"
    title = "The message is empty"


class BadEmoji(Invalid):
    """The text is not one emoji."""

    code = "bad_emoji"
    title = "This is not one emoji"


class BadFile(Invalid):
    """The file cannot be sent with this message, or its bytes are none that this server takes."""

    code = "bad_file"
    title = "This file cannot be used"


class WrongPassword(Invalid):
    """A logged-in caller had to give the password again, and it was wrong."""

    code = "invalid_credentials"
    title = "The password is wrong"


class Unauthorized(TailwireError):
    """There is no token, or it is not valid, or not any more."""

    code = "unauthorized"
    status = 401
    title = "A valid access token is needed"


class TokenMissing(Unauthorized):
    """No token was shown, or by a scheme that this server does not have."""


class InvalidCredentials(Unauthorized):
    """Unknown user or wrong password."""

    code = "invalid_credentials"
    title = "The username or the password is wrong"


class Forbidden(TailwireError):
    """The caller may see this, but not do this."""

    code = "forbidden"
    status = 403
    title = "You may not do this"


class Archived(Forbidden):
    """The room is archived: nobody writes to it, or changes it before it is taken back."""

    code = "archived"
    title = "This room is archived"


class Banned(Forbidden):
    """The caller is banned from the room, which they may see."""

    code = "banned"
    title = "You are banned from this room"


class Blocked(Forbidden):
    """One of the two users has blocked the other. Neither is told which."""

    code = "blocked"
    title = "This user cannot be reached"


class SignupClosed(Forbidden):
    """Nobody may sign up here, or nobody without an invite."""

    code = "signup_closed"
    title = "Nobody can sign up here"


class NotFound(TailwireError):
    """There is no such thing, or the caller may not know of it."""

    code = "not_found"
    status = 404
    title = "There is no such thing"


class Conflict(TailwireError):
    """The request contradicts what is stored."""

    code = "conflict"
    status = 409
    title = "The request conflicts with what is stored"


class UsernameTaken(Conflict):
    """Another account has this name, or one that looks the same."""

    code = "username_taken"
    title = "This username is taken"


class UserBanned(Conflict):
    """The user is banned from the room, and cannot be added before the ban is ended."""

    code = "banned"
    title = "This user is banned from the room: end the ban first"


class RefConflict(Conflict):
    """The author used this ref before, for something else. What was stored first stays."""

    code = "ref_conflict"
    title = "This ref was used for something else"


class Deleted(Conflict):
    """The message was deleted before it was changed or answered. Nothing was stored."""

    code = "deleted"
    title = "The message was deleted"


class BadOffset(Conflict):
    """An upload goes on at another byte than was said, or another request adds to it now. Nothing was stored."""

    code = "bad_offset"
    title = "The upload goes on at another byte: ask where"


class MembershipChanged(Conflict):
    """The author's membership may have changed since it was read. Nothing was stored; read it again."""


class LeaseLost(Conflict):
    """The lease has ended or has a newer holder, who does the work now. Nothing was stored."""


class EpochChanged(Conflict):
    """The caller's position belongs to another epoch of the room."""

    code = "reset"
    title = "The room's numbering has begun anew: load it again"


class MethodNotAllowed(TailwireError):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    status = 405
    title = "This method is not allowed here"


class TooLarge(TailwireError):
    """The body is larger than we take."""

    code = "too_large"
    status = 413
    title = "The body is too large"


class HeadersTooLarge(TooLarge):
    """The request line and the headers are larger than we take."""

    status = 431
    title = "The headers are too large"


class TooSlow(TailwireError):
    """A request did not come whole in time."""

    code = "timeout"
    status = 408
    title = "The request did not come whole in time"


class UnsupportedMediaType(TailwireError):
    """The body is not of the one type that the route takes."""

    code = "unsupported_media_type"
    status = 415
    title = "The body's content type is not supported"


class Misdirected(TailwireError):
    """The Host header names a host that this server does not serve (RFC 9110, section 15.5.20)."""

    code = "misdirected"
    status = 421
    title = "This server does not answer at this host name, unless TAILWIRE_URL or TAILWIRE_HOSTS has it"


class UpgradeRequired(TailwireError):
    """A plain request where only a WebSocket handshake makes sense."""

    code = "upgrade_required"
    status = 426
    title = "This address speaks WebSocket"


class QuotaReached(TailwireError):
    """The user, or the whole server, may not keep so many bytes of files. Nothing was stored."""

    code = "quota"
    status = 507
    title = "There is no space left for this file"


class RateLimited(TailwireError):
    """Too many requests."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"


class SlowMode(RateLimited):
    """The room lets its members wait between their messages, and this one came too early. Nothing was stored."""

    code = "slow_mode"
    title = "This room is in slow mode: wait before your next message"


class Unavailable(TailwireError):
    """The store did not answer, or not in time. The outcome is unknown; a retry with the same ref is safe."""

    code = "unavailable"
    status = 503
    title = "The store cannot be reached at the moment"

    def __init__(self, message: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)


class Overloaded(Unavailable):
    """This node has as much to do, or to keep in memory, as it may. Nothing was done; a retry is safe."""

    title = "This node has as much to do as it may"


class Unready(Unavailable):
    """The database does not answer, or not now. It may be starting, so waiting may help; the setup may be right."""


class Indexing(Unavailable):
    """The search index is being made. `done` is how much of it there is, from 0 to 1."""

    code = "indexing"
    title = "The search index is being made"

    def __init__(self, done: float) -> None:
        super().__init__(retry_after_seconds=INDEXING_SECONDS)
        self.done = done


class StorageFull(Unavailable):
    """The store's disk is full. Nothing was stored; reading goes on."""

    code = "storage_full"
    title = "The store's disk is full"
