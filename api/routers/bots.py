"""/bots: the caller's bots, which are users as which programs write, and the tokens of each."""

from api.errors import NotFound, UsernameTaken
from api.http.bodies.consumers import ConsumerOut, ConsumersOut, ConsumerWithLag
from api.http.bodies.tokens import (
    BotOut,
    BotsOut,
    MadeTokenOut,
    NewBot,
    NewBotName,
    NewToken,
    ProgramTokensOut,
)
from api.http.caller import ClientDep, IdentityDep
from api.http.deps import NEEDS_MEMORY, BotsDep, ConsumersDep, TokensDep
from api.http.openapi import refuses
from api.http.query import ConsumerName, Cursor, Limit
from api.http.routing import Router
from api.http.scopes import needs_log_in, reads
from api.http.strict import StrictRoute

router = Router(prefix="/bots", tags=["bots"], route_class=StrictRoute)


@router.post("", status_code=201, dependencies=[NEEDS_MEMORY], responses=refuses(UsernameTaken))
@needs_log_in
async def make_bot(body: NewBot, identity: IdentityDep, client: ClientDep, bots: BotsDep) -> BotOut:
    """Make a bot, which belongs to the caller. It is in no room yet."""
    return BotOut.of(await bots.make(identity.user, body.username, body.display_name, client))


@router.get("")
@reads
async def bots(identity: IdentityDep, bots: BotsDep, cursor: Cursor = None, limit: Limit = 50) -> BotsOut:
    """List the caller's bots, oldest first."""
    page = await bots.of_owner(identity.user.id, cursor=cursor, limit=limit)
    return BotsOut(items=[BotOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.patch("/{user_id}", responses=refuses(NotFound))
@needs_log_in
async def rename_bot(user_id: str, body: NewBotName, identity: IdentityDep, bots: BotsDep) -> BotOut:
    """Show a bot of the caller by another name."""
    return BotOut.of(await bots.rename(identity.user.id, user_id, body.display_name))


@router.delete("/{user_id}", status_code=204, responses=refuses(NotFound))
@needs_log_in
async def erase_bot(user_id: str, identity: IdentityDep, client: ClientDep, bots: BotsDep) -> None:
    """Erase a bot of the caller as an account is erased, and end its tokens."""
    await bots.erase(identity.user.id, user_id, client)


@router.post("/{user_id}/tokens", status_code=201, responses=refuses(NotFound))
@needs_log_in
async def make_bot_token(  # noqa: PLR0913, PLR0917  what is needed
    user_id: str, body: NewToken, identity: IdentityDep, client: ClientDep, bots: BotsDep, tokens: TokensDep
) -> MadeTokenOut:
    """Make a token of a bot of the caller. The token itself is shown this once."""
    bot = await bots.bot(identity.user.id, user_id)
    made = await tokens.make(
        bot, body.grant(), expires_in=body.expires_in, by=identity.user.id, client=client
    )
    return MadeTokenOut.with_token(made)


@router.get("/{user_id}/tokens", responses=refuses(NotFound))
@needs_log_in
async def bot_tokens(
    user_id: str, identity: IdentityDep, bots: BotsDep, tokens: TokensDep
) -> ProgramTokensOut:
    """List the tokens of a bot of the caller, newest first."""
    bot = await bots.bot(identity.user.id, user_id)
    return ProgramTokensOut.of(await tokens.of_user(bot.id))


@router.delete("/{user_id}/tokens/{token_id}", status_code=204, responses=refuses(NotFound))
@needs_log_in
async def end_bot_token(  # noqa: PLR0913, PLR0917  what is needed
    user_id: str, token_id: str, identity: IdentityDep, client: ClientDep, bots: BotsDep, tokens: TokensDep
) -> None:
    """End a token of a bot of the caller, and close its sockets."""
    bot = await bots.bot(identity.user.id, user_id)
    await tokens.end(bot.id, token_id, by=identity.user.id, address=client.address)


@router.get("/{user_id}/consumers", responses=refuses(NotFound))
@needs_log_in
async def bot_consumers(
    user_id: str, identity: IdentityDep, bots: BotsDep, consumers: ConsumersDep
) -> ConsumersOut:
    """List the consumers of a bot of the caller, by name."""
    bot = await bots.bot(identity.user.id, user_id)
    return ConsumersOut(items=[ConsumerOut.of(one, None) for one in await consumers.of_user(bot.id)])


@router.get("/{user_id}/consumers/{name}", responses=refuses(NotFound))
@needs_log_in
async def bot_consumer(
    user_id: str, name: ConsumerName, identity: IdentityDep, bots: BotsDep, consumers: ConsumersDep
) -> ConsumerWithLag:
    """Return a consumer of a bot of the caller, and how many entries it has not acknowledged yet."""
    bot = await bots.bot(identity.user.id, user_id)
    found = await consumers.get(bot.id, name)
    return ConsumerWithLag.with_lag(found, None, await consumers.lag(found))


@router.delete("/{user_id}/consumers/{name}", status_code=204, responses=refuses(NotFound))
@needs_log_in
async def end_bot_consumer(
    user_id: str, name: ConsumerName, identity: IdentityDep, bots: BotsDep, consumers: ConsumersDep
) -> None:
    """End a consumer of a bot of the caller, and forget its position."""
    bot = await bots.bot(identity.user.id, user_id)
    await consumers.delete(bot.id, name)
