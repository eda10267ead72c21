"""Previews of links, as the data of entries has them."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Final

from api.models.attachments import sent_file_in
from api.models.log import EntryData, Json, LinkPreview

MAX_PREVIEWS: Final = 3
"""A message has previews of at most this many links."""
MAX_TITLE_CHARACTERS: Final = 200
MAX_DESCRIPTION_CHARACTERS: Final = 400
MAX_SITE_CHARACTERS: Final = 100
"""What a preview says is cut at these lengths."""


def previews_in(data: EntryData) -> tuple[LinkPreview, ...]:
    """Return the previews that the data of an entry names. What cannot be read is left out."""
    listed = data.get("previews")
    found = (_preview(one) for one in (listed if isinstance(listed, list) else []))
    return tuple(one for one in found if one is not None)


def preview_data(previews: Iterable[LinkPreview]) -> list[Json]:
    """Return previews as the data of an entry has them."""
    return [asdict(one) for one in previews]


def still_linked(previews: Iterable[LinkPreview], body: str) -> tuple[LinkPreview, ...]:
    """Return those of these previews whose links stand in a text."""
    return tuple(one for one in previews if one.url in body)


def picture_ids(previews: Iterable[LinkPreview]) -> list[str]:
    """Return the ids of the pictures of previews."""
    return [one.picture.file_id for one in previews if one.picture is not None]


def _preview(said: Json) -> LinkPreview | None:
    if not isinstance(said, dict):
        return None
    url, title, description, site_name = (
        text if isinstance(text := said.get(name), str) else ""
        for name in ("url", "title", "description", "site_name")
    )
    return LinkPreview(url, title, description, site_name, sent_file_in(said.get("picture"))) if url else None
