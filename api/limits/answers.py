"""Bounds the bytes of answers under way: being read from the store, made, and written to peers that may be slow."""

import asyncio
from collections import Counter
from typing import Final, Self

from api.errors import Overloaded, RateLimited
from api.limits.memory import RETRY_SECONDS, Memory
from api.limits.quotas import Quota, note
from api.models.page import PAGE_BYTES

USER_BYTES: Final = 8 * PAGE_BYTES
"""The answers to one user that are under way have at most this many bytes."""
NODE_BYTES: Final = 64 * PAGE_BYTES
"""All answers that are under way on a node have at most this many bytes."""
SHARE: Final = 4
"""Who has answers under way is given more only while they would have at most this part of what is left. So a few users
cannot take all, and whoever has none still finds space (the dynamic thresholds of switches: Choudhury and Hahne, 1998).
"""
USER_WAITING: Final = 32
"""So many more answers to one user may wait for their turn."""
WAIT_SECONDS: Final = 10.0


class Answers:
    """Counts the answers under way, by user. An answer waits for its turn where there is no space for it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._used: Counter[str] = Counter()  # bytes by user
        self._free = NODE_BYTES
        self._waiting: list[_Waiting] = []  # in the order in which they came

    @property
    def bytes_under_way(self) -> int:
        """How many bytes of answers are under way on this node."""
        return NODE_BYTES - self._free

    def require_memory(self, user_id: str) -> None:
        """Raise `Overloaded` while memory is short, and a little earlier for who has answers under way."""
        self._memory.require()
        if self._memory.is_nearly_short and self._used[user_id]:
            raise Overloaded("This node is short of memory", retry_after_seconds=RETRY_SECONDS)

    def under_way(self, user_id: str, *, is_patient: bool = False) -> "UnderWay":
        """Count one answer to a user while a block reads, makes and writes it: `PAGE_BYTES`, until it says less.

        `async with` waits for its turn for at most `WAIT_SECONDS`. It raises `RateLimited` when others to the user take
        longer, or too many of them wait, and `Overloaded` when the node has no space or is short of memory.

        An answer that `is_patient` waits for as long as it takes and needs no free memory: the client was told that it
        comes, and what is under way is bounded in any case.
        """
        return UnderWay(self, user_id, is_patient=is_patient)

    async def begin(self, user_id: str, *, is_patient: bool) -> None:
        """Take the bytes of one answer to a user, as `under_way` says."""
        if not is_patient:
            self.require_memory(user_id)
        if self._has_space(user_id) and not (self._waiting and self._waiting_of(user_id)):
            self.change(user_id, PAGE_BYTES)
            return
        if not is_patient and self._waiting_of(user_id) >= USER_WAITING:
            raise _too_many()
        await self._wait(user_id, None if is_patient else WAIT_SECONDS)

    def change(self, user_id: str, by: int) -> None:
        """Count more or fewer bytes of a user, and wake those who now have space."""
        self._used[user_id] += by
        self._free -= by
        if not self._used[user_id]:
            del self._used[user_id]
        if by < 0 and self._waiting:
            self._wake()

    def _has_space(self, user_id: str) -> bool:
        used = self._used.get(user_id, 0)
        if self._free < PAGE_BYTES:
            return False
        return not used or used + PAGE_BYTES <= min(USER_BYTES, self._free // SHARE)

    def _waiting_of(self, user_id: str) -> int:
        return sum(one.user_id == user_id for one in self._waiting)

    async def _wait(self, user_id: str, seconds: float | None) -> None:
        waiting = _Waiting(user_id)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(seconds):
                await waiting.turn.wait()
        except TimeoutError:
            if not waiting.turn.is_set():
                if self._used[user_id]:
                    raise _too_many() from None
                raise Overloaded("This node has too many answers under way", retry_after_seconds=1) from None
        except BaseException:
            if waiting.turn.is_set():
                self.change(user_id, -PAGE_BYTES)
            raise
        finally:
            if not waiting.turn.is_set():
                self._waiting.remove(waiting)

    def _wake(self) -> None:
        still: list[_Waiting] = []
        passed: set[str] = set()  # users of whom one still waits, whom their later ones do not overtake
        for number, one in enumerate(self._waiting):
            if self._free < PAGE_BYTES:
                still += self._waiting[number:]
                break
            if one.user_id in passed or not self._has_space(one.user_id):
                passed.add(one.user_id)
                still.append(one)
            else:
                self.change(one.user_id, PAGE_BYTES)
                one.turn.set()
        self._waiting = still


class UnderWay:
    """One answer under way, while its block runs."""

    __slots__ = ("_answers", "_bytes", "_is_patient", "_user_id")

    def __init__(self, answers: Answers, user_id: str, *, is_patient: bool) -> None:
        self._answers = answers
        self._user_id = user_id
        self._is_patient = is_patient
        self._bytes = 0

    async def __aenter__(self) -> Self:
        """Wait for its turn."""
        await self._answers.begin(self._user_id, is_patient=self._is_patient)
        self._bytes = PAGE_BYTES
        return self

    async def __aexit__(self, *_raised: object) -> None:
        """Make space for others."""
        self.shrink(0)

    def shrink(self, size: int) -> None:
        """Say that the answer has only so many bytes, or so many left."""
        if size < self._bytes:
            less, self._bytes = self._bytes - size, size
            self._answers.change(self._user_id, -less)


class _Waiting:
    """One answer that waits for its turn."""

    __slots__ = ("turn", "user_id")

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.turn = asyncio.Event()


def _too_many() -> RateLimited:
    note(Quota("answers", USER_BYTES // PAGE_BYTES, None, 0, 1.0))
    return RateLimited("Too many answers to this user are under way", retry_after_seconds=1)
