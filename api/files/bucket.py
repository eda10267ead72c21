"""Reaches a bucket of S3-compatible storage, and raises its errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from api.errors import NotFound, Unavailable
from api.files.access import S3Access

CONNECT_SECONDS: Final = 5
REQUEST_SECONDS: Final = 60
RETRIES: Final = 3

log = structlog.get_logger("api.files")


def open_bucket(bucket: str, prefix: str, access: S3Access, endpoint: str | None) -> S3Store:
    """Return the bucket as it is reached at an address. Nothing is asked there yet."""
    config = {
        "endpoint": endpoint,
        "region": access.region or ("us-east-1" if endpoint else None),
        "access_key_id": access.key_id,
        "secret_access_key": access.key,
    }
    return S3Store(
        bucket,
        prefix=prefix or None,
        client_options={
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
            "connect_timeout": f"{CONNECT_SECONDS}s",
            "timeout": f"{REQUEST_SECONDS}s",
        },
        retry_config={"max_retries": RETRIES},
        **{name: value for name, value in config.items() if value is not None},  # type: ignore[arg-type]
    )


@contextmanager
def s3_errors(
    *, missing: type[NotFound | Unavailable] = Unavailable, with_reason: bool = False
) -> Iterator[None]:
    """Raise the errors of S3 as ours, without an address.

    Where no object is asked for, what is missing is the bucket. The reason is for whoever runs the server:
    `with_reason` tells it to the caller, else it is logged.
    """
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        is_missing = isinstance(error, (NotFoundError, FileNotFoundError))
        if is_missing and missing is NotFound:
            raise NotFound from None
        reason = "there is no such bucket" if is_missing else type(error).__name__
        if with_reason:
            raise Unavailable(f"The storage for files does not answer: {reason}") from None
        log.warning("files_unusable", reason=reason)
        raise Unavailable("The files cannot be reached at the moment") from None
