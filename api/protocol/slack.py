"""Reads messages in the shape of Slack's incoming webhooks, and makes Markdown of what they show. Pure.

The shape is that of https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, with the attachments of
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments. What is unknown here, or is of a
type that does not belong there, is left out: senders add fields that only Slack needs.
"""

import colorsys
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from api.errors import BadEmoji, BadJson, Empty, FieldError, Invalid
from api.protocol import strict_json
from api.protocol.emoji import normal_emoji
from api.protocol.fields import MAX_BODY_CHARACTERS, visible
from api.protocol.markdown import MarkdownWriter, is_address, one_line
from api.protocol.mrkdwn import unescaped, write_line, write_mrkdwn
from api.protocol.slack_blocks import objects_of, text_of, write_blocks, write_links

MAX_HOOK_BYTES: Final = 256 * 1024
"""The most bytes of a message to a hook. Senders describe a whole build or many alerts at once, and escape much."""
MAX_NAME_CHARACTERS: Final = 80
"""A longer name to show is cut."""
MAX_FORM_FIELDS: Final = 100

_NAMED_EMOJI: Final = re.compile(r":([a-z0-9_+'-]{1,64}):(?::skin-tone-[2-6]:)?")
_DIRECTIONS: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks of direction, with which a name could reorder what stands beside it."""
_HEX: Final = re.compile("#?([0-9a-f]{6})", re.IGNORECASE)
_NAMED_COLORS: Final = {"good": "🟢", "warning": "🟡", "danger": "🔴"}
_HUES: Final = ((15, "🔴"), (40, "🟠"), (70, "🟡"), (170, "🟢"), (260, "🔵"), (320, "🟣"), (360, "🔴"))
"""Up to which hue, in degrees, a color is shown by which circle."""
_LEAST_SATURATION: Final = 0.2
"""A color below it is a grey, which says nothing."""


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """What is shown of a message in Slack's shape."""

    body: str
    """Markdown of 1 to `MAX_BODY_CHARACTERS` characters."""
    name: str | None
    """The name under which it asks to be shown."""
    icon_url: str | None
    icon_emoji: str | None
    """An emoji, or the name of one without colons."""


def read_slack(raw: bytes, *, is_form: bool) -> SlackMessage:
    """Read the body of a request: JSON, or a form with it in the field `payload`.

    Raises `BadJson` and `Invalid` for what is neither, and `Empty` for a message that shows nothing.
    """
    payload = _loaded(_payload(raw) if is_form else raw)
    if not isinstance(payload, dict):
        raise Invalid("The message must be a JSON object")
    return SlackMessage(
        body=_body(payload),
        name=_name(payload.get("username")),
        icon_url=_icon_url(payload.get("icon_url")),
        icon_emoji=_icon_emoji(payload.get("icon_emoji")),
    )


def _payload(raw: bytes) -> bytes:
    """Return the field `payload` of a form."""
    try:
        fields = parse_qsl(
            raw.decode(), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"
        )
    except ValueError:
        raise Invalid("The form cannot be read") from None
    payloads = [value for name, value in fields if name == "payload"]
    if not payloads:
        raise Invalid(
            "The form has no field `payload`", errors=(FieldError(("body", "payload"), "is missing"),)
        )
    if len(payloads) > 1:
        twice = FieldError(("body", "payload"), "stands twice")
        raise Invalid("A field of the form stands twice", errors=(twice,), code="duplicate_key")
    return payloads[0].encode()


def _loaded(raw: bytes) -> Any:
    """Parse JSON more leniently than a request of ours: numbers stay as they are written, the last of two keys counts.

    Raises `BadJson`.
    """
    strict_json.refuse_depth(raw)
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=str)
    except UnicodeDecodeError:
        raise BadJson("The text is not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadJson from None


def _body(payload: dict[str, Any]) -> str:
    """Return the Markdown of a message. Raises `Empty`."""
    writer = _written(payload, MAX_BODY_CHARACTERS)
    if writer.is_full:  # room is needed for the mark of the cut
        writer = _written(payload, MAX_BODY_CHARACTERS - 1)
    return visible(writer.markdown)


def _written(payload: dict[str, Any], limit: int) -> MarkdownWriter:
    """Write a message into so many characters."""
    writer = MarkdownWriter(limit)
    write_blocks(writer, payload.get("blocks"))
    if not writer.length:  # else the text is only what notifications show
        text = text_of(payload.get("text"))
        if payload.get("mrkdwn") is False:
            writer.text(unescaped(text))
        else:
            write_mrkdwn(writer, text)
    for attachment in objects_of(payload.get("attachments")):
        if writer.is_full:
            break
        _write_attachment(writer, attachment)
    return writer


def _write_attachment(writer: MarkdownWriter, attachment: dict[str, Any]) -> None:
    """Write an attachment as a quote. Where nothing of it can be shown, its fallback is."""
    if pretext := text_of(attachment.get("pretext")):
        writer.paragraph()
        write_mrkdwn(writer, pretext)
    writer.paragraph()
    begun = writer.length
    with writer.quoted(_circle(text_of(attachment.get("color")))):
        if attachment.get("blocks"):
            write_blocks(writer, attachment.get("blocks"))
        else:
            _write_fields_of(writer, attachment)
        if writer.length == begun and not pretext:
            write_mrkdwn(writer, text_of(attachment.get("fallback")))


def _write_fields_of(writer: MarkdownWriter, attachment: dict[str, Any]) -> None:
    if author := text_of(attachment.get("author_name")):
        writer.linked(text_of(attachment.get("author_link")), unescaped(author))
        writer.line()
    _write_title(writer, attachment)
    write_mrkdwn(writer, text_of(attachment.get("text")))
    for field in objects_of(attachment.get("fields")):
        _write_field(writer, field)
    if is_address(image := text_of(attachment.get("image_url"))):
        writer.fresh_line()
        writer.linked(image, "Image")
    write_links(writer, attachment.get("actions"))
    if footer := " ".join(text_of(attachment.get("footer")).split()):
        writer.fresh_line()
        with writer.marked("_"):
            write_line(writer, footer)


def _write_title(writer: MarkdownWriter, attachment: dict[str, Any]) -> None:
    if not (title := " ".join(unescaped(text_of(attachment.get("title"))).split())):
        return
    with writer.marked("**"):
        address = text_of(attachment.get("title_link"))
        if is_address(address):
            writer.linked(address, title)
        else:
            writer.text(title)
    writer.line()


def _write_field(writer: MarkdownWriter, field: dict[str, Any]) -> None:
    title = unescaped(text_of(field.get("title"))).strip()
    value = text_of(field.get("value"))
    writer.fresh_line()
    if title:
        writer.strong(f"{title.removesuffix(':')}:")
        if "\n" in value:
            writer.line()
        else:
            writer.text(" ")
    write_mrkdwn(writer, value)


def _circle(color: str) -> str:
    """Return a circle in about this color and a blank; an empty text for a grey and for what is no color."""
    if circle := _NAMED_COLORS.get(color.lower()):
        return f"{circle} "
    if not (found := _HEX.fullmatch(color)):
        return ""
    red, green, blue = (byte / 255 for byte in bytes.fromhex(found[1]))
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < _LEAST_SATURATION:
        return ""
    return next(f"{circle} " for most, circle in _HUES if hue * 360 <= most)


def _name(value: Any) -> str | None:
    name = one_line(_DIRECTIONS.sub("", unescaped(text_of(value))), MAX_NAME_CHARACTERS)
    with suppress(Empty):
        return visible(name)
    return None


def _icon_url(value: Any) -> str | None:
    address = text_of(value)
    return address if address.lower().startswith("http") and is_address(address) else None


def _icon_emoji(value: Any) -> str | None:
    text = text_of(value)
    if named := _NAMED_EMOJI.fullmatch(text):
        return named[1]
    with suppress(BadEmoji):
        return normal_emoji(text)
    return None
