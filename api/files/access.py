"""How S3-compatible storage is reached."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S3Access:
    """The address and the keys of S3-compatible storage. What is None is found as by Amazon's own programs."""

    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    key: str | None = field(default=None, repr=False)
    public_endpoint: str | None = None
    """The address under which clients reach it, where they read files from there and not through this server."""
