"""Reads what programs post to hooks. They are written for Slack, so this is more lenient than other requests."""

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from api.clock import now_ms
from api.http.plan import JSON
from api.http.strict import FORM, read_body, require_type
from api.protocol.slack import MAX_HOOK_BYTES, SlackMessage, read_slack

MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class HookMessage:
    """A message to a hook. `ref` is the same for the same body within a minute."""

    said: SlackMessage
    ref: str


async def read_hook_message(request: Request) -> HookMessage:
    """Read the body of a request. Raises `UnsupportedMediaType`, `TooLarge` and what `read_slack` raises."""
    is_form = require_type(request, JSON, FORM) == FORM
    await read_body(request, MAX_HOOK_BYTES)
    raw = await request.body()
    # A long message takes a while to read, in which others are served.
    said = await asyncio.to_thread(read_slack, raw, is_form=is_form)
    return HookMessage(said, _ref_of(raw))


def _ref_of(raw: bytes) -> str:
    """Return the ref of a message that comes without one, as senders repeat what they have heard no answer to."""
    digest = hashlib.sha256(b"%d %b" % (now_ms() // MINUTE_MS, raw)).digest()
    return base64.urlsafe_b64encode(digest).decode()
