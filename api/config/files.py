"""The settings of files. `Settings` has them too."""

import re
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

OFF: Final = "off"
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class FileSettings(BaseSettings):
    """Where the bytes of files are kept, and how many."""

    files: str | None = Field(
        None,
        description="Where the bytes of files are kept: a folder, `s3://bucket/prefix`, or `off` for no files. When"
        " unset, a folder beside a SQLite database, and `off` with RethinkDB.",
    )
    files_shared: bool = Field(
        False,
        description="Whether the folder of `TAILWIRE_FILES` is the same on every node. With RethinkDB it must be.",
    )
    files_endpoint: str | None = Field(
        None,
        description="The address of S3-compatible storage that is not Amazon's (`https://s3.example.org`).",
    )
    files_public_endpoint: str | None = Field(
        None,
        description="The address of the S3-compatible storage as browsers reach it (`https://s3.example.org`). When"
        " set, files are read from there, by addresses that hold five minutes; when unset, through this server.",
    )
    files_region: str | None = Field(None, description="The region of the bucket.")
    files_key_id: str | None = Field(
        None,
        description="The id of the access key to the bucket. When unset, it is found as by Amazon's own programs.",
    )
    files_key: SecretStr | None = Field(None, description="The secret access key to the bucket.")
    files_spool: Path | None = Field(
        None,
        description="A folder of this machine in which parts of files wait that are on their way to a bucket, and"
        " pictures are looked at. When unset, that of the system, which may be in memory. 256 MiB are enough.",
    )
    file_mib: int = Field(100, ge=1, le=100_000, description="The most MiB of one file.")
    user_files_mib: int = Field(
        1_024, ge=1, description="The most MiB of all files of one user, sent ones and uploads together."
    )
    user_files: int = Field(
        10_000, ge=1, description="The most files of one user, sent ones and uploads together."
    )
    all_files: int = Field(1_000_000, ge=1, description="The most files of all users.")
    all_files_mib: int = Field(10_240, ge=1, description="The most MiB of all files of all users.")
    unsent_file_hours: int = Field(
        24,
        ge=1,
        le=720,
        description="A file that was uploaded and not sent is removed after this many hours.",
    )

    @field_validator("files_public_endpoint")
    @classmethod
    def _is_an_origin(cls, endpoint: str | None) -> str | None:
        """Refuse what the policy of the page cannot name."""
        if endpoint is not None and _ORIGIN.fullmatch(endpoint) is None:
            raise ValueError("TAILWIRE_FILES_PUBLIC_ENDPOINT must be http(s)://host or http(s)://host:port")
        return endpoint

    @model_validator(mode="after")
    def _is_in_a_bucket(self) -> Self:
        """Refuse an address at which there are no files."""
        if self.files_public_endpoint is not None and not (self.files or "").startswith("s3://"):
            raise ValueError(
                "TAILWIRE_FILES_PUBLIC_ENDPOINT is for files in a bucket: set TAILWIRE_FILES to s3://..."
            )
        return self

    @model_validator(mode="after")
    def _is_on_every_node(self) -> Self:
        """Refuse a folder that not all nodes of a RethinkDB store have."""
        is_folder = self.files is not None and self.files != OFF and "://" not in self.files
        is_cluster = str(getattr(self, "store", "")).startswith("rethinkdb:")
        if is_cluster and is_folder and not self.files_shared:
            raise ValueError(
                "TAILWIRE_FILES names a folder of this machine, and other nodes of the same store would not find the"
                " files: name a bucket, or set TAILWIRE_FILES_SHARED where all nodes share the folder"
            )
        return self


def place_of_files(files: str | None, store: str) -> str | None:
    """Return where the bytes of files are kept: a folder or the URL of a bucket, or None for no files.

    Beside `data/tailwire.db` that is the folder `data/tailwire.files`.
    """
    if files is not None:
        return None if files == OFF else files
    path = store.removeprefix("sqlite:///")
    return None if path == store else str(Path(path).with_suffix(".files"))
