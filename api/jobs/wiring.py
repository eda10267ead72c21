"""Makes the background jobs of a node."""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from api.clock import MS_PER_HOUR
from api.config import Settings
from api.files.pictures import Pictures
from api.files.store import FileStore
from api.jobs.deletion import RoomDeletion, nothing_to_remove
from api.jobs.erasure import LOOK_SECONDS, Erasure, How
from api.jobs.files import FileFollower, FileRemoval
from api.jobs.followers import Follower, Followers
from api.jobs.leases import LeaseHolder
from api.jobs.posting import Post
from api.jobs.preview_pictures import PreviewParts
from api.jobs.previews import PreviewFollower
from api.jobs.webhooks import WebhookSender
from api.links.reading import link_reader
from api.models.accounts import Record
from api.models.attachments import FileQuota
from api.models.changes import Tell
from api.store.base.store import Store

PAUSE_SECONDS: Final = 1.0
"""What must not wait is tried again after at most this time."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """The background jobs of a node."""

    leases: LeaseHolder
    erasure: Erasure
    deletion: RoomDeletion
    followers: Followers
    webhooks: WebhookSender
    files: FileRemoval | None
    previews: PreviewFollower | None

    async def close(self) -> None:
        """End what the jobs have started, after their tasks."""
        if self.previews is not None:
            await self.previews.reader.close()

    def tasks(self) -> Iterator[tuple[str, Callable[[], Coroutine[Any, Any, None]], float]]:
        """Yield the name of each task, what it runs, and the longest pause before that is tried again."""
        yield "erasure", self.erasure.run, LOOK_SECONDS
        yield "deletion", self.deletion.run, LOOK_SECONDS
        yield "webhooks", self.webhooks.run, PAUSE_SECONDS
        if self.files is not None:
            yield "files", self.files.run, LOOK_SECONDS
        for follower in self.followers.all:
            yield f"follower {follower.name}", follower.run, PAUSE_SECONDS


def wire_jobs(  # noqa: PLR0913  their dependencies
    store: Store,
    *,
    erase: How,
    post: Post,
    record: Record,
    tell: Tell,
    files: FileStore | None,
    unsent_file_hours: int,
    previews: PreviewParts | None,
) -> Jobs:
    """Return the background jobs. `erase` says what becomes of the messages of an erased account."""
    leases = LeaseHolder(store)
    unsent_ms = unsent_file_hours * MS_PER_HOUR
    removal = None if files is None else FileRemoval(store, leases, files, unsent_ms=unsent_ms)
    on_gone = nothing_to_remove if removal is None else removal.begin
    previewing = None
    if previews is not None:
        on_kept = (lambda: None) if removal is None else removal.used.set
        previewing = PreviewFollower(store, leases, previews, on_kept)
    return Jobs(
        leases,
        Erasure(store, leases, erase, on_files_gone=on_gone),
        RoomDeletion(store, leases, on_files_gone=on_gone),
        Followers(
            [
                *followers_of(store, leases),
                *([] if removal is None else [FileFollower(store, leases, removal)]),
                *([] if previewing is None else [previewing]),
            ]
        ),
        WebhookSender(store, leases, post, record, tell),
        removal,
        previewing,
    )


def followers_of(_store: Store, _leases: LeaseHolder, /) -> list[Follower]:
    """Return the followers that every node is ready to run. A feature that may miss no entry adds its own here."""
    return []


class KeepsFiles(Protocol):
    """What keeps files: their bytes, what looks at pictures, and how much may be kept."""

    @property
    def store(self) -> FileStore:
        """The bytes of files."""

    @property
    def pictures(self) -> Pictures:
        """Looks at pictures."""

    @property
    def quota(self) -> FileQuota:
        """How much may be kept."""


def wire_previews(settings: Settings, files: KeepsFiles | None) -> PreviewParts | None:
    """Return what previews of links are made with, or None where they are off. Without files they have no pictures."""
    if not settings.link_previews:
        return None
    allowed = settings.link_preview_allow
    if files is None:
        return PreviewParts(link_reader(allowed, None, None), None, None)
    return PreviewParts(link_reader(allowed, files.pictures, files.store), files.store, files.quota)
