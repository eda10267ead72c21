"""What Tailwire asks of a database, and what the database promises.

Both backends keep these promises, whatever crashes; `tests/test_store.py` runs on each of them.

- **Durable**: when `append` returns, the entry survives a crash of every process and of the machine.
- **Ordered**: per room `seq` is 1, 2, 3, ... without holes, and n + 1 is never visible before n.
- **Once**: `(user_id, ref)` has at most one seq, however often and wherever it is retried, at any age.
- **Whole**: after `changes()` is entered, every entry appended later to a room that is wanted comes out of it at
  least once, each room's in the order of seq; when that can no longer be promised the iteration raises `Unavailable`.
- **Real**: what comes out of `changes()` is durable: no crash takes back what somebody has been shown.
- **Honest**: every method raises `Unavailable` when it cannot know; it never guesses. Retrying is safe.

Every read that decides something sees every write acknowledged before it began.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

from api.models.accounts import Account, AuditEvent, Rotation, Session, User
from api.models.changes import Change
from api.models.log import Appended, Draft, Entry, Head, History, Message
from api.models.page import Page
from api.models.rooms import Member, MembershipRule, Role, Room, RoomView

Place: TypeAlias = tuple[str, str]
"""Who may be a member of what: a room's id and a user's."""


Wants: TypeAlias = Callable[[str], bool]
"""Says whether somebody is to hear of a room's entries."""


def all_rooms(_room_id: str) -> bool:
    """Want every room."""
    return True


class Store(ABC):
    """The database. Made by `open_store`; to be closed by whoever opened it. Safe for concurrent use."""

    # -- life

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
        """Keep `value` under `name` unless something is kept there; return what is kept. First come, for ever."""

    # -- accounts

    @abstractmethod
    async def create_account(self, account: Account) -> None:
        """Store a new account. Raises `UsernameTaken` when its `username_key` is in use.

        Does not touch the lobby: `join` does.
        """

    @abstractmethod
    async def account_by_name(self, username_key: str) -> Account | None:
        """Return the account with this unique name."""

    @abstractmethod
    async def accounts(self, user_ids: Sequence[str]) -> dict[str, Account]:
        """Return those of these accounts that exist, by the user's id."""

    async def account(self, user_id: str) -> Account | None:
        """Return the account of this user."""
        return (await self.accounts([user_id])).get(user_id)

    @abstractmethod
    async def all_accounts(self, *, cursor: str | None, limit: int) -> Page[Account]:
        """List all accounts, in a stable order. Raises `BadCursor`."""

    @abstractmethod
    async def users_named(self, prefix: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List the users whose username begins so (in lower case), in its order, none that is disabled.

        Raises `BadCursor`, for the cursor of another prefix too.
        """

    @abstractmethod
    async def set_display_name(self, user_id: str, display_name: str) -> User:
        """Change how a user is shown. Raises `NotFound`."""

    @abstractmethod
    async def set_password_hash(self, user_id: str, password_hash: str, *, over: str | None = None) -> None:
        """Replace a password hash; if `over` is given, only that one. Raises `NotFound`."""

    @abstractmethod
    async def set_flags(
        self, user_id: str, *, disabled: bool | None = None, admin: bool | None = None
    ) -> Account:
        """Change those flags that are given. Raises `NotFound`, for an account that is being erased too."""

    # -- sessions

    @abstractmethod
    async def create_session(self, session: Session, *, most: int) -> None:
        """Store a new session. Those of the user that have expired end, and the oldest beyond `most`."""

    @abstractmethod
    async def sessions(self, session_ids: Sequence[str]) -> dict[str, Session]:
        """Return those of these sessions that have not been ended; whether one has expired is the caller's to say."""

    async def session(self, session_id: str) -> Session | None:
        """Return a session that has not been ended."""
        return (await self.sessions([session_id])).get(session_id)

    @abstractmethod
    async def sessions_of(self, user_id: str) -> list[Session]:
        """Return a user's sessions that have not been ended, newest first."""

    @abstractmethod
    async def rotate_refresh(
        self,
        session_id: str,
        *,
        presented_hash: str,
        next_hash: str,
        at: int,
        grace_ms: int,
        expires_at: int,
    ) -> Rotation:
        """Use up a refresh token, atomically.

        Presented is current: next becomes current, presented the first of `used`, `last_used_at` = at and
        `expires_at` are set -> ROTATED. Presented was used up at most `grace_ms` ago, as one of the last
        `USED_KEPT` -> GRACE. Any other token of an existing session -> the session is ended, REUSED. No such
        session -> UNKNOWN.
        """

    @abstractmethod
    async def end_session(self, session_id: str) -> bool:
        """End a session; every `changes()` yields its `SessionEnded`. False when there was none."""

    @abstractmethod
    async def end_sessions(self, user_id: str, *, but: str | None = None) -> list[str]:
        """End a user's sessions, all but one if that is given, as `end_session` does; return which."""

    # -- audit

    @abstractmethod
    async def record(self, event: AuditEvent, *, forget_before: int) -> None:
        """Store an event, durably, and forget those from before that time (milliseconds)."""

    @abstractmethod
    async def audit(self, *, cursor: str | None, limit: int) -> Page[AuditEvent]:
        """List the events, newest first. Raises `BadCursor`."""

    # -- taking an account out; `Erasure` says in which order

    @abstractmethod
    async def begin_erasing(self, user_id: str) -> None:
        """Mark an account as disabled and to be erased; again is harmless. Raises `NotFound`."""

    @abstractmethod
    async def erasing(self) -> list[str]:
        """Return the ids of the accounts that are so marked."""

    @abstractmethod
    async def entries_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[Entry]:
        """List all entries of which a user is the author, in a stable order. Raises `BadCursor`.

        Each one that was stored before the first page was asked for is in it.
        """

    @abstractmethod
    async def anonymise(self, entries: Sequence[Entry], username: str) -> None:
        """Put another name on entries. Nothing else of them changes, and no `changes()` tells of it."""

    @abstractmethod
    async def finish_erasing(self, user_id: str) -> None:
        """Remove an account, which has neither sessions nor memberships left. Its name is free again."""

    # -- attempts

    @abstractmethod
    async def attempt(self, key: str, *, at: int, count: int, window_ms: int) -> int:
        """Count one attempt under `key`, unless `count` were counted in the last `window_ms`; atomically.

        Returns 0 when it was counted, else in how many milliseconds there is room again. It need not outlive a
        crash. A row per key stays: keys are to be few, whatever callers are asked.
        """

    @abstractmethod
    async def forgive(self, key: str, *, at: int) -> None:
        """Take back one attempt counted at `at`; nothing happens when there is none."""

    # -- rooms and members

    @abstractmethod
    async def create_room(self, room: Room, owner: User) -> RoomView:
        """Store a new room with its owner as its one member: seq 1 is the owner's `member` entry."""

    @abstractmethod
    async def room(self, room_id: str) -> Room | None:
        """Return a room."""

    @abstractmethod
    async def room_view(self, room_id: str, user_id: str) -> RoomView | None:
        """Return a room as this user sees it; None when there is no such room. Visibility is the caller's to judge."""

    @abstractmethod
    async def rooms_of(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        """List the rooms a user is a member of, in a stable order. Raises `BadCursor`."""

    @abstractmethod
    async def public_rooms(self, user_id: str, *, cursor: str | None, limit: int) -> Page[RoomView]:
        """List all public rooms as this user sees them, in a stable order. Raises `BadCursor`."""

    @abstractmethod
    async def change_member(
        self, room_id: str, user: User, role: Role | None, *, by: str, at: int, rule: MembershipRule
    ) -> Appended | None:
        """Give a user a role in a room, or with None end their membership, as one fact with its `member` entry.

        `by`: the id of who does so. `rule` is asked how things stand, possibly in another thread and more than
        once; nothing that it was told changes before the entry is stored. None when it says that there is
        nothing to do; what it raises is raised. A new member has read everything up to their entry. Raises
        `NotFound` when there is no such room.
        """

    async def join(self, room_id: str, user: User, role: Role, at: int) -> Appended | None:
        """Admit a user, who joins by themselves. None when they are a member already. Raises `NotFound`."""
        return await self.change_member(
            room_id, user, role, by=user.id, at=at, rule=lambda standing: standing.role is None
        )

    async def leave(self, room_id: str, user: User, at: int) -> Appended | None:
        """End the membership of a user who leaves. None when there was none. Raises `NotFound`."""
        return await self.change_member(
            room_id, user, None, by=user.id, at=at, rule=lambda standing: standing.role is not None
        )

    @abstractmethod
    async def memberships(self, places: Sequence[Place]) -> dict[Place, Member]:
        """Return those of these memberships, (room id, user id), that there are."""

    async def member(self, room_id: str, user_id: str) -> Member | None:
        """Return a membership."""
        return (await self.memberships([(room_id, user_id)])).get((room_id, user_id))

    @abstractmethod
    async def members(self, room_id: str, *, cursor: str | None, limit: int) -> Page[Member]:
        """List a room's members, in a stable order. Raises `BadCursor`."""

    @abstractmethod
    async def mark_read(self, room_id: str, user_id: str, seq: int) -> int:
        """Raise a member's `read_seq` to `seq`, at most to the head, and return it; it never falls.

        Raises `NotFound`.
        """

    @abstractmethod
    async def member_count(self, room_id: str) -> int:
        """Return how many members a room has; 0 for an unknown one."""

    @abstractmethod
    async def room_count(self, user_id: str) -> int:
        """Return how many rooms a user is a member of."""

    # -- the room log

    @abstractmethod
    async def append(self, room_id: str, draft: Draft, *, author: Member | None = None) -> Appended:
        """Add an entry to a room's log; durable when this returns.

        What its author may do is the caller's to check. With the membership that was looked at for that, nothing
        is stored unless it is still as it was: then `MembershipChanged` is raised, and the caller looks again.

        A retry (same user and ref, room, kind and data) returns the entry stored before, with `is_new` False.
        A DELETE erases the target's body, and that of its edits, from storage. `edit`, `delete` and `reaction`
        need an existing `message` as target. Raises `NotFound` (room or target), `RefConflict`, `Unavailable`,
        `StorageFull`. MEMBER drafts are refused: `change_member` makes them.
        """

    @abstractmethod
    async def heads(self, room_ids: Sequence[str]) -> dict[str, Head]:
        """Return where the logs of these rooms end. Unknown rooms are left out."""

    @abstractmethod
    async def log(self, room_id: str, *, after: int, limit: int) -> list[Entry]:
        """Return exactly one entry for each seq in (after, after + limit], in order, up to the head; [] at or past it.

        What is missing, or cannot be read, is an `unreadable` entry, and is logged once. There may be fewer than
        `limit`, when they are long, but at least one; then the caller asks again after the last.
        """

    @abstractmethod
    async def history(
        self, room_id: str, *, before: int | None = None, after: int | None = None, limit: int
    ) -> History:
        """Return the newest `limit` messages below `before` (None: of all), or the oldest above `after`.

        Raises `NotFound`. Not both bounds at once.
        """

    @abstractmethod
    async def message(self, room_id: str, seq: int) -> Message | None:
        """Return one message, folded; None when seq is not a message's."""

    # -- changes

    @abstractmethod
    def changes(self, wants: Wants = all_rooms) -> AbstractAsyncContextManager[AsyncIterator[list[Change]]]:
        """Tail every later change of all rooms and sessions, in batches.

        Entries of rooms that are not wanted when they come may be left out, but for changes of membership. Who begins
        to want a room, and then reads its log, misses nothing.

        A store that finds itself set back, to an earlier state than an earlier tail has told of, begins new
        epochs and yields `Restored` first.

        Entering returns once the tail is open: see *Whole* above. Yields a batch at least every
        `QUIET_SECONDS`, of a lone `Quiet` when nothing happened; raises `Unavailable` when the database is
        lost or has been silent for longer than two such beats. An entry that is missing, or cannot be read, comes as
        `unreadable`, so that between two entries of a room that is wanted there is none missing; it is logged once.
        Any other row that makes no sense is skipped and logged once. Neither stops the tail.
        """


USED_KEPT = 32
"""Refresh tokens of a session that are remembered as used: more than are used within any grace in earnest."""

QUIET_SECONDS = 5.0
"""How often a healthy feed yields something: two beats missed (10 s) and it is taken for dead, which with the
reopening stays inside the 12 s in which a paused database must be noticed."""
