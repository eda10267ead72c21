"""Accepted JSON is read as it was written. All other input is refused with `BadJson`, and raises nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import BadJson
from api.protocol.strict_json import MAX_SAFE_INTEGER, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), min(10**15, MAX_SAFE_INTEGER))
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_what_was_written_is_read_back(value: object, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary())
def test_random_bytes_raise_nothing_but_bad_json(data: bytes) -> None:
    try:
        value = loads(data)
    except BadJson:
        return
    assert json.loads(data) == value


def test_a_text_that_is_all_quotes_and_never_ends_is_read_in_linear_time() -> None:
    # It would take hours if each bracket looked ahead.
    for text in (b'"' + rb"\"[" * 500_000, b'"[' * 500_000, b'["' * 500_000 + b"\\"):
        with pytest.raises(BadJson):
            loads(text)
