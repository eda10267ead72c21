"""Rate limits of users and sessions, counted in this process.

Log-ins and sign-ups are counted in the store, for all nodes together: `api/accounts/attempt_limits.py`.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.address import UNKNOWN, counted_as
from api.limits.rates import Buckets, Rate, Windows, too_often

MINUTE_SECONDS: Final = 60.0
RESUMES_SECONDS: Final = 10.0
EXPORTS_PER_MINUTE: Final = 5
"""The exports of one user are limited, because each reads everything that they ever wrote."""
PREVIEWS_PER_MINUTE: Final = 60
"""The invites that are looked at from one address are limited, because no account is needed for that."""
PROFILES_PER_MINUTE: Final = 10
"""The changes of one profile are limited, because each is told to everybody who is connected."""
TYPING_SECONDS: Final = 2.5
"""A user tells at most once in this time that they are typing. A client does so each 3 s, and the network varies."""
WATCHES_PER_MINUTE: Final = 120
"""The changes of whom a user watches are limited, because each is answered with up to 200 events."""
RESUMES_PER_CONNECTION: Final = 3
"""Each connection may resume a room this often in `RESUMES_SECONDS`: a client that is cut off again starts over."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rates from the settings. Counts are per minute, but `connections_per_user` is a number of sockets."""

    sends: Rate
    requests: Rate
    refreshes: int
    misses: int
    rooms: int
    searches: int
    connections_per_user: int


class Throttles:
    """Counts what users do. Every method raises `RateLimited`, with the time to wait, when it is called too often."""

    def __init__(self, rates: Rates, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sends = Buckets(rates.sends)
        self._resumes = Windows(RESUMES_PER_CONNECTION * rates.connections_per_user, RESUMES_SECONDS)
        self._refreshes = Windows(rates.refreshes, MINUTE_SECONDS)
        self._misses = Windows(rates.misses, MINUTE_SECONDS)
        self._rooms = Windows(rates.rooms, MINUTE_SECONDS)
        self._exports = Windows(EXPORTS_PER_MINUTE, MINUTE_SECONDS)
        self._previews = Windows(PREVIEWS_PER_MINUTE, MINUTE_SECONDS)
        self._profiles = Windows(PROFILES_PER_MINUTE, MINUTE_SECONDS)
        self._requests = Buckets(rates.requests)
        self._typing = Windows(1, TYPING_SECONDS)
        self._watches = Windows(WATCHES_PER_MINUTE, MINUTE_SECONDS)
        self._searches = Windows(rates.searches, MINUTE_SECONDS)

    def request(self, user_id: str) -> None:
        """Count one HTTP request of a user."""
        if wait := self._requests.take(user_id, self._clock()):
            raise too_often(wait)

    def send(self, user_id: str) -> None:
        """Count one entry that a user writes: a message, an edit, a change of somebody's membership.

        A retry counts too, and can be repeated after the wait.
        """
        if wait := self._sends.take(user_id, self._clock()):
            raise too_often(wait)

    def resume(self, user_id: str, room_id: str) -> None:
        """Count one replay of a room."""
        if wait := self._resumes.take(f"{user_id} {room_id}", self._clock()):
            raise too_often(wait)

    def refresh(self, key: str) -> None:
        """Count one refresh under a key: a session's id, or a token that this server has not made.

        Such a token may be a long text, so only its digest is stored.
        """
        key = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        if wait := self._refreshes.take(key, self._clock()):
            raise too_often(wait)

    def make_room(self, user_id: str) -> None:
        """Count one room that a user makes."""
        if wait := self._rooms.take(user_id, self._clock()):
            raise too_often(wait)

    def export(self, user_id: str) -> None:
        """Count one export of a user."""
        if wait := self._exports.take(user_id, self._clock()):
            raise too_often(wait)

    def preview(self, address: str) -> None:
        """Count one look at an invite from an address, or from its network where a client has a whole one."""
        if wait := self._previews.take(counted_as(address or UNKNOWN), self._clock()):
            raise too_often(wait)

    def change_profile(self, user_id: str) -> None:
        """Count one change of a user's profile."""
        if wait := self._profiles.take(user_id, self._clock()):
            raise too_often(wait)

    def search(self, user_id: str) -> None:
        """Count one page of a search for users. The limit keeps a user from listing all others."""
        if wait := self._searches.take(user_id, self._clock()):
            raise too_often(wait)

    def type(self, user_id: str) -> None:
        """Count that a user tells a room that they are typing."""
        if wait := self._typing.take(user_id, self._clock()):
            raise too_often(wait)

    def watch(self, user_id: str) -> None:
        """Count one change of whom a user watches."""
        if wait := self._watches.take(user_id, self._clock()):
            raise too_often(wait)

    def missed(self, user_id: str) -> None:
        """Count one request for something that does not exist, or that the user may not see."""
        if wait := self._misses.take(user_id, self._clock()):
            raise too_often(wait)
