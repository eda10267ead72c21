"""The body of what anybody may know of a server."""

from api.http.bodies.forms import Answer
from api.models.accounts import SignupMode
from api.protocol.events import client_limits
from api.protocol.fields import features


class LimitsOut(Answer):
    """The limits that a client needs to know."""

    frame_bytes: int
    body_characters: int
    subscriptions: int
    replay: int
    file_bytes: int
    files: int


class ServerOut(Answer):
    """A server. `signup` says who may make an account: all, who has an invite, or nobody.

    `features` and `limits` are those that `ready` tells.
    """

    name: str
    version: str
    signup: SignupMode
    features: list[str]
    limits: LimitsOut

    @classmethod
    def of(  # noqa: PLR0913  what clients must know
        cls,
        *,
        name: str,
        version: str,
        signup: SignupMode,
        subscriptions: int,
        receipts: bool,
        search: bool,
        file_bytes: int,
    ) -> "ServerOut":
        """Make it from the settings of a server."""
        return cls(
            name=name,
            version=version,
            signup=signup,
            features=list(features(receipts=receipts, search=search, files=file_bytes > 0)),
            limits=LimitsOut(**client_limits(subscriptions=subscriptions, file_bytes=file_bytes)),
        )
