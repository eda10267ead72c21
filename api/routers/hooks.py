"""/rooms/{room_id}/hooks and /hooks: making, listing and ending incoming hooks, and posting to them."""

from typing import Final

from fastapi import Request
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

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
from api.http.caller import AddressDep, IdentityDep
from api.http.deps import NEEDS_MEMORY, HooksDep, HttpSettingsDep
from api.http.hook_message import read_hook_message
from api.http.idempotency import IdempotencyKey, ref_of
from api.http.openapi import refuses
from api.http.query import Cursor, Limit
from api.http.routing import Router
from api.http.scopes import manages, reads
from api.http.strict import StrictRoute

router = Router(tags=["hooks"], route_class=StrictRoute)
PATH: Final = "/rooms/{room_id}/hooks"


@router.post(PATH, status_code=201, responses=refuses(Forbidden))
@manages
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


@router.get(PATH)
@reads
async def list_hooks(
    room_id: str, identity: IdentityDep, hooks: HooksDep, cursor: Cursor = None, limit: Limit = 50
) -> HooksOut:
    """List the hooks of a room, newest first. Every member sees them."""
    page = await hooks.of_room(room_id, identity.user.id, cursor=cursor, limit=limit)
    return HooksOut(items=[HookOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.delete(PATH + "/{hook_id}", status_code=204, responses=refuses(Forbidden))
@manages
async def end_hook(
    room_id: str, hook_id: str, identity: IdentityDep, hooks: HooksDep, address: AddressDep
) -> None:
    """End a hook: nothing more is posted to its address. Its messages stay."""
    await hooks.end(room_id, identity.user, hook_id, address or None)


async def post(
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
    message = await read_hook_message(request)
    shown = shown_as(posting.hook, message.said)
    await hooks.post(posting, message.said.body, shown, ref or message.ref)
    return PlainTextResponse("ok")


router.add_api_route(
    "/hooks/{secret}",
    post,
    methods=["POST"],
    response_class=PlainTextResponse,
    dependencies=[NEEDS_MEMORY],
    responses=refuses(
        *(NotFound, Forbidden, Archived, Banned, Invalid, Empty, BadJson, RefConflict),
        *(UnsupportedMediaType, TooLarge, RateLimited, SlowMode, Unavailable),
    ),
    openapi_extra=SLACK_BODY,
    route_class_override=APIRoute,  # Slack's senders may add what they like
)
