"""Keeps everything in a database: `open_store` opens the one that a URL names, on SQLite or RethinkDB."""

from collections.abc import Callable
from urllib.parse import urlsplit

from api.errors import Invalid
from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Opening, Store

__all__ = ["Opening", "Store", "open_store", "prepare_cluster"]


async def open_store(
    url: str, *, opening: Opening = Opening.PREPARE, quiet_seconds: float = QUIET_SECONDS
) -> Store:
    """Open the store at `url`. Its scheme picks the backend, and only that backend's driver is imported.

    `sqlite:///relative/path`, `sqlite:////absolute/path`: one file.
    `rethinkdb://user:password@host:port/database`: a cluster on which `tailwire init` has been run.
    `opening`: what may be changed, above all whether a missing file is made and an older schema brought up to date.
    `quiet_seconds`: a tail that has nothing to tell yields `Quiet` this often.
    Raises `Invalid` for any other URL, and `Unavailable` with the reason when the store cannot be used.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from api.store.sqlite.store import SqliteStore  # noqa: PLC0415

        return await SqliteStore.open(url, opening, quiet_seconds=quiet_seconds)
    if scheme == "rethinkdb":
        from api.store.cluster.store import ClusterStore  # noqa: PLC0415

        return await ClusterStore.open(url, opening, quiet_seconds=quiet_seconds)
    raise Invalid("the store must be a sqlite:// or rethinkdb:// URL")


async def prepare_cluster(admin_url: str, url: str, *, say: Callable[[str], None], replicas: int = 1) -> None:
    """Make on a cluster what the store at `url` needs. `admin_url` has an admin's name and password.

    `say` is called with one line for each thing that is made. Raises `Unavailable`, and `Invalid` for a store that is
    not on RethinkDB.
    """
    if urlsplit(url).scheme != "rethinkdb":
        raise Invalid("TAILWIRE_STORE is not a rethinkdb:// URL; a SQLite store prepares itself")
    from api.store.cluster.schema import init  # noqa: PLC0415

    await init(admin_url, url, say=say, replicas=replicas)
