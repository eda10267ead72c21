"""What a program does about each error code: the pages to which the `type` of a problem leads. Pure."""

from typing import Final

PATH: Final = "/problems/"
"""The `type` of a problem is this path and its code, on the server that answered (RFC 9457, section 3.1.1)."""

ADVICE: Final = {
    "archived": "The room is archived. Read it, or ask an owner to take it back. Sending again does not help.",
    "bad_cursor": "The cursor or the token was not given by this list or this consumer. Begin with the first page.",
    "bad_file": (
        "The file is not yours, belongs to another room or message, is not whole, or is gone: upload it again. Or it"
        " begins like a picture, and is damaged or too large to be shown: send another picture, or put this one into an"
        " archive, as archives are kept as they are. A HEIC picture is refused, as it says where it was taken and the"
        " server cannot take that out: save it as JPEG."
    ),
    "bad_offset": "The upload goes on at another byte. Ask for `Upload-Offset` by HEAD, and send what follows it.",
    "bad_emoji": "Send exactly one emoji, in any of its forms.",
    "bad_envelope": "A frame is one JSON object with `type`, and with a `ref` where the command needs one.",
    "bad_invite": "The invite is unknown, used up, ended, expired or void, or not for you. Ask for another one.",
    "bad_json": "Send JSON in UTF-8, without NaN, without lone surrogates, and nested at most 32 deep.",
    "bad_number": "Send whole numbers within plus and minus 2^53.",
    "bad_ref": "A ref is a text of 1 to 64 characters. Where `Idempotency-Key` is given too, both must be equal.",
    "bad_request": "A header that decides is missing, malformed, or stands twice. Look at your HTTP client or proxy.",
    "banned": "A ban keeps this user out of the room until an owner or moderator ends it.",
    "blocked": "One of the two users has blocked the other. Sending again does not help.",
    "conflict": "The request contradicts what is stored. Read it again before you decide what to send.",
    "deleted": "The message was deleted before. Nothing was stored, so drop the change.",
    "duplicate_key": "A key or a field stands twice, and readers disagree about which one counts. Send it once.",
    "empty": "The text shows nothing. Send at least one visible character.",
    "extra_forbidden": "There is a field that does not belong here. Look for a typing error.",
    "forbidden": "You may see this, but your role or your token does not allow this request. The detail says what is"
    " missing.",
    "indexing": "The server is making its search index, and does everything else meanwhile. `done` says how much of it"
    " there is, from 0 to 1. Search again after `Retry-After` seconds.",
    "internal": "We made a mistake. Try again later, and give the `request_id` to whoever runs the server.",
    "invalid": "A field is missing, of the wrong type or out of range. `errors` names each one.",
    "invalid_credentials": "The username or the password is wrong. Do not try again without asking the user.",
    "limit": "There are as many as there may be. Remove one first.",
    "method_not_allowed": "The address exists, but not for this method. `Allow` names those that it has.",
    "misdirected": "The server does not answer at this host name. Use its own address, or set `TAILWIRE_URL` or"
    " `TAILWIRE_HOSTS`.",
    "not_found": "It does not exist, or you may not know of it. The server does not say which.",
    "quota": "There is no space left for this file, of your own or of the server. Delete messages with files first.",
    "rate_limited": "You asked too often. Nothing was done. Wait for `Retry-After` seconds, then send the same again."
    " `RateLimit` says what is left.",
    "ref_conflict": "You used this ref before, for something else. What was stored first stays. Choose another ref.",
    "reset": "The room has a new epoch. Forget the seqs of the old one, and load the room again.",
    "signup_closed": "Nobody may sign up here, or nobody without an invite. Ask whoever runs the server.",
    "slow_mode": "The room lets its members wait between messages. Wait for `Retry-After` seconds, then send again.",
    "storage_full": "The disk of the server is full. Nothing was stored, and reading goes on. Send again later.",
    "timeout": "The request did not come whole in time. Send it again.",
    "too_large": "The body or the headers are larger than the server takes. Send less.",
    "unauthorized": "There is no token, or it does not count any more. Refresh it, log in again, or make another one.",
    "unavailable": "The server cannot know the outcome now. Send the same again, with the same ref: nothing is done"
    " twice.",
    "unknown_type": "The server does not know this command. `ready.features` names what it offers.",
    "unsupported_media_type": "Send JSON as `application/json`, in UTF-8 and without a `Content-Encoding`.",
    "upgrade_required": "This address speaks WebSocket. Open a socket instead.",
    "username_taken": "Another account has this name, or one that looks the same. Choose another one.",
    "weak_password": "The password is easy to guess. Choose a longer one.",
}
"""For each code what it means, and what to do."""


def type_of(code: str) -> str:
    """Return the `type` of a problem with this code."""
    return PATH + code


def page_of(code: str) -> str | None:
    """Return the page of a code, as text; None for one that does not exist."""
    advice = ADVICE.get(code)
    return None if advice is None else f"{code}\n{'=' * len(code)}\n\n{advice}\n"
