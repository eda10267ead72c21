"""Rate limits of users and sessions, counted in this process.

Log-ins and sign-ups are counted in the store, for all nodes together: `api/accounts/attempt_limits.py`.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from api.address import UNKNOWN, counted_as
from api.limits.quotas import is_noting, note
from api.limits.rates import Buckets, Rate, Refusals, Windows, too_often

MINUTE_SECONDS: Final = 60.0
RESUMES_SECONDS: Final = 10.0
EXPORTS_PER_MINUTE: Final = 5
"""The exports of one user are limited, because each reads everything that they ever wrote."""
PREVIEWS_PER_MINUTE: Final = 60
"""The invites that are looked at from one address are limited, because no account is needed for that."""
GUESSES_PER_MINUTE: Final = 60
"""The posts to hooks that are not there are limited by address: somebody guesses, or a sender does not hear of it."""
PROFILES_PER_MINUTE: Final = 10
"""The changes of one profile are limited, because each is told to everybody who is connected."""
TOKEN_GUESSES_PER_MINUTE: Final = 30
"""The wrong tokens of programs from one address are limited. Nobody guesses one, but each costs a read."""
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


class Throttle:
    """One rate limit, whose name its users are told."""

    def __init__(self, name: str, counts: Buckets | Windows, clock: Callable[[], float]) -> None:
        self._name = name
        self._counts = counts
        self._clock = clock

    def count(self, key: str) -> None:
        """Count one event of a key. Raises `RateLimited`."""
        now = self._clock()
        wait = self._counts.take(key, now)
        if is_noting():
            note(self._counts.quota(self._name, key, now))
        if wait:
            raise too_often(wait)


class Throttles:
    """Counts what users do. Every method raises `RateLimited`, with the time to wait, when it is called too often."""

    def __init__(self, rates: Rates, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

        def throttle(name: str, counts: Buckets | Windows) -> Throttle:
            return Throttle(name, counts, clock)

        self._sends = throttle("sends", Buckets(rates.sends))
        self._resumes = throttle(
            "resumes", Windows(RESUMES_PER_CONNECTION * rates.connections_per_user, RESUMES_SECONDS)
        )
        self._refreshes = throttle("refreshes", Windows(rates.refreshes, MINUTE_SECONDS))
        self._misses = throttle("misses", Windows(rates.misses, MINUTE_SECONDS))
        self._rooms = throttle("rooms", Windows(rates.rooms, MINUTE_SECONDS))
        self._exports = throttle("exports", Windows(EXPORTS_PER_MINUTE, MINUTE_SECONDS))
        self._previews = throttle("previews", Windows(PREVIEWS_PER_MINUTE, MINUTE_SECONDS))
        self._guesses = throttle("guesses", Windows(GUESSES_PER_MINUTE, MINUTE_SECONDS))
        self._profiles = throttle("profiles", Windows(PROFILES_PER_MINUTE, MINUTE_SECONDS))
        self._requests = throttle("requests", Buckets(rates.requests))
        self._typing = throttle("typing", Windows(1, TYPING_SECONDS))
        self._watches = throttle("watches", Windows(WATCHES_PER_MINUTE, MINUTE_SECONDS))
        self._searches = throttle("searches", Windows(rates.searches, MINUTE_SECONDS))
        self._message_searches = throttle("message-searches", Windows(rates.searches, MINUTE_SECONDS))
        self._token_guesses = Windows(TOKEN_GUESSES_PER_MINUTE, MINUTE_SECONDS)
        self._guessed_tokens = Refusals(MINUTE_SECONDS)

    def request(self, user_id: str) -> None:
        """Count one HTTP request of a user."""
        self._requests.count(user_id)

    def send(self, user_id: str) -> None:
        """Count one entry that a user writes: a message, an edit, a change of somebody's membership.

        A retry counts too, and can be repeated after the wait.
        """
        self._sends.count(user_id)

    def resume(self, user_id: str, room_id: str) -> None:
        """Count one replay of a room."""
        self._resumes.count(f"{user_id} {room_id}")

    def refresh(self, key: str) -> None:
        """Count one refresh under a key: a session's id, or a token that this server has not made.

        Such a token may be a long text, so only its digest is stored.
        """
        key = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
        self._refreshes.count(key)

    def make_room(self, user_id: str) -> None:
        """Count one room that a user makes."""
        self._rooms.count(user_id)

    def export(self, user_id: str) -> None:
        """Count one export of a user."""
        self._exports.count(user_id)

    def preview(self, address: str) -> None:
        """Count one look at an invite from an address, or from its network where a client has a whole one."""
        self._previews.count(counted_as(address or UNKNOWN))

    def guess_hook(self, address: str) -> None:
        """Count one post to a hook that is not there, from an address or its network."""
        self._guesses.count(counted_as(address or UNKNOWN))

    def guess_token(self, address: str) -> None:
        """Count a wrong token from an address or its network. `require_few_token_guesses` raises for it."""
        key = counted_as(address or UNKNOWN)
        if wait := self._token_guesses.take(key, self._clock()):
            self._guessed_tokens.note(key, wait, self._clock())

    def require_few_token_guesses(self, address: str) -> None:
        """Require that not too many wrong tokens came from an address lately."""
        if wait := self._guessed_tokens.wait(counted_as(address or UNKNOWN), self._clock()):
            raise too_often(wait)

    def change_profile(self, user_id: str) -> None:
        """Count one change of a user's profile."""
        self._profiles.count(user_id)

    def search(self, user_id: str) -> None:
        """Count one page of a search for users. The limit keeps a user from listing all others."""
        self._searches.count(user_id)

    def search_messages(self, user_id: str) -> None:
        """Count one page of a search for messages."""
        self._message_searches.count(user_id)

    def type(self, user_id: str) -> None:
        """Count that a user tells a room that they are typing."""
        self._typing.count(user_id)

    def watch(self, user_id: str) -> None:
        """Count one change of whom a user watches."""
        self._watches.count(user_id)

    def missed(self, user_id: str) -> None:
        """Count one request for something that does not exist, or that the user may not see."""
        self._misses.count(user_id)
