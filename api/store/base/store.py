"""Declares `Store`, the interface to a database, and the promises that every store keeps.

Both backends keep these promises whatever crashes, and `tests/store/` tests them on each backend. The promises of a
part stand in the file of its noun.

- **Durable**: when `log.append` returns, the entry survives a crash of every process and of the machine.
- **Ordered**: per room `seq` is 1, 2, 3, ... without holes, and n + 1 is never visible before n.
- **Once**: `(user_id, ref)` has at most one seq, however often and wherever it is retried, at any age.
- **Whole**: after `changes.open()` is entered, every entry appended later to a wanted room comes out of it at least
  once, and each room's entries in the order of seq. When that can no longer be promised, the iteration raises
  `Unavailable`.
- **Real**: what comes out of `changes.open()` is durable: no crash takes back an entry that was shown to anybody.
- **Honest**: every method raises `Unavailable` when it cannot know the answer; it never guesses. Retrying is safe.

Every read that decides something sees every write that was acknowledged before the read began.
"""

from abc import ABC, abstractmethod
from enum import Enum

from api.store.base.accounts import AccountStore
from api.store.base.attachments import AttachmentStore
from api.store.base.attempts import AttemptStore
from api.store.base.audit import AuditStore
from api.store.base.blocks import BlockStore
from api.store.base.changes import ChangeStore
from api.store.base.consumers import ConsumerStore
from api.store.base.deletions import DeletionStore
from api.store.base.deliveries import DeliveryStore
from api.store.base.erasure import ErasureStore
from api.store.base.hooks import HookStore
from api.store.base.invites import InviteStore
from api.store.base.leases import LeaseStore
from api.store.base.log import LogStore
from api.store.base.members import MemberStore
from api.store.base.mentions import MentionStore
from api.store.base.nodes import NodeStore
from api.store.base.pauses import PauseStore
from api.store.base.positions import PositionStore
from api.store.base.presence import PresenceStore
from api.store.base.reports import ReportStore
from api.store.base.rooms import RoomStore
from api.store.base.sessions import SessionStore
from api.store.base.signals import SignalStore
from api.store.base.webhooks import WebhookStore


class Opening(Enum):
    """What opening a store may change. Only `tailwire serve` and `tailwire init` prepare a database.

    So a typing error in a path makes no empty database, and a command of a newer version does not change the tables
    under a server of an older one.
    """

    PREPARE = "make a database that is missing, and bring an older one up to date"
    USE = "read and write a database that is there and up to date"
    LOOK = "read it, and leave all that it keeps as it is"


class Store(ABC):
    """The database, in one part for each noun.

    `open_store` makes a store, and its caller closes it. The parts are safe for concurrent use. A method's name means
    the same in every part: `create` stores a new record; `get` returns one record by its id, or None; `get_many`
    returns those of several records that exist; `all`, `of_user`, `of_room`, `public` and `named` list records.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        sessions: SessionStore,
        rooms: RoomStore,
        members: MemberStore,
        mentions: MentionStore,
        log: LogStore,
        blocks: BlockStore,
        reports: ReportStore,
        deletions: DeletionStore,
        pauses: PauseStore,
        audit: AuditStore,
        attachments: AttachmentStore,
        attempts: AttemptStore,
        hooks: HookStore,
        invites: InviteStore,
        erasure: ErasureStore,
        changes: ChangeStore,
        signals: SignalStore,
        leases: LeaseStore,
        nodes: NodeStore,
        positions: PositionStore,
        consumers: ConsumerStore,
        presence: PresenceStore,
        webhooks: WebhookStore,
        deliveries: DeliveryStore,
    ) -> None:
        self.accounts = accounts
        self.sessions = sessions
        self.rooms = rooms
        self.members = members
        self.mentions = mentions
        self.log = log
        self.blocks = blocks
        self.reports = reports
        self.deletions = deletions
        self.pauses = pauses
        self.audit = audit
        self.attachments = attachments
        self.attempts = attempts
        self.hooks = hooks
        self.invites = invites
        self.erasure = erasure
        self.changes = changes
        self.signals = signals
        self.leases = leases
        self.nodes = nodes
        self.positions = positions
        self.consumers = consumers
        self.presence = presence
        self.webhooks = webhooks
        self.deliveries = deliveries

    @abstractmethod
    async def close(self) -> None:
        """Close every connection, and end every thread and task. Calls that are under way raise `Unavailable`."""

    @abstractmethod
    async def check(self) -> None:
        """Check that the database can be read and written, without changing it. Raises `Unavailable` if it cannot.

        A database that another program keeps locked answers late; the caller decides how long it waits.
        """

    def size_bytes(self) -> int | None:
        """Return how much room the database takes on this machine's disk. None where the database is elsewhere."""
        return None

    @abstractmethod
    async def clock(self) -> int:
        """Return the time by the database's clock, in milliseconds since 1970, so that clock skew can be found."""

    @abstractmethod
    async def keep(self, name: str, value: str) -> str:
        """Store `value` under `name` for ever, unless a value is stored there already. Returns the stored value."""

    @abstractmethod
    async def kept(self, name: str) -> str | None:
        """Return the value that is stored under `name`, or None."""
