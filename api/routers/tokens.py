"""/auth/tokens: the tokens with which programs do what their user may do."""

from api.errors import NotFound
from api.http.bodies.tokens import MadeTokenOut, NewToken, ProgramTokensOut
from api.http.caller import ClientDep, IdentityDep
from api.http.deps import TokensDep
from api.http.openapi import refuses
from api.http.routing import Router
from api.http.scopes import needs_log_in
from api.http.strict import StrictRoute

router = Router(prefix="/auth/tokens", tags=["tokens"], route_class=StrictRoute)


@router.post("", status_code=201)
@needs_log_in
async def make_token(
    body: NewToken, identity: IdentityDep, client: ClientDep, tokens: TokensDep
) -> MadeTokenOut:
    """Make a token of the caller. The token itself is shown this once."""
    user = identity.user
    made = await tokens.make(user, body.grant(), expires_in=body.expires_in, by=user.id, client=client)
    return MadeTokenOut.with_token(made)


@router.get("")
@needs_log_in
async def tokens(identity: IdentityDep, tokens: TokensDep) -> ProgramTokensOut:
    """List the caller's tokens, newest first."""
    return ProgramTokensOut.of(await tokens.of_user(identity.user.id))


@router.delete("/{token_id}", status_code=204, responses=refuses(NotFound))
@needs_log_in
async def end_token(token_id: str, identity: IdentityDep, client: ClientDep, tokens: TokensDep) -> None:
    """End a token of the caller, and close its sockets."""
    user_id = identity.user.id
    await tokens.end(user_id, token_id, by=user_id, address=client.address)
