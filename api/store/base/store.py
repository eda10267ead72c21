"""What Tailwire asks of a database, and what the database promises.

Both backends keep these promises, whatever crashes; `tests/store/` runs on each of them. The promises of each part
stand in the file of its noun.

- **Durable**: when `log.append` returns, the entry survives a crash of every process and of the machine.
- **Ordered**: per room `seq` is 1, 2, 3, ... without holes, and n + 1 is never visible before n.
- **Once**: `(user_id, ref)` has at most one seq, however often and wherever it is retried, at any age.
- **Whole**: after `changes.open()` is entered, every entry appended later to a room that is wanted comes out of it at
  least once, each room's in the order of seq; when that can no longer be promised the iteration raises `Unavailable`.
- **Real**: what comes out of `changes.open()` is durable: no crash takes back what somebody has been shown.
- **Honest**: every method raises `Unavailable` when it cannot know; it never guesses. Retrying is safe.

Every read that decides something sees every write acknowledged before it began.
"""

from abc import ABC, abstractmethod

from api.store.base.accounts import AccountStore
from api.store.base.attempts import AttemptStore
from api.store.base.audit import AuditStore
from api.store.base.changes import ChangeStore
from api.store.base.erasure import ErasureStore
from api.store.base.log import LogStore
from api.store.base.members import MemberStore
from api.store.base.rooms import RoomStore
from api.store.base.sessions import SessionStore


class Store(ABC):
    """The database, in one part for each noun.

    `open_store` makes it, and whoever opened it closes it. Its parts are safe for concurrent use. In every part a
    method does the same under the same name: `create` stores a new record; `get` returns one record by its id, or
    None; `get_many` returns those of several that exist; `all`, `of_user`, `of_room`, `public` and `named` list.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        sessions: SessionStore,
        rooms: RoomStore,
        members: MemberStore,
        log: LogStore,
        audit: AuditStore,
        attempts: AttemptStore,
        erasure: ErasureStore,
        changes: ChangeStore,
    ) -> None:
        self.accounts = accounts
        self.sessions = sessions
        self.rooms = rooms
        self.members = members
        self.log = log
        self.audit = audit
        self.attempts = attempts
        self.erasure = erasure
        self.changes = changes

    @abstractmethod
    async def close(self) -> None:
        """Let go of every connection, thread and task. Calls in flight raise `Unavailable`."""

    @abstractmethod
    async def check(self) -> None:
        """Ask the database for a sign of life. Raises `Unavailable`."""

    @abstractmethod
    async def clock(self) -> int:
        """Return the database's idea of now, in milliseconds, for finding clock skew."""

    @abstractmethod
    async def keep(self, name: str, value: str) -> str:
        """Keep `value` under `name` for ever, unless a value is kept there already; return the one that is kept."""
