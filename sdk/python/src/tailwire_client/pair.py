"""The two tokens of a session."""

from dataclasses import dataclass, field
from pathlib import Path

from tailwire_client.kept import JsonFile, Kept
from tailwire_client.shape import read


@dataclass(frozen=True)
class Pair:
    """The tokens of a session. `expires_in` are the seconds from their making to the end of the access token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


class FilePair(Kept[Pair]):
    """Keeps the tokens of a session in a file that only its owner can read."""

    def __init__(self, path: str | Path) -> None:
        self._file = JsonFile(path)

    async def load(self) -> Pair | None:
        """Return the tokens that were kept last, or None."""
        fields = await self._file.read()
        return None if fields is None else read(Pair, fields)

    async def keep(self, value: Pair) -> None:
        """Keep these tokens in place of those before."""
        await self._file.write(
            {
                "access_token": value.access_token,
                "refresh_token": value.refresh_token,
                "expires_in": value.expires_in,
            }
        )
