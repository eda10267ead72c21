"""Reads the formatted texts of Slack, which Slack calls mrkdwn, and writes them as Markdown. Pure.

The form is that of https://docs.slack.dev/messaging/formatting-message-text: `*bold*`, `_italic_`, `~struck~`, code,
quotes, `<address|label>`, `<!here>`, `<@U1|name>`, `<#C1|name>`, and `&amp;`, `&lt;`, `&gt;`.
"""

import re
from typing import Final

from api.protocol.markdown import MarkdownWriter

_FENCE: Final = "```"
_QUOTE: Final = re.compile(r"(?:>|&gt;){1,3} ?")
_MARKS: Final = {"*": "**", "_": "_", "~": "~~"}
"""The marks of Slack, and what they are in Markdown."""
_EMPHASIS: Final = "|".join(
    # It stands between words, holds no blank at an end, and its mark in it only between letters.
    rf"(?<![\w{mark}]){mark}(?=[^\s{mark}])(?P<{name}>(?:[^{mark}\n]|(?<=\w){mark}(?=\w))+)(?<!\s){mark}(?![\w{mark}])"
    for name, mark in (("strong", r"\*"), ("emphasis", "_"), ("struck", "~"))
)
_TOKEN: Final = re.compile(
    r"(?<!`)`(?P<code>[^`\n]+)`(?!`)"
    r"|<(?P<angled>[^<>\n]+)>"
    r"|(?P<address>https?://[^\s<>|`]+)"
    r"|(?<![\w*])\*\*(?=[^\s*])(?P<double>[^*\n]+)(?<!\s)\*\*(?![\w*])"
    rf"|{_EMPHASIS}",
    re.IGNORECASE,
)
_MARK_OF: Final = {"double": "**", "strong": "**", "emphasis": "_", "struck": "~~"}
_TAIL: Final = ".,;:!?'\"*_~)]"
"""What follows an address in a sentence."""
_MARKED_LABEL: Final = re.compile(r"([*_~])(\S(?:.*\S)?)\1")
_ENTITY: Final = re.compile("&(amp|lt|gt);")
_CHARACTERS: Final = {"amp": "&", "lt": "<", "gt": ">"}
EVERYBODY: Final = "@room"
"""What `<!here>`, `<!channel>` and `<!everyone>` are called here. It notifies nobody when a hook writes it."""


def unescaped(text: str) -> str:
    """Return a text with the three characters that Slack escapes."""
    return _ENTITY.sub(lambda entity: _CHARACTERS[entity[1]], text)


def write_mrkdwn(writer: MarkdownWriter, text: str) -> None:
    """Write a formatted text of Slack, as far as the writer has room for it."""
    parts = text.split(_FENCE)
    if len(parts) % 2 == 0:  # the last fence ends nothing
        parts[-2:] = [_FENCE.join(parts[-2:])]
    for index, part in enumerate(parts):
        if writer.is_full:
            return
        if index % 2:
            writer.code_block(_plain(part).strip("\n"))
        else:
            _write_lines(writer, part.lstrip(" \n") if index else part)


def write_line(writer: MarkdownWriter, text: str) -> None:
    """Write a formatted text of Slack in one line."""
    _write_inlines(writer, " ".join(text.split()))


def _write_lines(writer: MarkdownWriter, text: str) -> None:
    lines = text.split("\n")
    at = 0
    while at < len(lines) and not writer.is_full:
        if _QUOTE.match(lines[at]):
            with writer.quoted():
                while at < len(lines) and (quote := _QUOTE.match(lines[at])):
                    _write_inlines(writer, lines[at][quote.end() :])
                    writer.line()
                    at += 1
            continue
        _write_inlines(writer, lines[at])
        at += 1
        if at < len(lines):
            writer.line()


def _write_inlines(writer: MarkdownWriter, text: str) -> None:
    at = 0
    while not writer.is_full and (token := _TOKEN.search(text, at)):
        writer.text(unescaped(text[at : token.start()]))
        at = token.end()
        name, inner = token.lastgroup or "", token[token.lastgroup or 0]
        if name == "code":
            writer.code(_plain(inner))
        elif name == "angled":
            _write_angled(writer, inner)
        elif name == "address":
            address = inner.rstrip(_TAIL)
            at -= len(inner) - len(address)
            writer.linked(unescaped(address))
        else:
            with writer.marked(_MARK_OF[name]):
                _write_inlines(writer, inner)
    writer.text(unescaped(text[at:]))


def _write_angled(writer: MarkdownWriter, inner: str) -> None:
    """Write what Slack has between angle brackets: a link, or the name of somebody or something."""
    what, _, label = (unescaped(part).strip() for part in inner.partition("|"))
    sign = what[:1]
    if sign not in ("@", "#", "!"):
        if ":" in what and " " not in what:
            _write_link(writer, what, label)
        else:
            writer.text(f"<{unescaped(inner)}>")
    elif sign == "!" and what[1:] in ("here", "channel", "everyone"):
        writer.text(EVERYBODY)
    elif sign == "!":
        writer.text(label or what)
    elif label or sign == "#":
        writer.text(sign + (label or what).removeprefix(sign))
    else:
        writer.name(what)


def _write_link(writer: MarkdownWriter, address: str, label: str) -> None:
    if marked := _MARKED_LABEL.fullmatch(label):
        with writer.marked(_MARKS[marked[1]]):
            writer.linked(address, marked[2])
    else:
        writer.linked(address, label)


def _plain(text: str) -> str:
    """Return what a code shows of a text: the addresses and names in it without their brackets."""
    return unescaped(re.sub(r"<([^<>|\s]+:[^<>|\s]+)(?:\|([^<>\n]*))?>", lambda one: one[2] or one[1], text))
