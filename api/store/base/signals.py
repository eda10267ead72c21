"""Declares the part of a store that carries signals from each node or worker to all others."""

from abc import ABC, abstractmethod

from api.models.changes import Signal


class SignalStore(ABC):
    """Carries signals, which are facts that may be lost: whoever misses one finds out later by asking.

    They are no entries of any log, and never hold entries up. They are bounded in number: where too many wait, some are
    dropped.
    """

    @abstractmethod
    def send(self, signal: Signal) -> None:
        """Let the open tails (`changes.open`) of all other stores on this database yield a signal.

        Those of this store do not yield it. The signal may be lost, and of two about the same the older one may be left
        out. Never waits, and raises nothing.
        """

    @property
    @abstractmethod
    def sent_count(self) -> int:
        """The number of signals that were sent."""

    @property
    @abstractmethod
    def dropped_count(self) -> int:
        """The number of signals that could not be sent, as too many waited or the database did not answer."""
