"""Makes, lists, renames and erases the bots of people: users as which programs write."""

from api.accounts.accounts import OnErasing
from api.accounts.audit import Audit
from api.accounts.directory import make_bot
from api.accounts.endings import SessionEndings
from api.accounts.identity import Client
from api.errors import NotFound, Unauthorized
from api.limits.caps import Caps
from api.limits.throttles import Throttles
from api.models.accounts import Account, Audited, Profile, User
from api.models.changes import ProfileChanged, Tell
from api.models.page import Page
from api.store.base.store import Store


class BotService:
    """The bots of people. Nobody sees or changes another person's bots: they raise `NotFound`."""

    def __init__(  # noqa: PLR0913, PLR0917  its dependencies
        self,
        store: Store,
        audit: Audit,
        endings: SessionEndings,
        throttles: Throttles,
        caps: Caps,
        on_erasing: OnErasing,
        tell: Tell,
    ) -> None:
        self._store = store
        self._audit = audit
        self._endings = endings
        self._throttles = throttles
        self._caps = caps
        self._on_erasing = on_erasing
        self._tell = tell

    async def make(self, owner: User, username: str, display_name: str | None, client: Client) -> User:
        """Make a bot. It is in no room yet. Raises `Invalid`, also at the cap, `UsernameTaken` and `RateLimited`."""
        self._throttles.change_profile(owner.id)
        await self._caps.one_more_bot(owner.id)
        bot = await make_bot(self._store, username, display_name, owner_id=owner.id)
        account = await self._store.accounts.get(owner.id)
        if account is None or account.disabled:  # it was erased or disabled meanwhile, without this bot
            await self._erase(bot.id)
            raise Unauthorized
        await self._audit.record(
            Audited.BOT_MADE, actor_id=owner.id, subject_id=bot.id, address=client.address
        )
        return bot

    async def of_owner(self, owner_id: str, *, cursor: str | None, limit: int) -> Page[User]:
        """List a person's bots, oldest first. Raises `BadCursor`."""
        page = await self._store.accounts.bots_of(owner_id, cursor=cursor, limit=limit)
        return Page([one.user for one in page.items if not one.erasing], page.next_cursor)

    async def bot(self, owner_id: str, bot_id: str) -> User:
        """Return a bot of a person."""
        return (await self._account(owner_id, bot_id)).user

    async def rename(self, owner_id: str, bot_id: str, display_name: str) -> User:
        """Show a bot by another name, and tell everybody who is connected. Raises `RateLimited`."""
        await self._account(owner_id, bot_id)
        self._throttles.change_profile(owner_id)
        bot = await self._store.accounts.set_profile(bot_id, Profile(display_name))
        self._tell(ProfileChanged.of(bot), None)
        return bot

    async def erase(self, owner_id: str, bot_id: str, client: Client) -> None:
        """Begin to erase a bot, and end its tokens. A background job does the rest after this returns."""
        await self._account(owner_id, bot_id)
        try:
            await self._erase(bot_id)
        finally:
            await self._audit.record(
                Audited.ERASED, actor_id=owner_id, subject_id=bot_id, address=client.address
            )

    async def _erase(self, bot_id: str) -> None:
        await self._store.erasure.begin(bot_id)
        try:
            await self._endings.all_of(bot_id)
        finally:
            self._on_erasing()

    async def _account(self, owner_id: str, bot_id: str) -> Account:
        account = await self._store.accounts.get(bot_id)
        if account is None or account.owner_id != owner_id or account.erasing:
            raise NotFound
        return account
