"""What webhooks are posted with, which `node.py` gives, and what is counted of that."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


class PostAnswer(Protocol):
    """The answer of a receiver."""

    @property
    def status(self) -> int:
        """The status of the answer."""

    @property
    def retry_after(self) -> str | None:
        """What it says in `Retry-After`."""


Post: TypeAlias = Callable[[str, bytes, Mapping[str, str]], Awaitable[PostAnswer]]
"""Posts a body with headers to a URL. Raises `OSError` where no answer comes."""


@dataclass(slots=True)
class WebhookCounts:
    """What this process has done for webhooks, for /metrics."""

    outcomes: Counter[str] = field(default_factory=Counter)
    dead: int = 0
