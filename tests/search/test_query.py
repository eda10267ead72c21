"""The language in which people search (api/search/query.py)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import FieldError, Invalid
from api.search.query import MAX_CHARACTERS, MAX_TERMS, Name, Query, Trait, parse

pieces = st.one_of(
    st.sampled_from(
        [
            *(
                '"',
                "-",
                "*",
                ":",
                "from:",
                "in:",
                "has:",
                "is:",
                "before:",
                "after:",
                "mentions:",
                "me",
                "link",
            ),
            *(
                "2026-11",
                " ",
                "「",
                "日本",
                "a",
                "AND",
                "NOT",
                "NEAR(",
                ")",
                "{body}",
                "\x00",
                "\n",
                "“",
                "'",
                "^",
            ),
        ]
    ),
    st.text(max_size=5),
)


@given(st.lists(pieces, max_size=30).map("".join))
def test_any_text_is_a_query_or_is_refused_without_an_echo(text: str) -> None:
    refused = tuple[FieldError, ...]()
    try:
        query = parse(text)
    except Invalid as error:
        refused = error.errors
        query = Query()
    if refused:
        assert [one.loc for one in refused] == [("query", "q")]
        return
    assert query != Query()
    assert len(query.terms) <= MAX_TERMS
    for term in query.terms:
        assert term.words.words
        for word in term.words.words:
            assert word
            assert not set('" \x00*():{}^') & set(word), "a word must not reach the syntax of the index"


def test_a_query_has_words_phrases_and_filters() -> None:
    query = parse(
        'red "big car" blu* -old -"very old" from:Ada -from:@bob in:#lobby -in:"My room" has:link -has:file'
        " is:thread mentions:me"
    )
    shown = [(term.shown, term.is_excluded) for term in query.terms]
    assert shown == [("red", False), ("big car", False), ("blu*", False), ("old", True), ("very old", True)]
    assert query.shown == ["red", "big car", "blu*"]
    assert query.people == (Name("Ada"), Name("bob", is_excluded=True))
    assert query.rooms == (Name("lobby"), Name("My room", is_excluded=True))
    assert query.traits == {Trait.LINK, Trait.THREAD}
    assert query.excluded_traits == {Trait.FILE}
    assert query.mentions_me is True


@pytest.mark.parametrize(
    ("said", "day"),
    [("2026-11-29", date(2026, 11, 29)), ("2026-11", date(2026, 11, 1)), ("2026", date(2026, 1, 1))],
)
def test_a_date_is_a_day_or_the_first_of_a_month_or_a_year(said: str, day: date) -> None:
    query = parse(f"before:{said} after:{said}")
    assert (query.before, query.after) == (day, day)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "must name something to look for"),
        ('"" - * !?', "must name something to look for"),
        ("a" * (MAX_CHARACTERS + 1), "must have at most 256 characters"),
        ("a b c d e f g h i", "must have at most 8 words and phrases"),
        ("ab* cd* ef* gh*", "must have at most 3 words with a *, or single characters"),
        ("日 本 ef* -gh*", "must have at most 3 words with a *, or single characters"),
        ("from:a " * 9, "must have at most 8 filters"),
        ("a*", "must have at least 2 letters before a *"),
        ("from:", 'must have a name after "from:"'),
        ('in:"" x', 'must have a name after "in:"'),
        ("has:nothing", 'must have one of these after "has:": link, file, pin'),
        ("is:link", 'must have one of these after "is:": thread'),
        ("mentions:bob", "may ask for mentions:me only"),
        ("before:tomorrow", 'must have a date after "before:", such as 2026-11-29 or 2026-11'),
        ("after:2026-02-30", 'must have a date after "after:", such as 2026-11-29 or 2026-11'),
        ("after:0026-02-03", 'must have a date after "after:", such as 2026-11-29 or 2026-11'),
        ("-before:2026", "must not have a - before before:"),
    ],
)
def test_a_query_that_cannot_be_understood_is_refused(query: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(query)
    assert [error.message for error in refused.value.errors] == [said]


def test_eight_words_and_eight_filters_are_not_too_many() -> None:
    query = parse("a b c d e f g h" + " from:a" * 8)
    assert (len(query.terms), len(query.people)) == (8, 8)


def test_an_open_quote_goes_to_the_end_and_phones_make_quotes_of_their_own() -> None:
    assert parse('"red car').shown == parse("“red car”").shown == parse("«red car»").shown == ["red car"]


def test_what_only_looks_like_a_filter_is_text() -> None:
    assert parse("foo:bar 12:30 https://a.b").shown == ["foo bar", "12 30", "https a b"]
