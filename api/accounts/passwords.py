"""Hashes and verifies passwords. Only this file imports passlib, and it checks what that does not."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from passlib.context import CryptContext
from passlib.exc import PasswordSizeError, UnknownHashError

T = TypeVar("T")

# OWASP's password storage cheat sheet recommends argon2id with 19 MiB, two passes and one lane.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
_LANES: Final = 1
MAX_HASHING_THREADS: Final = 2
"""The most threads that hash passwords. One core is left to the event loop, also while many users log in."""


class Passwords:
    """Hashes and verifies passwords in `threads`, off the event loop. `AttemptLimits` limits how many wait for them."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._context = CryptContext(
            ["argon2"],
            argon2__type="ID",
            argon2__memory_cost=memory_kib,
            argon2__time_cost=passes,
            argon2__parallelism=_LANES,
        )
        self.threads = max(1, min(MAX_HASHING_THREADS, (os.cpu_count() or 1) - 1))
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="password")

    def close(self) -> None:
        """End the threads without waiting for them."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return the password's argon2id hash, salted."""
        return await self._in_thread(lambda: str(self._context.hash(password)))

    async def verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        """Return whether the password is right, and a new hash if the old one is weaker than today's.

        A `password_hash` of None, as for an unknown user, takes as long as a wrong password.
        """
        return await self._in_thread(lambda: self._verify(password, password_hash))

    def _verify(self, password: str, password_hash: str | None) -> tuple[bool, str | None]:
        if password_hash is None:
            self._context.dummy_verify()
            return False, None
        try:
            fits, new_hash = self._context.verify_and_update(password, password_hash)
        except (PasswordSizeError, UnknownHashError, ValueError):
            self._context.dummy_verify()  # passlib fails at once, and the short time would tell that the user exists
            return False, None
        return bool(fits), new_hash

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
