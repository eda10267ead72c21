"""/server: what anybody may know of this server before they log in."""

from api import __version__
from api.http.bodies.server import ServerOut
from api.http.deps import HttpSettingsDep, SignUpsDep
from api.http.routing import Router
from api.http.strict import StrictRoute

router = Router(tags=["server"], route_class=StrictRoute)


@router.get("/server")
async def server(settings: HttpSettingsDep, signups: SignUpsDep) -> ServerOut:
    """Return the name of this server, its version, who may sign up, and what clients must know of it."""
    return ServerOut.of(
        name=settings.name,
        version=__version__,
        signup=signups.mode,
        subscriptions=settings.subscriptions,
        receipts=settings.receipts,
        search=settings.search,
        file_bytes=settings.file_bytes,
    )
