"""The placeholders of pictures."""

import pytest

from api.files.thumbhash import thumbhash


def test_the_hash_is_that_of_the_description() -> None:
    """The page has the same values in frontend/tests/rooms/thumbhash.test.ts, and decodes them."""
    grey = bytes([128, 128, 128, 255]) * 16
    assert thumbhash(4, 4, grey).hex()[:10] == "2008020700"
    half_clear = bytes([255, 0, 0, 255]) * 8 + bytes([0, 0, 0, 0]) * 8
    assert thumbhash(4, 4, half_clear)[2] & 0x80


def test_only_small_pictures_have_a_hash() -> None:
    for width, height, pixels in ((0, 1, b""), (101, 1, bytes(404)), (2, 2, bytes(15))):
        with pytest.raises(ValueError, match="at most 100 x 100"):
            thumbhash(width, height, pixels)
