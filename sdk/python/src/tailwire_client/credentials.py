"""What the client shows the server to be let in."""

from abc import ABC, abstractmethod

import httpx

from tailwire_client.errors import SessionEnded


class Credentials(ABC):
    """Gives the token for requests and sockets."""

    @abstractmethod
    async def token(self, http: httpx.AsyncClient) -> str:
        """Return a token that should hold. Raises what `renew` raises."""

    @abstractmethod
    async def renew(self, http: httpx.AsyncClient, refused: str) -> str:
        """Return another token than the one that was refused.

        Raises SessionEnded where there is none any more, and Unreachable, Unavailable or RateLimited where that
        is not known yet.
        """


class ProgramToken(Credentials):
    """A personal token, or that of a bot: `twt_...`. It lasts until it ends."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, http: httpx.AsyncClient) -> str:
        """Return the token."""
        del http
        return self._token

    async def renew(self, http: httpx.AsyncClient, refused: str) -> str:
        """Raise SessionEnded: there is no other."""
        del http, refused
        raise SessionEnded("The token does not hold, or not any more")
