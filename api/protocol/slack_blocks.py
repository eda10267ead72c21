"""Writes the blocks of a message in Slack's shape as Markdown (https://docs.slack.dev/reference/block-kit). Pure.

Blocks that ask for something, such as menus and inputs, show nothing here. Of a button its link is left.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final

from api.protocol.markdown import MarkdownWriter, is_address
from api.protocol.mrkdwn import EVERYBODY, unescaped, write_mrkdwn

MAX_TEXT_CHARACTERS: Final = 16_000
"""Of a longer text the rest could not be shown: four of its characters make one of Markdown at least."""
MAX_INDENT: Final = 3
"""Lists within lists that are deeper are shown as deep as this."""

_LINE_ENDS: Final = re.compile("\r\n?|[\u2028\u2029]")
_UNWANTED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BOLD_LINE: Final = re.compile(r"\*[^*\n]+\*[ \t]*\n")
_BESIDE: Final = " · "
"""Stands between what is shown side by side."""


def text_of(value: Any) -> str:
    """Return the text that a value is, without what cannot be shown; an empty one for a value that is no text."""
    if not isinstance(value, str):
        return ""
    text = _LINE_ENDS.sub("\n", value[:MAX_TEXT_CHARACTERS])
    return _SURROGATE.sub("\ufffd", _UNWANTED.sub("", text)).strip("\n")


def objects_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def write_blocks(writer: MarkdownWriter, blocks: Any) -> None:
    """Write blocks below each other, as far as the writer has room for them. The first goes on where the writer is."""
    for block in objects_of(blocks):
        if writer.is_full:
            return
        if write := _WRITERS.get(text_of(block.get("type"))):
            before = writer.length
            write(writer, block)
            if writer.length > before:
                writer.paragraph()


def write_links(writer: MarkdownWriter, buttons: Any) -> None:
    """Write the links of buttons side by side."""
    links = [(text_of(one.get("url")), _plain_text(one.get("text"))) for one in objects_of(buttons)]
    links = [(address, label) for address, label in links if is_address(address)]
    if links:
        writer.fresh_line()
    for index, (address, label) in enumerate(links):
        if index:
            writer.text(_BESIDE)
        writer.linked(address, label)


def _header(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    writer.strong(_plain_text(block.get("text")))


def _section(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    _write_text(writer, block.get("text"))
    for field in objects_of(block.get("fields")):
        writer.fresh_line()
        text = text_of(field.get("text"))
        if name := _BOLD_LINE.match(text):  # the value below it is shown beside it
            text = f"{name[0].rstrip()} {text[name.end() :]}"
        _write_text(writer, {**field, "text": text})
    write_links(writer, [block.get("accessory")])  # a picture there is an ornament


def _context(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    shown = False
    for element in objects_of(block.get("elements")):
        is_image = element.get("type") == "image"
        text = text_of(element.get("alt_text" if is_image else "text"))
        if text:
            if shown:
                writer.text(_BESIDE)
            shown = True
            _write_text(writer, {"type": "plain_text" if is_image else element.get("type"), "text": text})


def _image(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    file = block.get("slack_file")
    address = text_of(block.get("image_url")) or text_of(file.get("url") if isinstance(file, dict) else None)
    writer.linked(address, _plain_text(block.get("title")) or text_of(block.get("alt_text")) or address)


def _video(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    address = text_of(block.get("title_url")) or text_of(block.get("video_url"))
    writer.linked(address, _plain_text(block.get("title")) or text_of(block.get("alt_text")))


def _markdown(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    write_mrkdwn(writer, text_of(block.get("text")))


def _actions(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    write_links(writer, block.get("elements"))


def _rich_text(writer: MarkdownWriter, block: dict[str, Any]) -> None:
    for element in objects_of(block.get("elements")):
        if writer.is_full:
            return
        kind, parts = element.get("type"), element.get("elements")
        writer.fresh_line()
        if kind == "rich_text_preformatted":
            writer.code_block(
                "".join(text_of(one.get("text") or one.get("url")) for one in objects_of(parts))
            )
        elif kind == "rich_text_quote":
            with writer.quoted():
                _write_rich(writer, parts)
        elif kind == "rich_text_list":
            _write_list(writer, element)
        elif kind == "rich_text_section":
            _write_rich(writer, parts)


def _write_list(writer: MarkdownWriter, element: dict[str, Any]) -> None:
    is_ordered = element.get("style") == "ordered"
    first = 1 + _small_number(element.get("offset"))
    with ExitStack() as outer:
        for _ in range(min(_small_number(element.get("indent")), MAX_INDENT)):
            outer.enter_context(writer.indented())
        for number, item in enumerate(objects_of(element.get("elements")), start=first):
            with writer.item(f"{number}." if is_ordered else "-"):
                _write_rich(writer, item.get("elements"))


def _small_number(value: Any) -> int:
    """Return a number of the payload, or 0 for anything else."""
    return int(value) if re.fullmatch("[0-9]{1,4}", text_of(value)) else 0


def _write_rich(writer: MarkdownWriter, parts: Any) -> None:
    for part in objects_of(parts):
        if writer.is_full:
            return
        kind, text = part.get("type"), _shown_by(part)
        style = part.get("style")
        style = style if isinstance(style, dict) else {}
        if kind == "link":
            writer.linked(text_of(part.get("url")), text)
        elif kind in ("user", "usergroup") and text:
            writer.name(f"@{text}")
        elif style.get("code") is True and text.strip():
            writer.code(text)
        else:
            _write_styled(writer, text, [mark for name, mark in _STYLES.items() if style.get(name) is True])


_STYLES: Final = {"bold": "**", "italic": "*", "strike": "~~"}


def _write_styled(writer: MarkdownWriter, text: str, marks: list[str]) -> None:
    inner = text.strip()
    if not marks or not inner or "\n" in inner:
        writer.text(text)
        return
    before, _, after = text.partition(inner)
    writer.text(before)
    with ExitStack() as open_marks:
        for mark in marks:
            open_marks.enter_context(writer.marked(mark))
        writer.text(inner)
    writer.text(after)


def _shown_by(part: dict[str, Any]) -> str:
    """Return the text that a part of a rich text shows."""
    kind = part.get("type")
    if kind == "emoji":
        return f":{text_of(part.get('name'))}:"
    if kind == "broadcast":
        return EVERYBODY
    if kind == "channel":
        return f"#{text_of(part.get('channel_id'))}"
    if kind in ("user", "usergroup"):
        return text_of(part.get(f"{kind}_id"))
    return text_of(part.get("fallback" if kind == "date" else "value" if kind == "color" else "text"))


def _plain_text(value: Any) -> str:
    """Return the text of an object that is shown in one line, or of what stands in its place."""
    return unescaped(text_of(value.get("text") if isinstance(value, dict) else value))


def _write_text(writer: MarkdownWriter, value: Any) -> None:
    if isinstance(value, dict):
        text = text_of(value.get("text"))
        if value.get("type") == "plain_text":
            writer.text(unescaped(text))
        else:
            write_mrkdwn(writer, text)


_WRITERS: Final[dict[str, Callable[[MarkdownWriter, dict[str, Any]], None]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "image": _image,
    "video": _video,
    "markdown": _markdown,
    "actions": _actions,
    "rich_text": _rich_text,
}
