"""Where everything is kept: `open_store` opens the store that a URL names."""

from urllib.parse import urlsplit

from api.errors import Invalid
from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Store


async def open_store(url: str, *, quiet_seconds: float = QUIET_SECONDS) -> Store:
    """Open the store at `url`; the scheme picks the backend, whose driver is imported only then.

    `sqlite:///relative/path`, `sqlite:////absolute/path`: one file, made with its schema when absent.
    `rethinkdb://user:password@host:port/database`: a cluster on which `tailwire init` has been run.
    `quiet_seconds`: how often its tails say that they are alive.
    Raises `Invalid` for any other URL and `Unavailable` when the store cannot be used, in plain words.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from api.store.sqlite.store import SqliteStore  # noqa: PLC0415

        return await SqliteStore.open(url, quiet_seconds=quiet_seconds)
    if scheme == "rethinkdb":
        from api.store.cluster.store import ClusterStore  # noqa: PLC0415

        return await ClusterStore.open(url, quiet_seconds=quiet_seconds)
    raise Invalid("the store must be a sqlite:// or rethinkdb:// URL")
