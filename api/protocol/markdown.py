"""Writes Markdown as the page reads it (`frontend/src/formatting/`), up to a number of characters. Pure.

What is given as text is shown as that text: it cannot end the emphasis, the link, the quote or the code in which it
stands, and begins none.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

CUT: Final = "…"
"""Stands where a text was cut."""
MAX_LABEL_CHARACTERS: Final = 200
"""A longer label of a link is cut: the page takes none of more than 500 characters, and half of them may be escapes."""
MAX_ADDRESS_CHARACTERS: Final = 2_000

_JOINER: Final = "\u2060"
"""A word joiner, which nobody sees. It keeps two characters apart that would mean something together."""
_ADDRESS: Final = re.compile(r"https?://[^\s<>/?#@\\]+(?:[/?#][^\s<>]*)?", re.IGNORECASE)
_MAIL: Final = re.compile(r"mailto:[^\s<>@?&/]+@[^\s<>@?&/]+", re.IGNORECASE)
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
_QUOTE: Final = re.compile(r"[ \t]*>")

_ALWAYS: Final = r"[`*~<|]"
_BETWEEN_WORDS: Final = r"(?<![^\W_])_|_(?![^\W_])"
"""An underscore between letters means itself."""
_ESCAPABLE: Final = "`*_~[]<>|:@"
"""The characters before which the page takes a backslash away."""
_AFTER_BACKSLASH: Final = r"(?<=\\)[_\[\]>:@]"
_SPECIAL: Final = re.compile(rf"{_ALWAYS}|{_BETWEEN_WORDS}|{_AFTER_BACKSLASH}|](?=\()")
_SPECIAL_IN_LABEL: Final = re.compile(rf"{_ALWAYS}|{_BETWEEN_WORDS}|{_AFTER_BACKSLASH}|[\[\]]")


def is_address(text: str) -> bool:
    """Say whether the page makes a link to this address: http, https or mailto, without the name of a user."""
    if len(text) > MAX_ADDRESS_CHARACTERS:
        return False
    return bool(_ADDRESS.fullmatch(text) or _MAIL.fullmatch(text))


def one_line(text: str, most: int) -> str:
    """Return a text in one line of at most so many characters. One that is cut ends with `CUT`."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}{CUT}"


class MarkdownWriter:
    """Writes Markdown of at most `limit` characters, and `CUT` where something did not fit.

    What is open where the text is cut is ended there, so that everything means what it should.
    """

    def __init__(self, limit: int) -> None:
        self.is_full = False
        """Whether something did not fit. Nothing more is written then."""
        self._limit = limit
        self.length = 0
        """How many characters were written."""
        self._written: list[str] = []
        self._last = "\n"
        self._closing: list[str] = []
        """What ends the things that are open, the innermost last."""
        self._prefix = ""
        """What each line begins with in the quote or the item that is open."""
        self._line_prefix = ""
        """What a blank line after the last one begins with."""
        self._gap = 1
        """How many lines end before the next text."""
        self._lead = ""
        """What the next line begins with."""
        self._in_label = False

    @property
    def markdown(self) -> str:
        """What was written."""
        return "".join(self._written)

    def text(self, text: str) -> None:
        """Write a text as it is. Its lines stay lines."""
        for index, line in enumerate(text.split("\n")):
            if index:
                self.line()
            if line.strip() or (line and not self._gap):
                self._put_text(line)
            if self.is_full:
                return

    def name(self, name: str) -> None:
        """Write a name that begins with `@`, so that it mentions nobody."""
        self._put_mark(f"\\{name[:1]}")
        self.text(name[1:])

    def line(self) -> None:
        """End the line. A second end makes a paragraph, and more do not make more."""
        self._gap = min(self._gap + 1, 2)

    def fresh_line(self) -> None:
        """Go on at the beginning of a line."""
        self._gap = max(self._gap, 1)

    def paragraph(self) -> None:
        """Go on with a new paragraph."""
        self._gap = 2

    @contextmanager
    def marked(self, mark: str) -> Iterator[None]:
        """Put what is written meanwhile between two marks of emphasis. It must not be blank at an end."""
        with self._between(mark, mark):
            yield

    def strong(self, text: str) -> None:
        """Write a text in bold, in one line."""
        if line := " ".join(text.split()):
            with self.marked("**"):
                self.text(line)

    def linked(self, address: str, label: str = "") -> None:
        """Write a link with a label, or with the address itself for an empty one.

        Where the address is none by `is_address`, the label is only a text. A label that shows an address, which may
        be that of another place, stands beside the link.
        """
        label = one_line(label, MAX_LABEL_CHARACTERS)
        if not is_address(address):
            self.text(label or address)
        elif label and not _WEB.search(label):
            self._link(address, label)
        else:
            if label not in ("", address):
                self.text(f"{label} ")
            if _WEB.match(address):
                self._put_mark(f"<{address}>")
            else:
                self._link(address, address.partition(":")[2])

    def code(self, text: str) -> None:
        """Write code within a line."""
        text = " ".join(text.splitlines())
        ticks = "`" * (1 + _longest_run(text))
        padding = " " if text[:1] in "` " or text[-1:] in "` " else ""
        with self._between(ticks + padding, padding + ticks):
            self._put(text)

    def code_block(self, text: str) -> None:
        """Write a block of code, on lines of its own."""
        fence = "`" * max(3, 1 + _longest_run(text))
        self._begin_block()
        with self._between(f"{fence}\n{self._prefix}", f"\n{self._prefix}{fence}"):
            for index, line in enumerate(text.split("\n")):
                if index:
                    self._put(f"\n{self._prefix}", is_whole=True)
                self._put(line)
        self.fresh_line()

    @contextmanager
    def quoted(self, lead: str = "") -> Iterator[None]:
        """Put what is written meanwhile into a quote. `lead` stands before it, if there is anything."""
        with self._prefixed("> "):
            self._lead = lead
            yield
            self._lead = ""

    @contextmanager
    def indented(self) -> Iterator[None]:
        """Put what is written meanwhile, which is a list, into the item above it."""
        with self._prefixed("  "):
            yield

    @contextmanager
    def item(self, mark: str) -> Iterator[None]:
        """Put what is written meanwhile into an item of a list. `mark` is `-`, or a number with a dot."""
        self._begin_block()
        self._put_mark(f"{mark} ")
        self._last = "\n"
        with self._prefixed(" " * (len(mark) + 1), begins=False):
            yield

    @contextmanager
    def _prefixed(self, prefix: str, *, begins: bool = True) -> Iterator[None]:
        if begins:
            self._begin_block()
        before = self._prefix
        self._prefix += prefix
        yield
        self._prefix = self._line_prefix = before
        self.fresh_line()

    def _link(self, address: str, label: str) -> None:
        target = f"<{address}>" if "(" in address or ")" in address else address
        with self._between("[", f"]({target})"):
            self._in_label = True
            self.text(label)
            self._in_label = False

    def _begin_block(self) -> None:
        """Go on at the beginning of a line, of which nothing else is a part."""
        if self._lead:
            self._begin_line()
        self.fresh_line()

    def _begin_line(self) -> None:
        """Write the ends of lines that are due, and what the next one begins with."""
        if not self._gap or self.is_full:
            return
        ends = ""
        if self.length:
            blank = min(self._line_prefix, self._prefix, key=len).rstrip()
            ends = "\n" if self._gap == 1 else f"\n{blank}\n"
        self._gap = 0
        lead, self._lead = self._lead, ""
        self._put(ends + self._prefix + lead, is_whole=True)
        self._line_prefix = self._prefix
        self._last = "\n"

    def _put_text(self, line: str) -> None:
        self._begin_line()
        if (self._last == "\\" and line[0] in _ESCAPABLE) or (self._last == "]" and line[0] == "("):
            self._put(_JOINER)
        escaped = (_SPECIAL_IN_LABEL if self._in_label else _SPECIAL).sub(r"\\\g<0>", line)
        if self._last == "\n" and (quote := _QUOTE.match(escaped)):
            at = quote.end() - 1
            escaped = f"{escaped[:at]}\\{escaped[at:]}"
        self._put(escaped)

    def _put_mark(self, mark: str) -> None:
        self._begin_line()
        if self._last == "\\":
            self._put(_JOINER)
        self._put(mark, is_whole=True)

    @contextmanager
    def _between(self, opening: str, closing: str) -> Iterator[None]:
        """Put what is written meanwhile between these, as far as there is room. What is begun is always ended."""
        self._begin_line()
        if len(opening) + len(closing) + len(_JOINER) >= self._room():
            self._cut()
        if self.is_full:
            yield
            return
        self._put_mark(opening)
        self._closing.append(_JOINER + closing)
        yield
        self._closing.pop()
        self._append(_JOINER + closing if self._last == "\\" else closing)

    def _room(self) -> int:
        return self._limit - self.length - sum(map(len, self._closing))

    def _put(self, text: str, *, is_whole: bool = False) -> None:
        """Write as much of a text as there is room for, or nothing of it if it must stay whole."""
        if self.is_full:
            return
        room = self._room()
        if len(text) <= room:
            self._append(text)
            return
        if not is_whole:
            kept = text[: max(room, 0)]
            if kept.endswith("\\") and text[len(kept)] in _ESCAPABLE:
                kept = kept[:-1]
            self._append(kept.rstrip())
        self._cut()

    def _cut(self) -> None:
        if not self.is_full:
            self.is_full = True
            self._append(CUT)

    def _append(self, text: str) -> None:
        if text:
            self._written.append(text)
            self.length += len(text)
            self._last = text[-1]


def _longest_run(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)
