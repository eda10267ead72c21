"""The bodies of webhooks and their deliveries."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field

from api.http.bodies.forms import Answer
from api.models.webhooks import Delivery, Outcome, PausedBy, Repeat, Webhook, WebhookChange
from api.protocol.fields import Epoch, Seq, Strict, timestamp

Url = Annotated[str, Field(min_length=1, max_length=2_048)]
KindName = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")]
Kinds = Annotated[list[KindName], Field(min_length=1, max_length=32)]


class NewWebhook(Strict):
    """A webhook to make. It is sent the entries of these `kinds`, or of all."""

    url: Url
    kinds: Kinds | None = None
    paused: bool = False


class ChangedWebhook(Strict):
    """What to change of a webhook. What is left out stays; `kinds` null means all."""

    url: Url | None = None
    kinds: Kinds | None = None
    paused: bool | None = None

    def changing(self) -> WebhookChange:
        """Return what is to be changed."""
        given = self.model_fields_set
        kinds = None if self.kinds is None else tuple(self.kinds)
        return WebhookChange(self.url, kinds, has_kinds="kinds" in given, paused=self.paused)


class NewReplay(Strict):
    """The entries to send once more: up to `to_seq`, or up to the last that was sent.

    With another `epoch` than the room's nothing is sent.
    """

    from_seq: Seq
    to_seq: Seq | None = None
    epoch: Epoch | None = None


class ReplayOut(Answer):
    """The entries that are sent once more before the webhook goes on."""

    epoch: str
    from_seq: int
    to_seq: int

    @classmethod
    def of(cls, repeat: Repeat) -> "ReplayOut":
        """Make it from its record."""
        return cls(epoch=repeat.epoch, from_seq=repeat.seq, to_seq=repeat.until)


class WebhookOut(Answer):
    """A webhook. Its `url` is null for who does not manage it, as it may hold a secret; `host` is for all.

    It is `waiting` after an attempt that failed: since when, what the receiver answered last (null: nothing), and when
    the next attempt is. `paused_by` says why it is `paused`.
    """

    webhook_id: str
    room_id: str
    host: str
    url: str | None
    kinds: list[str] | None
    made_by: str
    created_at: str
    state: Literal["active", "waiting", "paused"]
    paused_by: PausedBy | None
    waiting_since: str | None
    next_attempt_at: str | None
    attempts: int
    last_status: int | None
    replay: ReplayOut | None

    @classmethod
    def of(cls, webhook: Webhook, *, with_url: bool) -> "WebhookOut":
        """Make it from its record."""
        trouble, is_paused = webhook.trouble, webhook.paused is not None
        state: Literal["active", "waiting", "paused"] = "paused" if is_paused else "active"
        return cls(
            webhook_id=webhook.id,
            room_id=webhook.room_id,
            host=urlsplit(webhook.url).netloc,
            url=webhook.url if with_url else None,
            kinds=None if webhook.kinds is None else list(webhook.kinds),
            made_by=webhook.made_by,
            created_at=timestamp(webhook.created_at),
            state="waiting" if trouble is not None and not is_paused else state,
            paused_by=webhook.paused,
            waiting_since=trouble and timestamp(trouble.since),
            next_attempt_at=None if trouble is None or is_paused else timestamp(trouble.next_at),
            attempts=0 if trouble is None else trouble.attempts,
            last_status=trouble and trouble.status,
            replay=webhook.replay and ReplayOut.of(webhook.replay),
        )


class MadeWebhook(WebhookOut):
    """A webhook that was just made, with the secret that signs what it is sent. It is not shown again."""

    secret: str

    @classmethod
    def with_secret(cls, webhook: Webhook) -> "MadeWebhook":
        """Make it from its record."""
        return cls(secret=webhook.secret, **WebhookOut.of(webhook, with_url=True).model_dump())


class WebhooksOut(Answer):
    """Webhooks of a room or of a user, oldest first."""

    items: list[WebhookOut]


class SecretOut(Answer):
    """The new secret of a webhook, which is not shown again. The one before signs until `earlier_until`, too."""

    secret: str
    earlier_until: str

    @classmethod
    def of(cls, webhook: Webhook) -> "SecretOut":
        """Make it from the record of its webhook."""
        return cls(secret=webhook.secret, earlier_until=timestamp(webhook.earlier_until))


class DeliveryOut(Answer):
    """One attempt to deliver an entry, or a dead letter. `delivery_id` is the header `webhook-id`.

    `status` is null where no answer came.
    """

    delivery_id: str
    type: str
    epoch: str
    seq: int
    at: str
    attempt: int
    outcome: Outcome
    status: int | None
    milliseconds: int

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """Make it from its record."""
        return cls(
            delivery_id=delivery.id,
            type=delivery.type,
            epoch=delivery.epoch,
            seq=delivery.seq,
            at=timestamp(delivery.at),
            attempt=delivery.attempt,
            outcome=delivery.outcome,
            status=delivery.status,
            milliseconds=delivery.milliseconds,
        )


class DeliveriesOut(Answer):
    """A page of deliveries, newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None
