"""The settings of the search of messages. `Settings` has them too."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings


class SearchSettings(BaseSettings):
    """The settings of the search of messages, and of where its index is."""

    search: bool = Field(
        True,
        description="Whether messages can be searched on this node, which then keeps an index of all of them on its"
        " disk: `on` or `off`.",
    )
    search_path: Path | None = Field(
        None,
        description="The file of the search index, which may be deleted at any time. When unset, it stands beside a"
        " SQLite database (`tailwire.search.db`), and for RethinkDB in `data/` below the working directory.",
    )


def index_beside(store: str) -> Path:
    """Return where the search index of a store is, unless the operator says so."""
    parts = urlsplit(store)
    named = Path(unquote(parts.path).removeprefix("/") or "tailwire")
    own = named if parts.scheme == "sqlite" else Path("data") / named.name
    return own.with_name(f"{own.stem}.search.db")
