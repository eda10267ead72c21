"""/auth: signing up, setting up, logging in, refreshing, logging out, sessions and the password."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordRequestForm

from api.errors import (
    Conflict,
    FieldError,
    Invalid,
    InvalidCredentials,
    RateLimited,
    SignupClosed,
    UsernameTaken,
)
from api.http.bodies.accounts import LogIn, Refresh, SetUp, SignUp, TokensOut, Welcome
from api.http.bodies.sessions import PasswordChange, SessionsOut
from api.http.caller import ClientDep, IdentityDep
from api.http.cookies import RefreshCookieDep
from api.http.deps import NEEDS_MEMORY, AccountsDep, SessionsDep, SignUpsDep
from api.http.openapi import refuses
from api.http.routing import Router
from api.http.scopes import needs_log_in
from api.http.strict import StrictRoute

router = Router(prefix="/auth", tags=["auth"], route_class=StrictRoute)


@router.post(
    "/signup",
    status_code=201,
    dependencies=[NEEDS_MEMORY],
    responses=refuses(SignupClosed, UsernameTaken, RateLimited),
)
async def sign_up(body: SignUp, signups: SignUpsDep, client: ClientDep, cookie: RefreshCookieDep) -> Welcome:
    """Make an account and begin its first session."""
    user, issued = await signups.sign_up(body.newcomer, body.invite, client)
    return Welcome.to(user, cookie.keep(issued))


@router.post("/setup", status_code=201, dependencies=[NEEDS_MEMORY], responses=refuses(Conflict, RateLimited))
async def set_up(body: SetUp, signups: SignUpsDep, client: ClientDep, cookie: RefreshCookieDep) -> Welcome:
    """Make the account of the first administrator, with the token of the setup link, and begin its first session."""
    user, issued = await signups.set_up(body.newcomer, body.token, client)
    return Welcome.to(user, cookie.keep(issued))


@router.post("/login", dependencies=[NEEDS_MEMORY], responses=refuses(InvalidCredentials, RateLimited))
async def log_in(body: LogIn, sessions: SessionsDep, client: ClientDep, cookie: RefreshCookieDep) -> Welcome:
    """Begin a session with a username and a password."""
    user, issued = await sessions.log_in(body.username, body.password, client)
    return Welcome.to(user, cookie.keep(issued))


@router.post("/token", dependencies=[NEEDS_MEMORY], responses=refuses(InvalidCredentials, RateLimited))
async def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], sessions: SessionsDep, client: ClientDep
) -> TokensOut:
    """Begin a session with the OAuth2 password form, for generic clients and the Authorize button of /docs."""
    _, issued = await sessions.log_in(form.username, form.password, client)
    return TokensOut.of(issued)


@router.post("/refresh", responses=refuses(RateLimited))
async def refresh(
    body: Refresh, sessions: SessionsDep, client: ClientDep, cookie: RefreshCookieDep
) -> TokensOut:
    """Exchange a refresh token for a new pair of tokens. In cookie mode the body is `{}`."""
    if (body.refresh_token is None) is not cookie.is_wanted:
        raise Invalid(errors=(FieldError(("refresh_token",), "stands in the body or in the cookie"),))
    if body.refresh_token is not None:
        return TokensOut.of(await sessions.refresh(body.refresh_token, client))
    return TokensOut.of(await cookie.exchange(lambda token: sessions.refresh(token, client)))


@router.post("/logout", status_code=204)
@needs_log_in
async def log_out(
    identity: IdentityDep, client: ClientDep, sessions: SessionsDep, cookie: RefreshCookieDep
) -> None:
    """End this session, and close its sockets."""
    await sessions.log_out(identity, client)
    cookie.clear()


@router.get("/sessions")
@needs_log_in
async def sessions(identity: IdentityDep, sessions: SessionsDep) -> SessionsOut:
    """List the caller's sessions, newest first."""
    return SessionsOut.of(await sessions.of_user(identity.user.id), identity.session_id)


@router.delete("/sessions/{session_id}", status_code=204)
@needs_log_in
async def end_session(
    session_id: str, identity: IdentityDep, client: ClientDep, sessions: SessionsDep
) -> None:
    """End one of the caller's sessions."""
    await sessions.end(identity.user.id, session_id, client)


@router.delete("/sessions", status_code=204)
@needs_log_in
async def end_other_sessions(identity: IdentityDep, client: ClientDep, sessions: SessionsDep) -> None:
    """End all of the caller's sessions except this one."""
    await sessions.end_others(identity, client)


@router.put("/password", status_code=204)
@needs_log_in
async def change_password(
    body: PasswordChange, identity: IdentityDep, client: ClientDep, accounts: AccountsDep
) -> None:
    """Change the caller's password, and end all their sessions except this one."""
    await accounts.change_password(identity, body.current_password, body.new_password, client)
