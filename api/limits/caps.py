"""Limits on what may be stored: members and webhooks of a room, rooms and bots of a user, and tokens of each.

Nothing is locked between the check and the change, so requests at the same moment can exceed a limit by their number.
"""

from api.errors import Invalid
from api.models.rooms import LOBBY_ID
from api.store.base.store import Store


class Caps:
    """Checks before something is added. Each check raises `Invalid` with the code `limit`, or `Unavailable`."""

    def __init__(  # noqa: PLR0913  the limits
        self,
        store: Store,
        *,
        members_per_room: int,
        rooms_per_user: int,
        bots_per_user: int,
        tokens_per_user: int,
        webhooks_per_room: int,
    ) -> None:
        self._store = store
        self._bots_per_user = bots_per_user
        self._tokens_per_user = tokens_per_user
        self._members_per_room = members_per_room
        self._rooms_per_user = rooms_per_user
        self._webhooks_per_room = webhooks_per_room

    async def one_more_room(self, user_id: str) -> None:
        """Require that a user may be in one more room."""
        if await self._store.rooms.count_of_user(user_id) >= self._rooms_per_user:
            raise Invalid("That would be more rooms than anybody may be in", code="limit")

    async def one_more_member(self, room_id: str) -> None:
        """Require that a room may have one more member. The lobby has no limit."""
        if room_id != LOBBY_ID and await self._store.members.count_of_room(room_id) >= self._members_per_room:
            raise Invalid("The room has as many members as it may", code="limit")

    async def one_more_bot(self, owner_id: str) -> None:
        """Require that a person may have one more bot."""
        bots = await self._store.accounts.bots_of(owner_id, cursor=None, limit=max(1, self._bots_per_user))
        if len(bots.items) >= self._bots_per_user:
            raise Invalid("You have as many bots as one may have", code="limit")

    def one_more_token(self, count: int) -> None:
        """Require that a user who has so many tokens may have one more."""
        if count >= self._tokens_per_user:
            raise Invalid("There are as many tokens as one may have: end one that is not used", code="limit")

    async def one_more_webhook(self, room_id: str) -> None:
        """Require that a room may have one more webhook."""
        if len(await self._store.webhooks.of_room(room_id)) >= self._webhooks_per_room:
            raise Invalid("The room has as many webhooks as it may", code="limit")
