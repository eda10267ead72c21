"""The contracts as the code makes them, and as they stand in docs/contract, where they change only with a note."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from api import __version__
from api.config import Settings
from api.main import create_app
from api.protocol.asyncapi import asyncapi
from tests.contract.breaking import SUCCESS, Document, broken_http, broken_socket

FOLDER: Final = Path(__file__).parents[2] / "docs" / "contract"
NOTES: Final = FOLDER / "README.md"


class Contract(NamedTuple):
    """A document, how the code makes it, and how two states of it are compared."""

    path: Path
    make: Callable[[], dict[str, Any]]
    broken: Callable[[Document, Document], list[str]]


def made_http() -> dict[str, Any]:
    """Return the OpenAPI document of a server with the default settings."""
    return create_app(Settings(store="sqlite:///unused")).openapi()


def made_socket() -> dict[str, Any]:
    """Return the AsyncAPI document of a server with the default settings."""
    settings = Settings(store="sqlite:///unused")
    return asyncapi(
        version=__version__,
        url="https://chat.example",
        subscriptions=settings.subscriptions,
        file_bytes=settings.file_mib * 1024 * 1024,
    )


CONTRACTS: Final = (
    Contract(FOLDER / "openapi.json", made_http, broken_http),
    Contract(FOLDER / "asyncapi.json", made_socket, broken_socket),
)


def text_of(document: Document) -> str:
    """Return the text of a document, without what no client relies on: errors, which may be others, and examples."""
    return json.dumps(_kept(document), indent=1, ensure_ascii=False) + "\n"


def _kept(value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _kept(one) for name, one in value.items() if name != "examples"}
    if "responses" in kept and "operationId" in kept:
        kept["responses"] = {status: one for status, one in kept["responses"].items() if status in SUCCESS}
    return kept


def unsaid(contract: Contract) -> list[str]:
    """Return what may break a client of the committed contract, and is not said in the notes."""
    if not contract.path.exists():
        return []
    notes = NOTES.read_text()
    old = json.loads(contract.path.read_text())
    return [one for one in contract.broken(old, contract.make()) if f"`{one}`" not in notes]


def renew() -> None:
    """Write the contracts anew. Raises `SystemExit` where one may break a client and the notes do not say so."""
    for contract in CONTRACTS:
        if missing := unsaid(contract):
            lines = "\n".join(f"- `{one}`" for one in missing)
            raise SystemExit(
                f"These break clients. Undo them, or say them in docs/contract/README.md:\n{lines}"
            )
        contract.path.parent.mkdir(exist_ok=True)
        contract.path.write_text(text_of(contract.make()))
