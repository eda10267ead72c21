"""Makes the background jobs of a node."""

from dataclasses import dataclass

from api.jobs.deletion import RoomDeletion
from api.jobs.erasure import Erasure, How
from api.jobs.followers import Follower, Followers
from api.jobs.leases import LeaseHolder
from api.jobs.posting import Post
from api.jobs.webhooks import WebhookSender
from api.models.accounts import Record
from api.models.changes import Tell
from api.store.base.store import Store


@dataclass(frozen=True, slots=True)
class Jobs:
    """The background jobs of a node."""

    leases: LeaseHolder
    erasure: Erasure
    deletion: RoomDeletion
    followers: Followers
    webhooks: WebhookSender


def wire_jobs(store: Store, *, erase: How, post: Post, record: Record, tell: Tell) -> Jobs:
    """Return the background jobs. `erase` says what becomes of the messages of an erased account."""
    leases = LeaseHolder(store)
    return Jobs(
        leases,
        Erasure(store, leases, erase),
        RoomDeletion(store, leases),
        Followers(followers_of(store, leases)),
        WebhookSender(store, leases, post, record, tell),
    )


def followers_of(_store: Store, _leases: LeaseHolder, /) -> list[Follower]:
    """Return the followers that every node is ready to run. A feature that may miss no entry adds its own here."""
    return []
