"""Declares the part of a store that keeps leases, so that of all processes on a database only one does something."""

from abc import ABC, abstractmethod
from typing import Final

from api.models.followers import Lease, LeaseState

LEASE_MS: Final = 10_000
"""A lease that is not renewed ends after this time. So when its holder has died, nobody has it for no longer."""


LATEST_MS: Final = 2 * LEASE_MS
"""A lease that ends later than this from now was taken by a clock that was ahead, and counts as ended. It is more than
`LEASE_MS`, because of two who ask at once one may look at an earlier time after the other has taken the lease."""


class LeaseStore(ABC):
    """The leases, by name. At most one process holds a lease, by the clock of the database.

    A holder that is paused does not know that its lease has ended. So whatever is done under a lease names its number,
    and where a higher number has been, a lower one changes nothing.
    """

    @abstractmethod
    async def acquire(self, name: str, holder: str) -> Lease | None:
        """Take a lease for `LEASE_MS`, with a higher number than all before it. Returns None while another holds it.

        `holder` tells the callers apart. One that holds the lease already gets it anew, with a new number: it asks
        again when it did not hear the answer. A lease that ends later than after `LATEST_MS` counts as ended.
        """

    @abstractmethod
    async def renew(self, lease: Lease) -> bool:
        """Let a lease end `LEASE_MS` from now. Returns False if it has ended, or has a newer holder."""

    @abstractmethod
    async def release(self, lease: Lease) -> None:
        """End a lease now. Does nothing if it has a newer holder."""

    @abstractmethod
    async def all(self) -> list[LeaseState]:
        """Return all leases that were ever taken, by name."""
