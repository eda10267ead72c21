"""Errors about fields are in this server's words."""

from collections import defaultdict
from typing import get_args

import pytest
from pydantic_core import core_schema

from api.protocol.fields import invalid


@pytest.mark.parametrize("kind", get_args(core_schema.ErrorType))
def test_no_error_of_a_field_is_told_in_the_words_of_pydantic(kind: str) -> None:
    error = {
        "type": kind,
        "loc": ("body", "name"),
        "msg": "Input should be something else",
        "ctx": defaultdict[str, object](int),
    }
    (field,) = invalid([error]).errors
    assert "should" not in field.message
    assert field.message.startswith(("must ", "is ", "has ", "There is an unknown field", "0"))
