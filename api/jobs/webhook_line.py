"""How far one webhook has come, as the process knows it that posts to it. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from api.models.followers import FollowerPosition, Progress
from api.models.webhooks import Repeat, Webhook

RESET_SEQ: Final = 0
"""The seq under which the attempts to tell a webhook of a restore are counted. No entry has it."""


@dataclass(slots=True, eq=False)
class WebhookLine:
    """One webhook: what is stored of it, and what is not yet.

    `position` is how far it has come, and `replay` what it is sent once more before it goes on. `head` is the last seq
    of the room that is known, and `wakes` counts how often it was told of a new one.
    """

    webhook: Webhook
    position: FollowerPosition
    head: int
    replay: Repeat | None = None
    wakes: int = 0
    unwritten: int = 0
    retry_at: int | None = None
    is_busy: bool = False
    has_ended: bool = False

    @classmethod
    def of(cls, webhook: Webhook, log: Progress) -> "WebhookLine":
        """Begin with what is stored."""
        position = log.position or FollowerPosition(webhook.room_id, webhook.start.epoch, webhook.start.seq)
        return cls(webhook, position, log.head.seq, webhook.replay)

    def adopt(self, webhook: Webhook, *, is_set_back: bool = False) -> None:
        """Take what is stored of a webhook, which somebody else may have changed.

        An earlier version is what was read before a change came, unless the database `is_set_back`.
        """
        if webhook.version <= self.webhook.version and not is_set_back:
            return
        if webhook.replay != self.webhook.replay:
            self.replay = webhook.replay
        self.webhook = webhook

    @property
    def after(self) -> int:
        """The seq after which the next entry to send comes."""
        return self.position.seq if self.replay is None else self.replay.seq - 1

    @property
    def lag(self) -> int:
        """How many entries are not sent yet, as far as is known. What is sent once more does not count."""
        return max(0, self.head - self.position.seq)

    @property
    def is_waiting(self) -> bool:
        """Whether an attempt has failed, and another is made later."""
        return self.webhook.trouble is not None and self.webhook.paused is None

    def waits(self, now: int) -> bool:
        """Say whether nothing is to be tried before `webhook.trouble.next_at`."""
        trouble = self.webhook.trouble
        if trouble is None or trouble.next_at <= now:
            return False
        # What was noted before a crash may be about an entry that has been left behind since.
        return trouble.seq == RESET_SEQ or trouble.seq > self.after

    def passed(self, seq: int) -> None:
        """Leave the entry `seq` behind."""
        self.unwritten += 1
        if self.replay is None:
            self.position = replace(self.position, seq=seq)
        else:
            self.replay = replace(self.replay, seq=seq + 1) if seq < self.replay.until else None

    def begin_epoch(self, epoch: str, seq: int) -> None:
        """Go on in a log that has begun anew after `seq`."""
        self.unwritten += 1
        self.position = FollowerPosition(self.position.room_id, epoch, seq)
        self.replay = None
