"""Keeps everything in a database: `open_store` opens the one that a URL names, on SQLite or RethinkDB."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from api.errors import Invalid
from api.store.base.changes import QUIET_SECONDS
from api.store.base.store import Opening, Store

__all__ = ["Opening", "Store", "backup_store", "open_store", "prepare_cluster", "restore_store"]

_NOT_HERE = (
    "the store is on RethinkDB, which has tools of its own: rethinkdb-dump and rethinkdb-restore."
    " docs/operations.md says how, and what must be done after a restore"
)


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


async def prepare_cluster(
    admin_url: str, url: str, *, say: Callable[[str], None], replicas: int = 1, restored: bool = False
) -> None:
    """Make on a cluster what the store at `url` needs. `admin_url` has an admin's name and password.

    `say` is called with one line for each thing that is made. `restored`: the database was put back from a copy, so
    every room begins a new epoch. Raises `Unavailable`, and `Invalid` for a store that is not on RethinkDB.
    """
    if urlsplit(url).scheme != "rethinkdb":
        raise Invalid("TAILWIRE_STORE is not a rethinkdb:// URL; a SQLite store prepares itself")
    from api.store.cluster.schema import init  # noqa: PLC0415

    await init(admin_url, url, say=say, replicas=replicas, restored=restored)


def backup_store(url: str, file: Path) -> Path:
    """Copy the SQLite store at `url` to a new file, while servers use it. Returns the file's absolute path.

    Raises `Conflict` when the file exists, and `Invalid`, `Unavailable`, `StorageFull`.
    """
    if urlsplit(url).scheme != "sqlite":
        raise Invalid(_NOT_HERE)
    from api.store.sqlite.backup import backup  # noqa: PLC0415

    return backup(url, file)


def restore_store(url: str, file: Path, *, force: bool) -> tuple[Path, Path | None]:
    """Put a backup in the place of the SQLite store at `url`; every room begins a new epoch.

    Returns where it is, and where the database stands that was there before. That one is put aside only with `force`.
    Raises `Conflict` while a server runs or when a database is in the way, and `Invalid`, `Unavailable`, `StorageFull`.
    """
    if urlsplit(url).scheme != "sqlite":
        raise Invalid(_NOT_HERE)
    from api.store.sqlite.backup import restore  # noqa: PLC0415

    return restore(url, file, force=force)
