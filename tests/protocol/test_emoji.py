"""One emoji in any of its forms has one normal form, and nothing else is an emoji."""

import pytest

from api.errors import BadEmoji
from api.protocol.emoji import normal_emoji

STYLE = "\ufe0f"


@pytest.mark.parametrize(
    "emoji",
    [
        *("👍", "🎉", "⭐", "❤️", "©️", "☎️", "🕵️", "🌡️", "🫩", "🪾"),  # the last two are new
        *("👍🏽", "☝🏿", "🖐🏻"),
        *("🇩🇪", "🇦🇶", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"),
        *("1️⃣", "#️⃣", "*️⃣"),
        *("🏳️‍🌈", "👩‍⚕️", "👩🏽‍⚕️", "🕵️‍♂️", "🕵🏻‍♂️", "👁️‍🗨️", "⛓️‍💥", "👨‍👩‍👧‍👦", "👩🏽‍❤️‍💋‍👨🏻", "🧑🏽‍🧑🏻‍🧒‍🧒"),
        # These are not given away yet.
        *("\U0001fc00", "\U0001faff", "\U0001fc01\U0001f3fd", "\U0001fc02\u200d\u2642\ufe0f"),
    ],
)
def test_every_form_of_an_emoji_has_one_normal_form(emoji: str) -> None:
    assert normal_emoji(emoji) == emoji
    assert normal_emoji(emoji.replace(STYLE, "")) == emoji


@pytest.mark.parametrize(
    ("emoji", "normal"),
    [
        ("👍️", "👍"),
        ("⭐️", "⭐"),
        ("☝️🏿", "☝🏿"),
        ("👩️‍⚕", "👩‍⚕️"),
        ("🕵‍♂️", "🕵️‍♂️"),
        ("👩🏽‍❤‍💋‍👨🏻", "👩🏽‍❤️‍💋‍👨🏻"),
    ],
)
def test_the_sign_for_the_look_of_an_emoji_stands_where_it_is_needed_and_nowhere_else(
    emoji: str, normal: str
) -> None:
    assert normal_emoji(emoji) == normal


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a", "abc", "é", "1", "#", "1️", "+1", ":smile:", "→", "✓", "日", "<b>", "$where"),
        *("👍👍", "👍 ", " 👍", "👍\n", "a👍", "👍a", "❤️❤️"),
        *(
            "🏽",
            "🇩",
            "🇩🇪🇫",
            "🇩🇪🇫🇷",
            "\u200d",
            STYLE,
            "👍\u200d",
            "\u200d👍",
            "👍\u200d\u200d👍",
            "👍🏽🏽",
            "👍️️",
        ),
        *(
            "❤\ufe0e",
            "\u20e3",
            "a\u20e3",
            "12\u20e3",
            "🏴\U000e0067",
            "🏴\U000e007f",
            "👍\0",
            "\ud83d",
            "\ue000",
        ),
        "\u200d".join("👍" * 17),
    ],
)
def test_what_is_not_one_emoji_is_refused(text: str) -> None:
    with pytest.raises(BadEmoji):
        normal_emoji(text)
