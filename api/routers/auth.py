"""/auth: sign up, log in, refresh, log out."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from api.deps import AccountsDep, IdentityDep, ServicesDep, UserAgentDep
from api.http import StrictRoute
from api.schemas import LogIn, Refresh, SignUp, TokensOut, Welcome

router = APIRouter(prefix="/auth", tags=["auth"], route_class=StrictRoute)


@router.post("/signup", status_code=201)
async def sign_up(body: SignUp, accounts: AccountsDep, user_agent: UserAgentDep) -> Welcome:
    """Make an account and log it in."""
    return Welcome.to(*await accounts.sign_up(body.username, body.password, body.display_name, user_agent))


@router.post("/login")
async def log_in(body: LogIn, accounts: AccountsDep, user_agent: UserAgentDep) -> Welcome:
    """Begin a session."""
    return Welcome.to(*await accounts.log_in(body.username, body.password, user_agent))


@router.post("/token")
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], accounts: AccountsDep, user_agent: UserAgentDep
) -> TokensOut:
    """Begin a session by the OAuth2 password form, for generic clients and the Authorize button."""
    _, issued = await accounts.log_in(form.username, form.password, user_agent)
    return TokensOut.of(issued)


@router.post("/refresh")
async def refresh(body: Refresh, accounts: AccountsDep) -> TokensOut:
    """Use up a refresh token for the next pair of tokens."""
    return TokensOut.of(await accounts.refresh(body.refresh_token))


@router.post("/logout", status_code=204)
async def log_out(identity: IdentityDep, parts: ServicesDep) -> None:
    """End this session; its sockets are closed with it."""
    await parts.accounts.log_out(identity.session_id)
    parts.hub.end_session(
        identity.session_id
    )  # the feed closes those on other nodes, and these if this is cut off
