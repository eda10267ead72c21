"""The words of texts, and when the wanted ones stand in a text (api/search/text.py)."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.search import text as module
from api.search.query import parse
from api.search.text import normal, stands_in, wanted_words, words_of
from tests.search.table import ROWS

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@pytest.mark.parametrize(
    ("group", "query", "found"), ROWS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_text_has_the_words_of_a_query(group: Any, query: str, found: frozenset[int]) -> None:
    terms = parse(query).terms
    said = {
        number
        for number, text in enumerate(group.messages)
        if all(stands_in(term.words, words_of(text)) is not term.is_excluded for term in terms)
    }
    assert said >= found if "has:" in query else said == found


@given(texts)
def test_the_normal_form_is_that_of_every_form_of_a_text(text: str) -> None:
    assert normal(normal(text)) == normal(text)
    for form in ("NFC", "NFD"):
        assert normal(unicodedata.normalize(form, text)) == normal(text)


@given(texts, texts, texts)
def test_every_part_of_a_text_that_ends_where_words_end_is_found(before: str, part: str, after: str) -> None:
    wanted = wanted_words(part)
    if wanted.words:
        assert stands_in(wanted, words_of(f"{before} {part} {after}"))


@given(st.text("日本語東京人ひらカナ한국สวัส", min_size=1, max_size=12), st.data())
def test_every_part_of_a_run_without_blanks_is_found(run: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    assert stands_in(wanted_words(part), words_of(run))


def test_long_words_are_cut_alike() -> None:
    word = "a" * 4_000
    assert words_of(word) == ["a" * 64]
    assert stands_in(wanted_words(word), words_of(word))


def test_not_every_character_of_unicode_is_kept() -> None:
    for start in range(0, 0x30000, 0x1000):
        normal("".join(map(chr, range(start, start + 0x1000))))
    assert len(module._FOLDING) <= module.MOST_KEPT
    assert normal("\U0002f800\U0001f600 É") == "丽 \U0001f600 e"
