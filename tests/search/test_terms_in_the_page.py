"""The server says which words it has looked for; the page marks them in the messages. Both must see the same words."""

# ruff: noqa: RUF001 - the letters of many scripts look like those of one

from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from api.search.query import parse
from api.search.text import runs_of, stands_in, wanted_words, words_of
from tests.page_cases import drawn, needs_the_tools_of_the_page, play_in_the_page
from tests.search.table import GROUPS

CASES: Final = 500
LETTERS: Final = (
    "aAbBéßİıøŁæ0²½ٓ٣１ａé ̈-_.,'’\u00ad\u200d\ufe0fأبـתּיִваёЙจะกำที่ကြ한글각ᄒ ᅡ東京々〆ガか゛ｶﾞ゙一。・🚢👍🏽☃"
)
"""Letters of many scripts, in several forms, with what stands between them and what is not seen."""


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a text, and a part of it or of another text that is looked for."""
    text, other = draw(st.text(LETTERS, max_size=24)), draw(st.text(LETTERS, max_size=3))
    runs = runs_of(draw(st.sampled_from((text, other))))
    first = draw(st.integers(0, len(runs)))
    part = " ".join(runs[first : draw(st.integers(first, len(runs)))])
    return case(text, [part]) if part else case(text, [])


def case(text: str, terms: list[str]) -> dict[str, Any]:
    """Return a case for the page: whether any of the terms stands in the text."""
    words = words_of(text)
    wanted = [
        wanted_words(term)._replace(is_prefix=True) if term.endswith("*") else wanted_words(term)
        for term in terms
    ]
    return {"text": text, "terms": terms, "isFound": any(stands_in(one, words) for one in wanted)}


@needs_the_tools_of_the_page
def test_the_page_marks_what_the_server_has_found(tmp_path: Path) -> None:
    table = [
        case(message, parse(query).shown)
        for group in GROUPS
        for query, _ in group.rows
        for message in group.messages
    ]
    play_in_the_page(
        "tests/formatting/terms.test.ts",
        "TAILWIRE_TERMS_CASES",
        [*table, *drawn(CASES, cases())],
        tmp_path,
    )
