"""Makes and ends the incoming hooks of rooms, and posts what other programs send to them."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from api.clock import now_ms
from api.errors import Banned, Forbidden, Invalid, NotFound, TailwireError, Unavailable
from api.ids import random_secret
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import Audited, Record, User
from api.models.hooks import SECRET_PREFIX, Hook, hook_id
from api.models.log import MAX_MENTIONS, Appended, EntryData, Json, Kind, ShownAs
from api.models.page import Page
from api.models.rooms import Member, Role, ending, joining
from api.rooms.members import MemberService
from api.rooms.mentions import MentionService
from api.rooms.operations import Operation
from api.rooms.writing import Author, Writing
from api.store.base.store import Store

MOST_HOOKS: Final = 100
"""A room has at most this many hooks."""

STALE_MS: Final = 60_000
"""A use is stored again when the stored one is older than this, so a hook costs one more write a minute at most."""

MakeBot: TypeAlias = Callable[[str], Awaitable[User]]
"""Makes the account of a bot that is shown by a name."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A message that may be posted to a hook: its hook, and its bot's membership."""

    hook: Hook
    author: Author
    member: Member


class HookService:
    """Makes, lists and ends hooks, and posts messages to them.

    Each hook writes as a bot of its own, which is a member of its room. So what is true of a member's messages is true
    of a hook's: who is removed, banned or slowed, and what is archived. Methods raise `Forbidden` for what a user may
    see but not do, and `NotFound` for what they may not see.
    """

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        members: MemberService,
        mentions: MentionService,
        writing: Writing,
        throttles: Throttles,
        caps: Caps,
        record: Record,
        make_bot: MakeBot,
    ) -> None:
        self._store = store
        self._members = members
        self._mentions = mentions
        self._writing = writing
        self._throttles = throttles
        self._caps = caps
        self._record = record
        self._make_bot = make_bot
        self.post_counts: Counter[str] = Counter()

    async def make(self, room_id: str, by: User, name: str, address: str | None) -> tuple[Hook, str]:
        """Make a hook, and return it with its secret, which is not stored.

        It is in the audit log when this returns. Raises `RateLimited`, and `Invalid` at a cap.
        """
        await self._members.require(room_id, by.id, Operation.MANAGE_HOOKS)
        self._throttles.send(by.id)
        there = await self._store.hooks.of_room(room_id, cursor=None, limit=MOST_HOOKS)
        if len(there.items) >= MOST_HOOKS:
            raise Invalid("The room has as many hooks as it may", code="limit")
        await self._caps.one_more_member(room_id)
        secret = SECRET_PREFIX + random_secret()
        bot = await self._make_bot(name)
        hook = Hook(hook_id(secret), room_id, bot.id, name, by.id, now_ms())
        await self._store.hooks.create(hook)
        await self._store.members.change(room_id, bot, by=by.id, at=now_ms(), rule=joining(Role.MEMBER))
        await self._note(Audited.HOOK_MADE, hook, by, address)
        return hook, secret

    async def of_room(self, room_id: str, by: str, *, cursor: str | None, limit: int) -> Page[Hook]:
        """List the hooks of a room, newest first. Raises `BadCursor`."""
        await self._members.require(room_id, by, Operation.SEE_INTEGRATIONS)
        return await self._store.hooks.of_room(room_id, cursor=cursor, limit=limit)

    async def end(self, room_id: str, by: User, hook_id: str, address: str | None) -> None:
        """End a hook and the membership of its bot. Its messages stay, and so does the name of their author.

        What a crash interrupts, the next call does. It is in the audit log when this returns. Raises `RateLimited`.
        """
        await self._members.require(room_id, by.id, Operation.MANAGE_HOOKS)
        self._throttles.send(by.id)
        hook = await self._store.hooks.get(hook_id)
        if hook is None or hook.room_id != room_id or hook.ended_at is not None:
            raise NotFound
        account = await self._store.accounts.get(hook.bot_id)
        if account is not None:
            await self._store.members.change(room_id, account.user, by=by.id, at=now_ms(), rule=ending)
            await self._store.accounts.set_flags(hook.bot_id, disabled=True)
        if await self._store.hooks.end(hook.id, at=now_ms()):
            await self._note(Audited.HOOK_ENDED, hook, by, address)

    async def begin(self, secret: str, address: str) -> Posting:
        """Admit a message to the hook with this secret, and count it in the hook's rate.

        Raises `NotFound` for a secret that no hook has, which is counted for the `address`; `Forbidden`, `Archived` and
        `Banned` where the bot may not write, `RateLimited`, and `Unavailable` while memory is short.
        """
        hook = await self._store.hooks.get(hook_id(secret))
        if hook is None or hook.ended_at is not None:
            self._throttles.guess_hook(address)
            self.post_counts["unknown"] += 1
            raise NotFound
        author = Author(hook.bot_id)
        try:
            member = await self._writing.begin(author, hook.room_id, Operation.SEND)
        except NotFound:
            self.post_counts["refused"] += 1
            raise await self._refusal(hook) from None
        except TailwireError:
            self.post_counts["refused"] += 1
            raise
        return Posting(hook, author, member)

    async def post(self, posting: Posting, body: str, shown_as: ShownAs | None, ref: str) -> Appended:
        """Append a message to the log, once for each `ref`. Raises what `Writing.append` raises.

        It mentions the members whom it names, but never everybody.
        """
        found = await self._mentions.fields(posting.member, body)
        data: EntryData = {"body": body, "reply_to": None, "is_bot": True}
        if mentions := found.get("mentions"):
            data["mentions"] = list[Json](mentions)[:MAX_MENTIONS] if isinstance(mentions, list) else []
        if shown_as is not None:
            data["shown_as"] = shown_as.data
        appended = await self._writing.append(
            posting.author, posting.member, Operation.SEND, Kind.MESSAGE, data, ref=ref
        )
        self.post_counts["posted" if appended.is_new else "repeated"] += 1
        await self._note_use(posting.hook)
        return appended

    async def _note_use(self, hook: Hook) -> None:
        """Store that a hook is in use, unless a recent use is stored already. That it cannot be is no failure."""
        now = now_ms()
        if now - (hook.last_used_at or 0) >= STALE_MS:
            with suppress(Unavailable):
                await self._store.hooks.use(hook.id, at=now)

    async def _refusal(self, hook: Hook) -> NotFound | Forbidden:
        """Return why a hook whose bot is no member of its room takes no messages."""
        if await self._store.rooms.get(hook.room_id) is None:
            return NotFound()
        state = await self._store.members.state(hook.room_id, hook.bot_id)
        return Banned() if state.banned else Forbidden("The hook was removed from its room")

    async def _note(self, event: Audited, hook: Hook, by: User, address: str | None) -> None:
        await self._record(
            event, actor_id=by.id, subject_id=hook.bot_id, address=address, room_id=hook.room_id
        )
