"""/rooms/{room_id}/webhooks: making, changing and ending webhooks, their deliveries, replays, and which are paused."""

from api.errors import EpochChanged, Forbidden, NotFound
from api.http.bodies.webhooks import (
    ChangedWebhook,
    DeliveriesOut,
    DeliveryOut,
    MadeWebhook,
    NewReplay,
    NewWebhook,
    ReplayOut,
    SecretOut,
    WebhookOut,
    WebhooksOut,
)
from api.http.caller import IdentityDep
from api.http.deps import WebhooksDep
from api.http.openapi import refuses
from api.http.query import Cursor, Flag, Limit
from api.http.routing import Router
from api.http.scopes import manages, reads
from api.http.strict import StrictRoute

router = Router(tags=["webhooks"], route_class=StrictRoute)
PATH = "/rooms/{room_id}/webhooks"
ONE = PATH + "/{webhook_id}"


@router.post(PATH, status_code=201, responses=refuses(Forbidden))
@manages
async def make_webhook(
    room_id: str, body: NewWebhook, identity: IdentityDep, webhooks: WebhooksDep
) -> MadeWebhook:
    """Make a webhook: what is written to the room from now on is posted to its URL. Only this answer has its secret."""
    made = await webhooks.make(room_id, identity.user.id, url=body.url, kinds=body.kinds, paused=body.paused)
    return MadeWebhook.with_secret(made)


@router.get(PATH, responses=refuses())
@reads
async def list_webhooks(room_id: str, identity: IdentityDep, webhooks: WebhooksDep) -> WebhooksOut:
    """List the webhooks of a room, oldest first. Every member may."""
    found, manages = await webhooks.of_room(room_id, identity.user.id)
    return WebhooksOut(items=[WebhookOut.of(one, with_url=manages) for one in found])


@router.get("/users/me/webhooks/paused")
@reads
async def list_paused_webhooks(identity: IdentityDep, webhooks: WebhooksDep) -> WebhooksOut:
    """List the webhooks that the caller has made and the server has paused, in rooms that the caller owns now.

    The oldest come first, and 100 at most.
    """
    paused = [one for one in await webhooks.paused_of(identity.user.id) if identity.reaches(one.room_id)]
    return WebhooksOut(items=[WebhookOut.of(one, with_url=True) for one in paused])


@router.patch(ONE, responses=refuses(Forbidden))
@manages
async def change_webhook(
    room_id: str, webhook_id: str, body: ChangedWebhook, identity: IdentityDep, webhooks: WebhooksDep
) -> WebhookOut:
    """Change a webhook, pause it, or let it go on with the entry that it stopped at."""
    changed = await webhooks.change(room_id, webhook_id, identity.user.id, body.changing())
    return WebhookOut.of(changed, with_url=True)


@router.delete(ONE, status_code=204, responses=refuses(Forbidden))
@manages
async def end_webhook(room_id: str, webhook_id: str, identity: IdentityDep, webhooks: WebhooksDep) -> None:
    """End a webhook, with its deliveries. Nothing more is posted."""
    await webhooks.end(room_id, webhook_id, identity.user.id)


@router.post(ONE + "/secret", responses=refuses(Forbidden))
@manages
async def renew_webhook_secret(
    room_id: str, webhook_id: str, identity: IdentityDep, webhooks: WebhooksDep
) -> SecretOut:
    """Give a webhook a new secret. For a day the one before signs too, so that receivers can take the new one."""
    renewed = await webhooks.renew_secret(room_id, webhook_id, identity.user.id)
    return SecretOut.of(renewed)


@router.get(ONE + "/deliveries", responses=refuses(Forbidden))
@reads
async def list_deliveries(  # noqa: PLR0913, PLR0917  the query
    room_id: str,
    webhook_id: str,
    identity: IdentityDep,
    webhooks: WebhooksDep,
    dead: Flag = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DeliveriesOut:
    """List the newest attempts of a webhook, or with `dead` the entries that its receiver did not take."""
    page = await webhooks.deliveries(
        room_id, webhook_id, identity.user.id, dead=dead, cursor=cursor, limit=limit
    )
    return DeliveriesOut(items=[DeliveryOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.post(ONE + "/replay", status_code=202, responses=refuses(Forbidden, NotFound, EpochChanged))
@manages
async def replay(
    room_id: str, webhook_id: str, body: NewReplay, identity: IdentityDep, webhooks: WebhooksDep
) -> ReplayOut:
    """Send entries once more that were sent before, under the same ids, before the webhook goes on."""
    repeat = await webhooks.replay(
        room_id,
        webhook_id,
        identity.user.id,
        from_seq=body.from_seq,
        to_seq=body.to_seq,
        epoch=body.epoch,
    )
    return ReplayOut.of(repeat)
