"""Makes what routes and sockets know of the settings."""

from typing import Final

from api.config import Settings
from api.config.doors import open_doors
from api.config.shown import shown_settings
from api.http.services import HttpSettings

SECONDS_PER_DAY: Final = 86_400


def http_settings(settings: Settings, *, file_bytes: int) -> HttpSettings:
    """Return the settings that routes and sockets need. `file_bytes` is 0 where there are no files."""
    return HttpSettings(
        origins=settings.allowed_origins,
        hosts=settings.allowed_hosts,
        trusted_proxies=settings.trusted_proxies,
        production=settings.production,
        session_seconds=settings.session_days * SECONDS_PER_DAY,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        name=settings.name,
        url=settings.link_base,
        subscriptions=settings.subscriptions,
        store_kind=settings.store_kind,
        shown=shown_settings(settings),
        open_doors=open_doors(settings),
        receipts=settings.receipts,
        search=settings.search,
        file_bytes=file_bytes,
    )
