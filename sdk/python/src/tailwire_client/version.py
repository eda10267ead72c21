"""The version of this library."""

from typing import Final

VERSION: Final = "0.1.0"
USER_AGENT: Final = f"tailwire-client/{VERSION}"
