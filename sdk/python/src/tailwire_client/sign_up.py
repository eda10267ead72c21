"""Making an account."""

import ssl

import httpx

from tailwire_client.answer import ask
from tailwire_client.pair import Pair
from tailwire_client.shape import read
from tailwire_client.version import USER_AGENT
from tailwire_client.web import given


async def sign_up(
    url: str,
    username: str,
    password: str,
    *,
    display_name: str | None = None,
    invite: str | None = None,
    tls: ssl.SSLContext | None = None,
    trust_env: bool = True,
) -> Pair:
    """Make an account, and return the tokens of its first session, for `Session(pair=...)`.

    Raises UsernameTaken, SignupClosed, Invalid for a weak password or a bad invite, and Unreachable.
    """
    body = given(username=username, password=password, display_name=display_name, invite=invite)
    async with httpx.AsyncClient(
        base_url=url.rstrip("/"),
        verify=True if tls is None else tls,
        trust_env=trust_env,
        headers={"User-Agent": USER_AGENT},
    ) as http:
        return read(Pair, await ask(http, "POST", "/auth/signup", body=body))
