"""The form in which texts are searched, and the words that the index has of them. Pure.

Case, accents, and the widths and shapes of characters make no difference. Scripts that are written without blanks, such
as Chinese, Japanese and Thai, have no words that a program could find without a dictionary. Of a run of such characters
the index has every pair of neighbours, and the last character. So a part of the run is found by the pairs in it, and a
single character as the beginning of a pair. Korean has blanks, but its particles stand at the ends of words, so it is
treated alike.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

MAX_WORD_CHARACTERS: Final = 64
"""Longer words are cut. Nobody types so much of one, and what is cut is the same in texts and in queries."""

_UNSPACED: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b"  # Han: radicals, marks and numerals
    "\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # Kana, Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"  # Kana and Han beyond the basic plane
)
_RUN: Final = re.compile(f"[{_UNSPACED}]+|[^ {_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
_ASCII_WORD: Final = re.compile(r"[a-z0-9]+")

_DROPPED: Final = (
    *((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),
    (0x591, 0x5C7),  # Hebrew points
    *((0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6ED)),  # Arabic vowels
    *((0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF)),  # how an emoji is shown, and its skin tone
)
"""The first and the last of the marks without which people write, and search. Other marks make another word: those of
Indic scripts and Thai are vowels, those of Kana make other letters."""
_PLAIN: Final = {
    "\u0131": "i",  # Turkish, without its dot
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ħ": "h",
    "æ": "ae",
    "œ": "oe",
    "\u0640": "",  # it only makes an Arabic word longer
}
"""Letters that Unicode does not take apart into a letter and an accent."""


class Words(NamedTuple):
    """The words of a query that stand side by side in a text. With `is_prefix` the last one may go on there."""

    words: tuple[str, ...]
    is_prefix: bool


def normal(text: str) -> str:
    """Return a text in its normal form: its words and symbols with blanks between them."""
    if text.isascii():
        return " ".join(_ASCII_WORD.findall(text.lower()))
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(unicodedata.normalize("NFC", folded.translate(_FOLDING)).split())


def runs_of(text: str) -> list[str]:
    """Return the words of a text in its normal form, and its runs of scripts without blanks."""
    return _RUN.findall(normal(text))


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, as the index has them."""
    if text.isascii():
        return [word[:MAX_WORD_CHARACTERS] for word in _ASCII_WORD.findall(text.lower())]
    return [word for run in runs_of(text) for word in _indexed(run)]


def wanted_words(text: str) -> Words:
    """Return the words by which a part of a text is found.

    The last word is a prefix where it is a single character of a script without blanks, as such a one may stand for
    itself or begin a pair.
    """
    runs = runs_of(text)
    if not runs:
        return Words((), is_prefix=False)
    before = [word for run in runs[:-1] for word in _indexed(run)]
    last = runs[-1]
    if not is_unspaced(last):
        return Words((*before, last[:MAX_WORD_CHARACTERS]), is_prefix=False)
    return Words((*before, *(_pairs(last) or [last])), is_prefix=len(last) == 1)


def is_unspaced(text: str) -> bool:
    """Return whether the last character of a text in its normal form is of a script without blanks between words."""
    return _IS_UNSPACED.fullmatch(text[-1:]) is not None


def stands_in(wanted: Words, words: Sequence[str]) -> bool:
    """Return whether a text with these words has the wanted ones side by side, as the index finds them."""
    count = len(wanted.words)
    *before, last = wanted.words
    for start in range(len(words) - count + 1):
        end = words[start + count - 1]
        if (end.startswith(last) if wanted.is_prefix else end == last) and list(
            words[start : start + count - 1]
        ) == before:
            return True
    return False


def _indexed(run: str) -> Iterable[str]:
    return [*_pairs(run), run[-1]] if is_unspaced(run) else [run[:MAX_WORD_CHARACTERS]]


def _pairs(run: str) -> list[str]:
    return [run[at : at + 2] for at in range(len(run) - 1)]


MOST_KEPT: Final = 20_000
"""More characters than people write with on one server. Unicode has a million, which would take 200 MB."""


class _Folding(dict[int, str]):
    """What becomes of each character of a text that is taken apart. It is found out when the character first comes."""

    def __missing__(self, code: int) -> str:
        found = _folded(chr(code))
        if len(self) < MOST_KEPT:
            self[code] = found
        return found


def _folded(one: str) -> str:
    category, code = unicodedata.category(one), ord(one)
    if one in _PLAIN:
        return _PLAIN[one]
    if category == "Nd":
        return str(unicodedata.decimal(one))
    if category == "Cf" or any(first <= code <= last for first, last in _DROPPED):
        return ""
    if category in {"So", "Cn"}:  # a symbol, maybe one that is newer than this Python
        return f" {one} "
    return one if category[0] in "LNM" else " "


_FOLDING: Final = _Folding()
