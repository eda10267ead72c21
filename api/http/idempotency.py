"""Reads the ref of a request: from its body, or from the header `Idempotency-Key`, which means the same.

The header is that of the IETF's draft httpapi-idempotency-key-header, a text in double quotes. Clients leave the quotes
out, so they may be missing.
"""

import re
from typing import Annotated, Final

from fastapi import Header
from pydantic.json_schema import SkipJsonSchema

from api.errors import FieldError, Invalid

_KEY: Final = re.compile(r'"([\x20-\x7e]{1,64})"|([\x20-\x7e]{1,64})')

IdempotencyKey = Annotated[
    str | SkipJsonSchema[None], Header(description="The ref, for clients that do not put it into the body")
]


def ref_of(key: str | None, ref: str | None) -> str | None:
    """Return the ref of a request by its header and its body, or None where neither has one.

    Raises `Invalid` for a key that is no ref, and where the two are different.
    """
    if key is None:
        return ref
    if (found := _KEY.fullmatch(key)) is None:
        raise _bad("The Idempotency-Key must be a text of 1 to 64 characters", "must be 1 to 64 characters")
    said = found[1] or found[2]
    if ref is not None and ref != said:
        raise _bad("The ref and the Idempotency-Key are different", "is not the ref of the body")
    return said


def required_ref_of(key: str | None, ref: str | None) -> str:
    """Return the ref of a request that must have one. Raises `Invalid`."""
    found = ref_of(key, ref)
    if found is None:
        missing = FieldError(("body", "ref"), "is missing")
        raise Invalid("The ref must be a text of 1 to 64 characters", errors=(missing,), code="bad_ref")
    return found


def _bad(message: str, what: str) -> Invalid:
    return Invalid(message, errors=(FieldError(("header", "idempotency-key"), what),), code="bad_ref")
