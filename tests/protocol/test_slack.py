"""Messages in Slack's shape become Markdown that reads well, and nothing in them breaks out of its place."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from hypothesis import strategies as st

from api.errors import BadJson, Empty, Invalid
from api.protocol.fields import MAX_BODY_CHARACTERS
from api.protocol.slack import SlackMessage, read_slack
from tests.page_cases import drawn, needs_the_tools_of_the_page, play_in_the_page

FIXTURES: Final = Path(__file__).parent / "slack"
SENDERS: Final = sorted(path.stem for path in FIXTURES.glob("*.json"))


def message(**payload: Any) -> SlackMessage:
    return read_slack(json.dumps(payload).encode(), is_form=False)


def body(**payload: Any) -> str:
    return message(**payload).body


@pytest.mark.parametrize("sender", SENDERS)
def test_what_real_senders_send_becomes_markdown_that_reads_well(sender: str) -> None:
    raw = (FIXTURES / f"{sender}.json").read_bytes()
    shown = read_slack(raw, is_form=False)
    assert shown.body == (FIXTURES / f"{sender}.md").read_text().rstrip("\n")
    form = urlencode({"payload": raw.decode()}).encode()
    assert read_slack(form, is_form=True) == shown, "a form means the same"


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("*bold* _it_ ~struck~ `a*b*`", "**bold** _it_ ~~struck~~ `a*b*`"),
        ("*_both_* and **Markdown's**", "**_both_** and **Markdown's**"),
        ("2*3*4, snake_case_name, a*, *b", "2\\*3\\*4, snake_case_name, a\\*, \\*b"),
        ("<https://a.example/x?a=1&amp;b=2|the (site)>", "[the (site)](https://a.example/x?a=1&b=2)"),
        ("<https://a.example/a_(b)|*x*>", "**[x](<https://a.example/a_(b)>)**"),
        ("<https://a.example>, https://b.example/c_d_e.", "<https://a.example>, <https://b.example/c_d_e>."),
        ("<mailto:a@b.example|write>", "[write](mailto:a@b.example)"),
        ("<mailto:a@b.example>", "[a@b.example](mailto:a@b.example)"),
        ("<https://bank.example@evil.example|bank>", "bank"),
        ("<javascript:alert(1)|click>", "click"),
        ("<https://evil.example|https://bank.example>", "https://bank.example <https://evil.example>"),
        ("<!here> <!channel> <!everyone>", "@room @room @room"),
        ("<!subteam^S1|@ops> <!date^1392734382^{date}|18 Feb>", "@ops 18 Feb"),
        ("<@U1> <@U2|bob> <#C1> <#C2|ops>", "\\@U1 @bob #C1 #ops"),
        ("&lt;b&gt; &amp;amp; <nil> <a b>", "\\<b> &amp; \\<nil> \\<a b>"),
        ("> one\n&gt; two\nthree > two", "> one\n> two\nthree > two"),
        ("a\n```x = <b>\n  *y*```\nb", "a\n```\nx = <b>\n  *y*\n```\nb"),
        ("```open `x`", "\\`\\`\\`open `x`"),
        ("a\r\nb\u2028c\x00\x07d\ud83d", "a\nb\ncd\ufffd"),
        ("[x](https://evil.example) ![y]", "[x\\](<https://evil.example>) ![y]"),
        ("*C:\\*b", "\\*C:\\\\*b"),
        ("*C:\\* b", "**C:\\\u2060** b"),
        (":white_check_mark: 12:30", ":white_check_mark: 12:30"),
    ],
)  # fmt: skip
def test_the_formatted_text_of_slack_becomes_markdown(text: str, markdown: str) -> None:
    assert body(text=text) == markdown


def test_a_plain_text_stays_one() -> None:
    assert body(text="*a* &lt;b&gt;", mrkdwn=False) == "\\*a\\* \\<b>"


def test_the_text_is_only_shown_where_no_block_is() -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*shown*"}}
    assert body(text="for notifications", blocks=[section]) == "**shown**"
    assert body(text="shown", blocks=[{"type": "input"}, {"type": "divider"}, 5]) == "shown"


def test_a_rich_text_becomes_markdown() -> None:
    def words(*parts: dict[str, Any]) -> dict[str, Any]:
        return {"type": "rich_text_section", "elements": list(parts)}

    def text(words: str, **style: bool) -> dict[str, Any]:
        return {"type": "text", "text": words, "style": style}

    elements = [
        words(
            text("both ", bold=True, italic=True), {"type": "emoji", "name": "tada"}, text("`c`", code=True)
        ),
        {"type": "rich_text_list", "style": "ordered", "offset": 2, "elements": [words(text("> one\ntwo"))]},
        {
            "type": "rich_text_list",
            "style": "bullet",
            "indent": 1,
            "elements": [words({"type": "link", "url": "https://a.example", "text": "in"})],
        },
        {"type": "rich_text_preformatted", "elements": [text("a```b")]},
        {"type": "rich_text_quote", "elements": [{"type": "user", "user_id": "U1"}, text(" said\nthis")]},
    ]
    assert body(blocks=[{"type": "rich_text", "elements": elements}]) == (
        "***both*** :tada:`` `c` ``\n3. \\> one\n   two\n  - [in](https://a.example)\n"
        "````\na```b\n````\n> \\@U1 said\n> this"
    )


def test_an_attachment_of_blocks_has_its_color_and_one_without_anything_its_fallback() -> None:
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "down"}}]
    shown = body(
        attachments=[{"color": "#00ff00", "blocks": blocks}, {"fallback": "*f*"}, {"color": "#888888"}]
    )
    assert shown == "> 🟢 down\n\n> **f**"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("CI &amp; co", "CI & co"),
        (" two\nlines\u202e ", "two lines"),
        ("n" * 100, "n" * 79 + "…"),
        ("\u200b", None),
        ("", None),
        ({"a": 1}, None),
    ],
)  # fmt: skip
def test_a_name_to_show_is_one_short_line(given: Any, name: str | None) -> None:
    assert message(text="x", username=given).name == name


def test_an_icon_is_an_address_or_an_emoji() -> None:
    shown = message(text="x", icon_url="https://a.example/i.png", icon_emoji=":+1::skin-tone-3:")
    assert (shown.icon_url, shown.icon_emoji) == ("https://a.example/i.png", "+1")
    assert message(text="x", icon_emoji="⚠").icon_emoji == "⚠️"
    for url, emoji in (
        ("javascript:x", "ghost"),
        ("mailto:a@b.example", ":a b:"),
        ("https://a b", ["x"]),
        (5, None),
    ):
        shown = message(text="x", icon_url=url, icon_emoji=emoji)
        assert (shown.icon_url, shown.icon_emoji) == (None, None)


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "ok", "ts": 1e400, "n": 12345678901234567890, "blocks": "x", "attachments": {"text": "x"}},
        {"text": "ok", "attachments": [None, 5, "x", [], {}, {"fields": "x", "actions": [1]}, {"color": "#zzz"}]},
        {"text": "ok", "blocks": [{}, {"type": ["section"]}, {"type": "section", "text": 5, "fields": [None]}]},
        {"text": "ok", "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_list", "indent": -9}]}]},
        {"text": "ok", "mrkdwn": "no", "username": 5, "icon_url": [], "icon_emoji": {}, "channel": None},
    ],
)  # fmt: skip
def test_what_is_unknown_is_left_out(payload: dict[str, Any]) -> None:
    assert body(**payload) == "ok"


def test_numbers_are_shown_as_they_are_written() -> None:
    raw = b'{"attachments": [{"fields": [{"title": "n", "value": 1.50}, {"title": "m", "value": 1e400}]}], "n": NaN}'
    assert read_slack(raw, is_form=False).body == "> **n:** 1.50\n> **m:** 1e400"


@pytest.mark.parametrize(
    "payload", [{}, {"text": ""}, {"text": " \n\u200b"}, {"text": None}, {"attachments": [{"color": "good"}]}]
)
def test_a_message_that_shows_nothing_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(Empty):
        message(**payload)


@pytest.mark.parametrize(
    ("raw", "is_form", "error"),
    [
        (b"", False, BadJson),
        (b"{", False, BadJson),
        (b'{"text": "\xff"}', False, BadJson),
        (b"[" * 40, False, BadJson),
        (b'{"a":' * 40 + b"1" + b"}" * 40, False, BadJson),
        (b'["text"]', False, Invalid),
        (b'"text"', False, Invalid),
        (b"", True, Invalid),
        (b"text=hello", True, Invalid),
        (b"payload=%7B%22text%22%3A1%7D&payload=%7B%7D", True, Invalid),
        (b"payload=%FF", True, Invalid),
        (b"payload=%7B", True, BadJson),
        (b"a=1&" * 200, True, Invalid),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused(raw: bytes, *, is_form: bool, error: type[Invalid]) -> None:
    with pytest.raises(error):
        read_slack(raw, is_form=is_form)


def test_a_byte_order_mark_and_doubled_keys_do_not_matter() -> None:
    assert read_slack(b'\xef\xbb\xbf{"text": "a", "text": "b"}', is_form=False).body == "b"


@pytest.mark.parametrize("length", [MAX_BODY_CHARACTERS, MAX_BODY_CHARACTERS + 1, 20_000])
def test_a_long_text_is_cut(length: int) -> None:
    shown = body(text="é" * length)
    assert len(shown) == MAX_BODY_CHARACTERS
    assert shown.endswith("…") == (length > MAX_BODY_CHARACTERS)


@pytest.mark.parametrize(
    ("payload", "end"),
    [
        ({"text": f"*{'a ' * 4_000}b*"}, "a…**"),
        ({"attachments": [{"text": "```" + "ab\n" * 4_000 + "```"}]}, "ab…\n> ```"),
        ({"text": "|" * 4_000}, "\\|…"),
        ({"text": "<https://a.example/|x> " * 400}, " …"),
    ],
)
def test_what_is_open_where_a_text_is_cut_is_ended_there(payload: dict[str, Any], end: str) -> None:
    shown = body(**payload)
    assert MAX_BODY_CHARACTERS - 50 < len(shown) <= MAX_BODY_CHARACTERS
    assert shown.endswith(end)


# No letter h, which may begin an address, and nothing that begins an item of a list.
_TEXTS: Final = st.text("ab *_~`[]()<>|\\:@!#&;", min_size=1, max_size=12).filter(
    lambda text: (bool(text.strip()) and ":" not in text[1:]) or "a" in text
)


@needs_the_tools_of_the_page
def test_the_page_shows_texts_as_they_are_wherever_they_stand(tmp_path: Path) -> None:
    """The parser of the page reads what was written here: no text means more than itself."""
    cases = [_case(*texts) for texts in drawn(400, st.tuples(_TEXTS, _TEXTS, _TEXTS, _TEXTS))]
    play_in_the_page("tests/formatting/slack.test.ts", "TAILWIRE_SLACK_CASES", cases, tmp_path)


def _case(header: str, plain: str, title: str, code: str) -> dict[str, Any]:
    """Return the Markdown of texts in different places, and the nodes that the page must make of it."""
    link = "https://a.example/b"
    rich = [
        {"type": "rich_text_section", "elements": [{"type": "text", "text": code, "style": {"code": True}}]}
    ]
    markdown = body(
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": header}},
            {"type": "section", "text": {"type": "plain_text", "text": plain}},
            {"type": "rich_text", "elements": rich},
        ],
        attachments=[{"title": title, "title_link": link, "text": f"```{code.replace('`', '')}|```"}],
    )
    return {
        "markdown": markdown,
        "header": " ".join(header.split()),
        "plain": plain,
        "title": " ".join(title.split()),
        "link": link,
        "code": code,
    }
