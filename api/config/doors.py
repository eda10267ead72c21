"""Names the doors that a setup leaves open to strangers: said at the start, and by `tailwire doctor`. Pure."""

from dataclasses import dataclass

from api.config import Settings


@dataclass(frozen=True, slots=True)
class Door:
    """What strangers can do, and the setting that ends it."""

    what: str
    remedy: str


def open_doors(settings: Settings) -> list[Door]:
    """Return the open doors of a server that strangers can reach. On loopback alone there are none."""
    if not settings.is_reachable:
        return []
    doors = []
    if settings.signup_mode == "open":
        doors.append(Door("everybody can sign up", "TAILWIRE_SIGNUP=invite"))
    if settings.serves_docs:
        doors.append(Door("/docs and /openapi.json are open", "TAILWIRE_PRODUCTION=true"))
    if settings.metrics_token is None and not settings.production:
        doors.append(Door("/metrics is open", "TAILWIRE_METRICS_TOKEN or TAILWIRE_PRODUCTION=true"))
    if not settings.production:
        doors.append(Door("session cookies may travel over plain http", "TAILWIRE_PRODUCTION=true"))
    if settings.link_previews and settings.link_preview_allow:
        what = "who may write learns the titles of pages in private networks"
        doors.append(Door(what, "TAILWIRE_LINK_PREVIEW_ALLOW without them"))
    if settings.allowed_hosts is None:
        doors.append(
            Door("requests for any host name are answered", "TAILWIRE_HOSTS, such as chat.example.org")
        )
    # Who serves others from the loopback address has a proxy on this machine, which passes everything on.
    if settings.is_on_loopback and not settings.trusted_proxies:
        doors.append(
            Door(
                "one client can use up the limits of all: every address seems the proxy's",
                "TAILWIRE_TRUSTED_PROXIES",
            )
        )
    return doors
