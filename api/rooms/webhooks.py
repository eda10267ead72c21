"""Makes, changes, lists and ends the webhooks of rooms. `api/jobs/webhooks.py` posts to them."""

import asyncio
import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from api.clock import MS_PER_DAY, now_ms
from api.errors import EpochChanged, Invalid, NotFound
from api.ids import random_id
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record
from api.models.page import Page
from api.models.rooms import Role
from api.models.webhooks import (
    BY_SERVER,
    SECRET_PREFIX,
    Beginning,
    Delivery,
    PausedBy,
    Repeat,
    Webhook,
    WebhookChange,
)
from api.rooms import policy
from api.rooms.members import MemberService
from api.rooms.operations import Operation
from api.store.base.store import Store

SECRET_BYTES: Final = 32
EARLIER_MS: Final = MS_PER_DAY
"""For so long the secret before a new one signs, too, so that receivers have time to take the new one."""

MOST_PAUSED: Final = 100
"""At most so many paused webhooks are listed to their user together."""
ROOMS_TOGETHER: Final = 50
"""The memberships and webhooks of so many rooms of a user are read at the same time."""

CheckUrl: TypeAlias = Callable[[str], str]
"""Returns a URL in normal form to which this server may post. Raises `Invalid`."""
OnChanged: TypeAlias = Callable[[str], None]
"""Is told of each room whose webhooks have changed."""


class WebhookService:
    """The webhooks of rooms. Owners manage them; every member may see which there are, but no more than the hosts."""

    def __init__(  # noqa: PLR0913  its dependencies
        self,
        store: Store,
        members: MemberService,
        throttles: Throttles,
        caps: Caps,
        record: Record,
        *,
        check_url: CheckUrl,
        on_changed: OnChanged,
    ) -> None:
        self._store = store
        self._members = members
        self._throttles = throttles
        self._caps = caps
        self._record = record
        self._check_url = check_url
        self._on_changed = on_changed

    async def make(
        self, room_id: str, by: str, *, url: str, kinds: Sequence[str] | None, paused: bool
    ) -> Webhook:
        """Make a webhook, which is sent what is written from now on. Raises `Invalid`, also at a cap."""
        await self._members.require(room_id, by, Operation.MANAGE_WEBHOOKS)
        self._throttles.send(by)
        url = self._check_url(url)
        await self._caps.one_more_webhook(room_id)
        head = (await self._store.log.heads([room_id])).get(room_id)
        if head is None:
            raise NotFound
        webhook = Webhook(
            random_id(),
            room_id,
            url,
            kinds=_normal(kinds),
            secret=new_secret(),
            made_by=by,
            created_at=now_ms(),
            start=Beginning(head.epoch, head.seq),
            paused=PausedBy.OWNER if paused else None,
        )
        await self._store.webhooks.create(webhook)
        await self._tell(Audited.WEBHOOK_MADE, webhook, by)
        return webhook

    async def of_room(self, room_id: str, by: str) -> tuple[list[Webhook], bool]:
        """Return the webhooks of a room, oldest first, and whether the caller manages them."""
        member = await self._members.require(room_id, by, Operation.SEE_INTEGRATIONS)
        manages = policy.allows(Operation.MANAGE_WEBHOOKS, policy.facts_of(member))
        return await self._store.webhooks.of_room(room_id), manages

    async def paused_of(self, user_id: str) -> list[Webhook]:
        """Return the webhooks that a user has made in rooms that they own now, and that the server has paused."""
        room_ids = (await self._store.members.rooms_of([user_id])).get(user_id, [])
        found: list[Webhook] = []
        for begin in range(0, len(room_ids), ROOMS_TOGETHER):
            places = [(room_id, user_id) for room_id in room_ids[begin : begin + ROOMS_TOGETHER]]
            members = await self._store.members.get_many(places)
            owned = [room_id for (room_id, _), member in members.items() if member.role is Role.OWNER]
            for webhooks in await asyncio.gather(*map(self._store.webhooks.of_room, owned)):
                found += [one for one in webhooks if one.made_by == user_id and one.paused in BY_SERVER]
        return sorted(found, key=lambda one: (one.created_at, one.id))[:MOST_PAUSED]

    async def change(self, room_id: str, webhook_id: str, by: str, change: WebhookChange) -> Webhook:
        """Change a webhook. Raises `NotFound`, `Invalid`.

        One with a new URL is tried at once, and so is one that is to go on, also where it waits and is not paused.
        """
        await self._require(room_id, webhook_id, by)
        url = None if change.url is None else self._check_url(change.url)

        def changed(one: Webhook) -> Webhook:
            then = one
            if url is not None and url != one.url:
                then = replace(then, url=url, trouble=None)
            if change.has_kinds and _normal(change.kinds) != one.kinds:
                then = replace(then, kinds=_normal(change.kinds), trouble=None)
            if change.paused is True and one.paused is None:
                then = replace(then, paused=PausedBy.OWNER)
            if change.paused is False:
                then = replace(then, paused=None, trouble=None)
            return then

        return await self._change(webhook_id, by, changed, Audited.WEBHOOK_CHANGED)

    async def renew_secret(self, room_id: str, webhook_id: str, by: str) -> Webhook:
        """Give a webhook a new secret. The one before signs along for `EARLIER_MS`. Raises `NotFound`."""
        await self._require(room_id, webhook_id, by)
        secret = new_secret()

        def renewed(one: Webhook) -> Webhook:
            until = now_ms() + EARLIER_MS
            return replace(one, secret=secret, earlier_secret=one.secret, earlier_until=until)

        return await self._change(webhook_id, by, renewed, Audited.WEBHOOK_CHANGED)

    async def replay(  # noqa: PLR0913  what the request says
        self, room_id: str, webhook_id: str, by: str, *, from_seq: int, to_seq: int | None, epoch: str | None
    ) -> Repeat:
        """Send the entries from one seq up to another once more, or up to the last that was sent.

        What is still to be sent once more of an earlier replay stays so. Returns the range as it is then. Raises
        `NotFound`, `EpochChanged`, and `Invalid` for a range that is empty or was not sent yet.
        """
        webhook = await self._require(room_id, webhook_id, by)
        found = await self._store.positions.of_each({webhook.follower: room_id})
        if webhook.follower not in found:
            raise NotFound
        log = found[webhook.follower]
        if epoch is not None and epoch != log.head.epoch:
            raise EpochChanged
        start = webhook.start.seq if webhook.start.epoch == log.head.epoch else log.began
        reached = start if log.reached is None else log.reached
        until = reached if to_seq is None else min(to_seq, reached)
        if from_seq > until:
            raise Invalid("Nothing of this range has been sent yet")

        def repeating(one: Webhook) -> Webhook:
            wanted = Repeat(log.head.epoch, from_seq, until)
            if one.replay is not None and one.replay.epoch == wanted.epoch:
                first, last = min(one.replay.seq, from_seq), max(one.replay.until, until)
                wanted = Repeat(wanted.epoch, first, last)
            return replace(one, replay=wanted)

        then = await self._change(webhook_id, by, repeating, Audited.WEBHOOK_REPLAYED)
        return then.replay or Repeat(log.head.epoch, from_seq, until)

    async def end(self, room_id: str, webhook_id: str, by: str) -> None:
        """End a webhook: nothing more is sent. Raises `NotFound`."""
        webhook = await self._require(room_id, webhook_id, by)
        if not await self._store.webhooks.end(room_id, webhook_id):
            raise NotFound
        await self._tell(Audited.WEBHOOK_ENDED, webhook, by)

    async def deliveries(  # noqa: PLR0913  what the request says
        self, room_id: str, webhook_id: str, by: str, *, dead: bool, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        """List the newest attempts of a webhook, or its dead letters. Raises `NotFound`, `BadCursor`."""
        await self._members.require(room_id, by, Operation.MANAGE_WEBHOOKS)
        await self._get(room_id, webhook_id)
        return await self._store.deliveries.of_webhook(webhook_id, dead=dead, cursor=cursor, limit=limit)

    async def _require(self, room_id: str, webhook_id: str, by: str) -> Webhook:
        await self._members.require(room_id, by, Operation.MANAGE_WEBHOOKS)
        self._throttles.send(by)
        return await self._get(room_id, webhook_id)

    async def _get(self, room_id: str, webhook_id: str) -> Webhook:
        webhook = await self._store.webhooks.get(webhook_id)
        if webhook is None or webhook.room_id != room_id:
            raise NotFound
        return webhook

    async def _change(
        self, webhook_id: str, by: str, change: Callable[[Webhook], Webhook], event: Audited
    ) -> Webhook:
        """Store a change on top of what others change at the same time."""
        while (standing := await self._store.webhooks.get(webhook_id)) is not None:
            wanted = change(standing)
            if wanted == standing:
                return standing
            stored = await self._store.webhooks.replace(wanted)
            if stored == replace(wanted, version=wanted.version + 1):
                await self._tell(event, stored, by)
                return stored
        raise NotFound

    async def _tell(self, event: Audited, webhook: Webhook, by: str) -> None:
        self._on_changed(webhook.room_id)
        await self._record(event, actor_id=by, subject_id=None, address=None, room_id=webhook.room_id)


def new_secret() -> str:
    """Return a secret by Standard Webhooks: `whsec_` and random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _normal(kinds: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if kinds is None else tuple(sorted(set(kinds)))
