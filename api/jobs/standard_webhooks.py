"""The form of what webhooks send, by Standard Webhooks (standardwebhooks.com): body, id and signatures. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from api.models.log import Entry
from api.models.webhooks import SECRET_PREFIX, Webhook
from api.protocol.entries import entry_event
from api.protocol.fields import timestamp

RESET: Final = "room.reset"
USER_AGENT: Final = "Tailwire-Webhooks"


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to a webhook. Its `id` is the same whenever and from wherever it is sent."""

    id: str
    type: str
    epoch: str
    seq: int
    body: bytes


def letter_of(webhook: Webhook, epoch: str, entry: Entry, now: int) -> Letter:
    """Return what is sent of an entry, as it is in the log now. One that cannot be read has the time `now`."""
    name = f"room.{entry.kind}"
    body = _body(name, now if entry.at is None else entry.at, entry_event(entry) | {"epoch": epoch})
    return Letter(_id(webhook, epoch, str(entry.seq)), name, epoch, entry.seq, body)


def reset_of(webhook: Webhook, epoch: str, seq: int, now: int) -> Letter:
    """Return what is sent after a restore: the entries after `seq` are others now, in a new epoch."""
    body = _body(RESET, now, {"type": "reset", "room_id": webhook.room_id, "epoch": epoch, "seq": seq})
    return Letter(_id(webhook, epoch, "reset"), RESET, epoch, seq, body)


def headers_of(letter: Letter, secrets: Sequence[str], now: int) -> dict[str, str]:
    """Return the headers of an attempt at the time `now`, with a signature by each of the secrets."""
    seconds = str(now // 1_000)
    signed = f"{letter.id}.{seconds}.".encode() + letter.body
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": letter.id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _id(webhook: Webhook, epoch: str, what: str) -> str:
    said = orjson.dumps([webhook.id, webhook.room_id, epoch, what])
    return "msg_" + base64.urlsafe_b64encode(hashlib.sha256(said).digest()[:24]).decode()


def _body(name: str, at: int, data: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": name, "timestamp": timestamp(at), "data": data})


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
