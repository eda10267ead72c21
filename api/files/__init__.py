"""The bytes of files, in a folder or in S3-compatible storage, and what is made of pictures."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from api.errors import Invalid
from api.files.access import S3Access
from api.files.store import FileStore

__all__ = ["FileStore", "S3Access", "open_file_store"]

S3_SCHEME: Final = "s3"


def open_file_store(where: str, access: S3Access, spool: Path | None = None) -> FileStore:
    """Open what keeps the bytes: `s3://bucket/prefix`, or else the path of a folder, which is made where it is missing.

    Parts of files that are on their way to S3 wait in the folder `spool`, or in that of the system for such. Raises
    `Invalid` for what is neither, and `Unavailable` for a folder that cannot be used.
    """
    parts = urlsplit(where)
    if parts.scheme == S3_SCHEME:
        if not parts.netloc:
            raise Invalid("TAILWIRE_FILES names no bucket")
        from api.files.s3 import S3Files  # noqa: PLC0415

        return S3Files(parts.netloc, parts.path.strip("/"), access, spool)
    if "://" in where:
        raise Invalid("TAILWIRE_FILES must be a folder, or s3://bucket/prefix")
    from api.files.folder import FolderFiles  # noqa: PLC0415

    return FolderFiles(Path(where))
