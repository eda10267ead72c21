"""How many characters of a text follow no pattern."""

import secrets

import pytest

from api.config.patterns import free_characters, repeated_part


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("x", 1),
        ("aaaaaaaa", 1),
        ("0123456789" * 4, 1),
        ("9876543210", 1),
        ("ABCabcABC", 1),
        ("qwertyuiopasdfghjklzxcvbnm", 3),
        ("x1x1x1", 2),
        ("\u0430\u0431\u0432\u0433\u0434", 1),  # the beginning of another alphabet
        # Without the second r, and without `re` and the last `se`, which are neighbours on a keyboard.
        ("correct horse", 10),
    ],
)
def test_the_characters_that_follow_no_pattern_are_counted(text: str, count: int) -> None:
    assert free_characters(text) == count


def test_random_texts_keep_most_of_their_characters() -> None:
    assert min(free_characters(secrets.token_hex(16)) for _ in range(500)) > 12
    assert min(free_characters(secrets.token_urlsafe(24)) for _ in range(500)) > 16


def test_a_repetition_is_found_and_nothing_else() -> None:
    assert [repeated_part(text) for text in ("", "aa", "abab", "aba", "abcabc")] == [
        "",
        "a",
        "ab",
        "aba",
        "abc",
    ]
