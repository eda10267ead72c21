"""The account of the scripted server, its sessions and their tokens. Pure."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

USERNAME: Final = "ada"
PASSWORD: Final = "a password of the kit"  # noqa: S105 - of nobody
AUTHOR: Final[Mapping[str, str]] = {"user_id": "u-ada", "username": USERNAME}
EXPIRES_IN: Final = 900


@dataclass
class Pair:
    """The two tokens of a session. Once one of them was used, the pair before is used up."""

    access: str
    refresh: str
    used: bool = False


class Accounts:
    """One account with one session at a time."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._current: Pair | None = None
        self._before: Pair | None = None
        self._valid: set[str] = set()
        self.is_ended = False
        """The session was ended: neither of its tokens holds."""
        self.logins = 0
        self.refreshes: list[str] = []
        """The refresh tokens that were presented, in order."""

    def log_in(self, username: str, password: str) -> Mapping[str, Any] | None:
        """Return the tokens of a new session, or None for a wrong password."""
        self.logins += 1
        if (username, password) != (USERNAME, PASSWORD):
            return None
        self._current, self._before, self.is_ended = self._made(), None, False
        return self._shown(self._current)

    def refresh(self, token: str) -> Mapping[str, Any] | None:
        """Return the newest tokens, or None where this token does not hold. Using a spent one ends the session."""
        self.refreshes.append(token)
        current, before = self._current, self._before
        if self.is_ended or current is None:
            return None
        if token == current.refresh:
            self._before, self._current = current, self._made()
            return self._shown(self._current)
        if before is not None and token == before.refresh and not current.used:
            return self._shown(current)
        self.end()
        return None

    def holds(self, access: str) -> bool:
        """Say whether an access token holds, which uses up the pair before its own."""
        current = self._current
        if current is not None and access == current.access:
            current.used = True
        return access in self._valid

    def expire(self) -> None:
        """End the access tokens; the session can be renewed."""
        self._valid.clear()

    def end(self) -> None:
        """End the session."""
        self.expire()
        self.is_ended = True

    def _made(self) -> Pair:
        number = next(self._numbers)
        pair = Pair(f"access-{number}", f"refresh-{number}")
        self._valid.add(pair.access)
        return pair

    def _shown(self, pair: Pair) -> Mapping[str, Any]:
        return {
            "access_token": pair.access,
            "token_type": "bearer",
            "expires_in": EXPIRES_IN,
            "refresh_token": pair.refresh,
        }
