"""Which names a text mentions: by examples, and never slowly."""

import time
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.accounts.names import username, username_key
from api.errors import Invalid
from api.rooms.mention_finder import EVERYBODY, names_in

TICKS: Final = "```"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("hi @bob", ["bob"]),
        ("@bob and @alice, and @bob", ["bob", "alice"]),
        (
            "(@bob) [@alice] *@carl* **@dave** ~~@emil~~ > @frank",
            ["bob", "alice", "carl", "dave", "emil", "frank"],
        ),
        ("@Bob @BOB", ["bob"]),
        ("@\uff22\uff4f\uff42", ["bob"]),
        ("@Zoë @zoe\u0308", ["zoë"]),
        ("@ﬁona", ["fiona"]),
        ("@山田、@bob。", ["山田", "bob"]),
        ("@bob: @bob; @bob! @bob? @bob's", ["bob"]),
        ("@@bob", ["bob"]),
        ("/@bob", ["bob"]),
        ("say:@bob", ["bob"]),
        ("@" + "b" * 32, ["b" * 32]),
        ("\\`` @bob", ["bob"]),
    ],
)
def test_mentions(text: str, names: list[str]) -> None:
    assert [place[0] for place in names_in(text).names] == names
    assert not names_in(text).everybody


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("@bob.", [("bob",)]),
        ("@bob._-", [("bob",)]),
        ("@bob.smith", [("bob.smith", "bob")]),
        ("@bob_smith-jr.,", [("bob_smith-jr", "bob_smith", "bob")]),
        ("@bob.Hello", [("bob.hello", "bob")]),
        ("@bob..smith", [("bob..smith", "bob")]),
        ("@b.c", [("b.c",)]),
        ("@bob.room", [("bob.room", "bob")]),
        ("@room.bob", [("room.bob",)]),
        ("@bob." + "x" * 40, [("bob",)]),
        ("@bob." + "x" * 400, [("bob",)]),
        ("@bob" + "\u0301" * 3, [("bob\u0301\u0301\u0301",)]),
    ],
)
def test_a_name_ends_before_punctuation_and_the_longest_comes_first(
    text: str, places: list[tuple[str, ...]]
) -> None:
    assert list(names_in(text).names) == places


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no names",
        "@",
        "@ bob",
        "@b",
        "@.bob",
        "@_bob_",
        "@-",
        "@" + "b" * 33,
        "@" + "b" * 4_000,
        "@" * 4_000,
        "@½ @🙂 @²",
        # addresses
        "bob@example.org <bob@example.org> mailto:bob@example.org",
        "e\u0301@bob é@bob 7@bob 山@bob",
        "@bob@example.org",
        "https://example.org/@bob HTTP://EXAMPLE.ORG/@bob <https://a.example/@bob>",
        "[me](https://a.example/@bob)",
        "https://user@bob.example/",
        # code
        "`@bob`",
        "`` ` @bob ``",
        "`a` `@bob`",
        f"{TICKS}\n@bob\n{TICKS}",
        f"{TICKS}python\n@bob\n",
        f"{TICKS}`\n@bob\n{TICKS}\n@bob",
        f"~~~\n@bob\n{TICKS}\n@bob\n~~~",
        f"> {TICKS}\n> @bob",
        f"- {TICKS}\n  @bob\n  {TICKS}",
        f"  {TICKS}\n@bob",
        r"\@bob",
    ],
)
def test_mentions_nobody(text: str) -> None:
    assert names_in(text) == ((), False)


@pytest.mark.parametrize(
    "text",
    [
        "`code` @bob",
        "`open @bob",
        "``not closed by one` @bob",
        "`one\n\n@bob `two",
        "\\`@bob\\`",
        f"{TICKS}\ncode\n{TICKS}\n@bob",
        f"{TICKS}\ncode\n  {TICKS}`  \n@bob",
        f"> {TICKS}\n> code\n@bob",
        f"{TICKS}in a line{TICKS} @bob",
        "https://a.example/ @bob",
        "https://a.example/“@bob”",
        r"\\ @bob",
        "<@bob>",
    ],
)
def test_what_ends_before_a_name_does_not_hide_it(text: str) -> None:
    assert names_in(text).names == (("bob",),)


@pytest.mark.parametrize(
    ("text", "everybody"),
    [
        ("@room", True),
        ("@Room: @ROOM.", True),
        ("hello @room, and @bob", True),
        ("`@room`", False),
        ("me@room", False),
        ("@rooms @room-service @room.x", False),
    ],
)
def test_everybody_is_mentioned_by_one_name(text: str, everybody: bool) -> None:
    found = names_in(text)
    assert found.everybody is everybody
    assert all(EVERYBODY not in place for place in found.names)


def test_no_user_can_have_the_name_of_everybody() -> None:
    with pytest.raises(Invalid):
        username_key(EVERYBODY)


@given(st.text(min_size=2, max_size=40))
def test_every_username_is_found_by_its_own_text(text: str) -> None:
    try:
        name = username(text)
    except Invalid:
        return
    if name != EVERYBODY and name[-1] not in "._-":
        assert names_in(f"@{name}").names[0][0] == name
        assert names_in(f"@{name}, hi").names[0][0] == name


@given(st.text("@`\\a.~>\n /:ht", max_size=200))
@example("@\\``")
def test_any_text_is_read(text: str) -> None:
    found = names_in(text)
    assert len(found.names) <= text.count("@")


def test_no_text_takes_long() -> None:
    hostile = [
        "@ab " * 1_000,
        "@a.b.c" * 666,
        "`" * 4_000,
        "".join("`" * n + "@a " for n in range(88)),
        "`@" * 2_000,
        "> " * 1_999 + "@a",
        "- " * 1_999 + TICKS,
        "https://" * 500,
        "@" + "a." * 1_999,
        "\\`" * 2_000,
        f"{TICKS}\n" * 1_000,
        "@" + "a\u0301" * 1_999,
    ]
    for text in hostile:
        began = time.process_time()
        names_in(text)
        assert time.process_time() - began < 0.25, text[:20]
