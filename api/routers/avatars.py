"""The pictures of users, bots and rooms: setting and removing them, and /avatars, which shows them."""

from typing import Final

from fastapi import Request, Response

from api.errors import BadFile, BadRequest, Forbidden, NotFound, QuotaReached, TooLarge, UnsupportedMediaType
from api.http.avatars import AvatarsDep, AvatarSize
from api.http.bodies.accounts import Me
from api.http.bodies.room_json import room_json
from api.http.bodies.rooms import RoomOut
from api.http.bodies.tokens import BotOut
from api.http.caller import ActorDep, IdentityDep
from api.http.deps import NEEDS_MEMORY, AdminDep, BotsDep
from api.http.openapi import refuses
from api.http.plan import answer
from api.http.routing import Router
from api.http.scopes import manages, needs_log_in
from api.http.streams import BODY, BodyDep, StreamRoute, length_in, streamed

router = Router(route_class=StreamRoute)
OF_ROOM: Final = "/rooms/{room_id}/avatar"
OF_BOT: Final = "/bots/{user_id}/avatar"
REFUSED: Final = refuses(BadFile, TooLarge, QuotaReached, UnsupportedMediaType, BadRequest)


@router.put(
    "/users/me/avatar",
    tags=["users"],
    dependencies=[NEEDS_MEMORY],
    responses=REFUSED,
    openapi_extra=BODY,
)
@needs_log_in
async def set_avatar(request: Request, identity: IdentityDep, avatars: AvatarsDep, body: BodyDep) -> Me:
    """Show the caller with a picture, of which the square in its middle is kept. The body is the picture itself."""
    user_id = identity.user.id
    user = await avatars.set_of_user(user_id, user_id, _size(request), body)
    return Me.of(user, admin=identity.is_admin)


@router.delete("/users/me/avatar", tags=["users"])
@needs_log_in
async def remove_avatar(identity: IdentityDep, avatars: AvatarsDep) -> Me:
    """Show the caller without a picture."""
    user = await avatars.remove_of_user(identity.user.id, identity.user.id)
    return Me.of(user, admin=identity.is_admin)


@router.put(
    OF_BOT,
    tags=["bots"],
    dependencies=[NEEDS_MEMORY],
    responses=REFUSED | refuses(NotFound),
    openapi_extra=BODY,
)
@needs_log_in
async def set_avatar_of_bot(  # noqa: PLR0913, PLR0917  what FastAPI hands in
    user_id: str,
    request: Request,
    identity: IdentityDep,
    bots: BotsDep,
    avatars: AvatarsDep,
    body: BodyDep,
) -> BotOut:
    """Show a bot of the caller with a picture, of which the square in its middle is kept."""
    bot = await bots.bot(identity.user.id, user_id)
    return BotOut.of(await avatars.set_of_user(bot.id, identity.user.id, _size(request), body))


@router.delete(OF_BOT, tags=["bots"], responses=refuses(NotFound))
@needs_log_in
async def remove_avatar_of_bot(
    user_id: str, identity: IdentityDep, bots: BotsDep, avatars: AvatarsDep
) -> BotOut:
    """Show a bot of the caller without a picture."""
    bot = await bots.bot(identity.user.id, user_id)
    return BotOut.of(await avatars.remove_of_user(bot.id, identity.user.id))


@router.put(
    OF_ROOM,
    response_model=RoomOut,
    tags=["rooms"],
    dependencies=[NEEDS_MEMORY],
    responses=REFUSED | refuses(Forbidden),
    openapi_extra=BODY,
)
@manages
async def set_avatar_of_room(
    room_id: str, request: Request, identity: IdentityDep, avatars: AvatarsDep, body: BodyDep
) -> Response:
    """Show a room with a picture, of which the square in its middle is kept. Owners and moderators may do it."""
    return answer(room_json(await avatars.set_of_room(room_id, identity.user, _size(request), body)))


@router.delete(OF_ROOM, response_model=RoomOut, tags=["rooms"], responses=refuses(Forbidden))
@manages
async def remove_avatar_of_room(room_id: str, identity: IdentityDep, avatars: AvatarsDep) -> Response:
    """Show a room without a picture."""
    return answer(room_json(await avatars.remove_of_room(room_id, identity.user)))


@router.delete("/admin/users/{user_id}/avatar", status_code=204, tags=["admin"], responses=refuses(NotFound))
@needs_log_in
async def take_avatar_away(user_id: str, admin: AdminDep, actor: ActorDep, avatars: AvatarsDep) -> None:
    """Take the picture of a user away. It is in the audit log."""
    account = await admin.account(user_id)
    await avatars.remove_of_user(account.user.id, actor.user_id or "")
    await admin.record_avatar_removed(account.user.id, actor)


@router.get(
    "/avatars/{avatar}/{size}",
    tags=["files"],
    response_class=Response,
    responses={
        200: {"content": {"image/webp": {}}, "description": "The picture"},
        206: {"description": "The range that was asked for"},
        304: {"description": "What you have is the same"},
        416: {"description": "There is no such range"},
    },
)
async def show_avatar(avatar: str, size: AvatarSize, request: Request, avatars: AvatarsDep) -> Response:
    """Return a picture, 96 or 384 pixels a side. Who has the address needs no account; it never shows another."""
    opened = await avatars.open(avatar, size)
    return streamed(
        request,
        lambda begin, end: avatars.read(opened, begin, end),
        size=opened.size,
        etag=opened.etag,
        media_type=opened.media_type,
        headers=opened.headers,
    )


def _size(request: Request) -> int:
    size = length_in(request, "content-length")
    if size is None:
        raise BadRequest("Say the size of the picture by Content-Length")
    return size
