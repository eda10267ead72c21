"""/rooms/{room_id}/hooks and /hooks: making, listing and ending incoming hooks, and posting to them."""

import asyncio
import base64
import hashlib
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from api.clock import now_ms
from api.errors import (
    Archived,
    BadJson,
    Banned,
    Empty,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    RefConflict,
    SlowMode,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from api.http.bodies.hooks import SLACK_BODY, HookOut, HooksOut, MadeHook, NewHook, shown_as
from api.http.deps import NEEDS_MEMORY, AddressDep, HooksDep, HttpSettingsDep, IdentityDep
from api.http.idempotency import IdempotencyKey, ref_of
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.strict import FORM, JSON, StrictRoute, read_body, require_type
from api.protocol.slack import MAX_HOOK_BYTES, read_slack

router = APIRouter(tags=["hooks"])
_strict = APIRouter(route_class=StrictRoute)
PATH: Final = "/rooms/{room_id}/hooks"
MINUTE_MS: Final = 60_000


@_strict.post(PATH, status_code=201, responses=refuses(Forbidden))
async def make_hook(  # noqa: PLR0913, PLR0917  what FastAPI hands in
    room_id: str,
    body: NewHook,
    identity: IdentityDep,
    hooks: HooksDep,
    settings: HttpSettingsDep,
    address: AddressDep,
) -> MadeHook:
    """Make a hook that posts into a room. Its address is in this answer only."""
    hook, secret = await hooks.make(room_id, identity.user, body.name, address or None)
    return MadeHook.with_secret(hook, secret, settings.url)


@_strict.get(PATH)
async def room_hooks(
    room_id: str, identity: IdentityDep, hooks: HooksDep, cursor: Cursor = None, limit: Limit = 50
) -> HooksOut:
    """List the hooks of a room, newest first. Every member sees them."""
    page = await hooks.of_room(room_id, identity.user.id, cursor=cursor, limit=limit)
    return HooksOut(items=[HookOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@_strict.delete(PATH + "/{hook_id}", status_code=204, responses=refuses(Forbidden))
async def end_hook(
    room_id: str, hook_id: str, identity: IdentityDep, hooks: HooksDep, address: AddressDep
) -> None:
    """End a hook: nothing more is posted to its address. Its messages stay."""
    await hooks.end(room_id, identity.user, hook_id, address or None)


router.include_router(_strict)


@router.post(
    "/hooks/{secret}",
    response_class=PlainTextResponse,
    dependencies=[NEEDS_MEMORY],
    responses=refuses(
        *(NotFound, Forbidden, Archived, Banned, Invalid, Empty, BadJson, RefConflict),
        *(UnsupportedMediaType, TooLarge, RateLimited, SlowMode, Unavailable),
    ),
    openapi_extra=SLACK_BODY,
)
async def post_to_hook(
    secret: str,
    request: Request,
    hooks: HooksDep,
    address: AddressDep,
    idempotency_key: IdempotencyKey = None,
) -> PlainTextResponse:
    """Post a message in Slack's shape to the room of a hook. Who has the address needs no account.

    The same `Idempotency-Key` posts once. Without one, the same body posts once in a minute.
    """
    ref = ref_of(idempotency_key, None)
    posting = await hooks.begin(secret, address)
    is_form = require_type(request, JSON, FORM) == FORM
    await read_body(request, MAX_HOOK_BYTES)
    raw = await request.body()
    # A large message takes some time to read, in which others are served.
    message = await asyncio.to_thread(read_slack, raw, is_form=is_form)
    await hooks.post(posting, message.body, shown_as(posting.hook, message), ref or _ref_of_body(raw))
    return PlainTextResponse("ok")


def _ref_of_body(raw: bytes) -> str:
    """Return the ref of a message that comes without one: senders repeat it when they have not heard the answer."""
    minute = now_ms() // MINUTE_MS
    return base64.urlsafe_b64encode(hashlib.sha256(b"%d %b" % (minute, raw)).digest()).decode()
