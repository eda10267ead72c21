"""Who a request or a socket has proven to be."""

from dataclasses import dataclass

from api.models.accounts import User


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a connection has proven to be, and until when (milliseconds)."""

    user: User
    session_id: str
    expires_at: int
    is_admin: bool = False
