"""/auth: sign up, log in, refresh, log out; sessions and the password."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from api.errors import FieldError, Invalid, InvalidCredentials, RateLimited, UsernameTaken
from api.http.bodies.accounts import LogIn, Refresh, SignUp, TokensOut, Welcome
from api.http.bodies.sessions import PasswordChange, SessionsOut
from api.http.cookies import RefreshCookieDep
from api.http.deps import NEEDS_MEMORY, AccountsDep, ClientDep, IdentityDep, ServicesDep
from api.http.openapi import refuses
from api.http.strict import StrictRoute

router = APIRouter(prefix="/auth", tags=["auth"], route_class=StrictRoute)


@router.post(
    "/signup", status_code=201, dependencies=[NEEDS_MEMORY], responses=refuses(UsernameTaken, RateLimited)
)
async def sign_up(body: SignUp, parts: ServicesDep, client: ClientDep, cookie: RefreshCookieDep) -> Welcome:
    """Make an account and log it in."""
    async with parts.throttles.sign_up(client.address):
        user, issued = await parts.accounts.sign_up(body.username, body.password, body.display_name, client)
    return Welcome.to(user, cookie.keep(issued))


@router.post("/login", dependencies=[NEEDS_MEMORY], responses=refuses(InvalidCredentials, RateLimited))
async def log_in(body: LogIn, parts: ServicesDep, client: ClientDep, cookie: RefreshCookieDep) -> Welcome:
    """Begin a session."""
    async with parts.throttles.password(body.username, client.address):
        user, issued = await parts.accounts.log_in(body.username, body.password, client)
    return Welcome.to(user, cookie.keep(issued))


@router.post("/token", dependencies=[NEEDS_MEMORY], responses=refuses(InvalidCredentials, RateLimited))
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    parts: ServicesDep,
    client: ClientDep,
) -> TokensOut:
    """Begin a session by the OAuth2 password form, for generic clients and the Authorize button."""
    async with parts.throttles.password(form.username, client.address):
        _, issued = await parts.accounts.log_in(form.username, form.password, client)
    return TokensOut.of(issued)


@router.post("/refresh", responses=refuses(RateLimited))
async def refresh(
    body: Refresh, parts: ServicesDep, client: ClientDep, cookie: RefreshCookieDep
) -> TokensOut:
    """Use up a refresh token for the next pair of tokens; in cookie mode the body is empty: `{}`."""
    if (body.refresh_token is None) is not cookie.is_wanted:
        raise Invalid(errors=(FieldError(("refresh_token",), "stands in the body or in the cookie"),))
    token = cookie.token() if body.refresh_token is None else body.refresh_token
    parts.throttles.refresh(token)
    return TokensOut.of(cookie.keep(await parts.accounts.refresh(token, client)))


# Whatever ends sessions closes their sockets here at once; the feed closes those on other nodes, and these if this
# is cut off.


@router.post("/logout", status_code=204)
async def log_out(
    identity: IdentityDep, client: ClientDep, parts: ServicesDep, cookie: RefreshCookieDep
) -> None:
    """End this session; its sockets are closed with it."""
    await parts.accounts.log_out(identity.user.id, identity.session_id, client)
    parts.hub.end_session(identity.session_id)
    cookie.clear()


@router.get("/sessions")
async def sessions(identity: IdentityDep, accounts: AccountsDep) -> SessionsOut:
    """List the caller's sessions, newest first."""
    return SessionsOut.of(await accounts.sessions(identity.user.id), identity.session_id)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_session(session_id: str, identity: IdentityDep, client: ClientDep, parts: ServicesDep) -> None:
    """End one of the caller's sessions."""
    await parts.accounts.end_session(identity.user.id, session_id, client)
    parts.hub.end_session(session_id)


@router.delete("/sessions", status_code=204)
async def end_other_sessions(identity: IdentityDep, client: ClientDep, parts: ServicesDep) -> None:
    """End all of the caller's sessions but this one."""
    parts.hub.end_sessions(
        await parts.accounts.end_other_sessions(identity.user.id, identity.session_id, client)
    )


@router.put("/password", status_code=204)
async def change_password(
    body: PasswordChange, identity: IdentityDep, client: ClientDep, parts: ServicesDep
) -> None:
    """Change the caller's password; all sessions but this one end."""
    async with parts.throttles.password(identity.user.username, client.address):
        ended = await parts.accounts.change_password(
            identity.user.id, identity.session_id, body.current_password, body.new_password, client
        )
    parts.hub.end_sessions(ended)
