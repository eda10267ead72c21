"""Which links in a text get previews."""

import time

import pytest

from api.models.links import MAX_LINK_CHARACTERS, links_in

A, B = "https://a.example/one", "http://b.example"

FOUND = {
    A: [A],
    f"see {A}, and {B}!": [A, B],
    f"({A})": [A],
    f"[a page]({A})": [A],
    f"{A}(x)": [f"{A}(x)"],
    f"\u201c{A}\u201d": [A],
    f"{A}\u2019": [A],
    f"*{A}*": [A],
    f"{A} {A}": [A],
    f"> {A}": [A],
    f"- {A}\n- {B}": [A, B],
    f"HTTPS{A[5:]}": [f"HTTPS{A[5:]}"],
    f"{A}#part": [f"{A}#part"],
    "https://xn--bcher-kva.example": ["https://xn--bcher-kva.example"],
    "https://bücher.example/ä": ["https://bücher.example/ä"],
    f"{A}请看": [f"{A}请看"],
    f"{A}\uff0c请看": [A],
}
NOTHING = [
    "no link",
    "a.example",
    "ftp://a.example",
    "https://",
    "https:// a.example",
    "https://user@a.example",
    "https://user:word@a.example/x",
    "https://[::1",
    f"`{A}`",
    f"``{A}``",
    f"```\n{A}\n```",
    f"~~~\n{A}\n~~~",
    f"> ```\n> {A}\n> ```",
    f"<{A}>",
    f"look: <{A}>, it has none",
    f"https://a.example/{'x' * MAX_LINK_CHARACTERS}",
]


@pytest.mark.parametrize("text", FOUND)
def test_links_are_found_as_the_page_shows_them(text: str) -> None:
    assert links_in(text, most=9) == FOUND[text]


@pytest.mark.parametrize("text", NOTHING)
def test_there_is_no_link_that_gets_a_preview(text: str) -> None:
    assert links_in(text, most=9) == []


def test_there_are_no_more_than_wanted() -> None:
    assert links_in(" ".join(f"{A}{n}" for n in range(9)), most=3) == [f"{A}0", f"{A}1", f"{A}2"]


@pytest.mark.parametrize(
    "text", ["https://a/" + "." * 1_000 + ")" * 2_000, "https://" * 500, "<https://a>" * 400]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    links_in(text, most=9)
    assert time.process_time() - began < 0.1
