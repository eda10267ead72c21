"""Finds what of a text is code, in which nothing is a mention or a link. Pure."""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final

_MARK: Final = r"[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])[ \t])"
"""What a line of a quote or of a list begins with."""
_FENCE: Final = re.compile(rf"(?P<marks>(?:{_MARK})*)[ \t]*(?P<fence>`{{3,}}|~{{3,}})(?P<rest>.*)")
_QUOTES: Final = re.compile(r"(?:[ \t]*>)*")
NO_URL: Final = (
    r"\s<>\"`\u00ab\u00bb\u2018\u201a-\u201d\u201e-\u201f\u2039\u203a\u3001-\u3003\u3008-\u3011\u3014-\u301f"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
"""The characters that end a URL, as in `browser/text.ts`: blanks, quotes, and punctuation of unspaced scripts."""


def without_fences(text: str) -> Iterator[str]:
    """Yield the paragraphs of a text, without blocks of code. No code in a line reaches from one to the next."""
    paragraph: list[str] = []
    fence, is_quoted = "", False
    for line in text.split("\n"):
        inner = _QUOTES.sub("", line, count=1).strip()
        has_left_quote = is_quoted and not line.lstrip().startswith(">")  # its code ends with a quote
        if fence and not has_left_quote:
            is_end = len(inner) >= len(fence) and inner == fence[0] * len(inner)
            fence = "" if is_end else fence
            continue
        fence = ""
        begun = _FENCE.match(line)
        if begun and not (begun["fence"][0] == "`" and "`" in begun["rest"]):
            fence, is_quoted = begun["fence"], ">" in begun["marks"]
        elif inner:
            paragraph.append(line)
            continue
        yield "\n".join(paragraph)
        paragraph = []
    yield "\n".join(paragraph)


class Ticks:
    """The runs of back-ticks in a paragraph."""

    def __init__(self, text: str) -> None:
        self._places: dict[int, deque[int]] = {}
        for run in re.finditer("`+", text):
            self._places.setdefault(len(run[0]), deque()).append(run.start())

    def end_of_code(self, count: int, at: int) -> int:
        """Return where the code ends that a run of so many back-ticks before `at` begins, or `at` if it begins none."""
        # A run whose first back-tick stands after a backslash is shorter here than in the text.
        places = self._places.get(count)
        while places and places[0] < at:
            places.popleft()
        return places[0] + count if places else at
