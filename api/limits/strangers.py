"""Counts those who have not said yet who they are or what they want, by address and network.

Anybody can come so, and cannot be told from an attacker. So no stranger keeps others out: when there are as many as
there may be, the newest takes the place of the oldest of the network that has most of them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from api.address import Network, counted_as, is_trusted, network_of

Networks: TypeAlias = Sequence[Network]


class Stranger:
    """One stranger. It is over when it said what was waited for, left, or was dismissed."""

    __slots__ = ("address", "dismiss", "is_dismissed", "network")

    def __init__(self, address: str, dismiss: Callable[[], None]) -> None:
        self.address = counted_as(address)
        self.network = network_of(address)
        self.dismiss = dismiss
        self.is_dismissed = False


class Strangers:
    """The strangers of a process: at most `most`, and `most_per_address` from one address.

    Those from `trusted` proxies are not counted, as many clients share their addresses.
    """

    def __init__(self, most: int, most_per_address: int, trusted: Networks = ()) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._trusted = tuple(trusted)
        self._count = 0
        self._by_address: Counter[str] = Counter()
        self._by_network: dict[str, dict[Stranger, None]] = {}  # in the order in which they came

    def __len__(self) -> int:
        return self._count

    def is_full(self, address: str) -> bool:
        """Say whether as many have come from an address as may."""
        return self._by_address[counted_as(address)] >= self._most_per_address

    def enter(self, address: str, dismiss: Callable[[], None]) -> Stranger | None:
        """Count one more. `dismiss` is called when it loses its place. Returns None for a trusted proxy.

        If its address has as many as it may, it takes the place of the oldest from there.
        """
        if is_trusted(address, self._trusted):
            return None
        stranger = Stranger(address, dismiss)
        if self._by_address[stranger.address] >= self._most_per_address:
            others = self._by_network[stranger.network]
            self._dismiss(next(one for one in others if one.address == stranger.address))
        elif self._count >= self._most:
            self.dismiss_one()
        self._count += 1
        self._by_address[stranger.address] += 1
        self._by_network.setdefault(stranger.network, {})[stranger] = None
        return stranger

    def leave(self, stranger: Stranger | None) -> None:
        """Count one no longer. Further calls change nothing."""
        if stranger is None or stranger not in self._by_network.get(stranger.network, {}):
            return
        del self._by_network[stranger.network][stranger]
        if not self._by_network[stranger.network]:
            del self._by_network[stranger.network]
        self._count -= 1
        self._by_address[stranger.address] -= 1
        if not self._by_address[stranger.address]:
            del self._by_address[stranger.address]

    def dismiss_one(self) -> bool:
        """Dismiss the oldest of the network that has most, and say whether there was one."""
        if not self._by_network:
            return False
        busiest = max(self._by_network.values(), key=len)
        self._dismiss(next(iter(busiest)))
        return True

    def _dismiss(self, stranger: Stranger) -> None:
        self.leave(stranger)
        stranger.is_dismissed = True
        stranger.dismiss()
