"""The settings of the previews of links. `Settings` has them too."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode


def listed(value: object) -> object:
    """Return the parts between commas of a text. Anything else stays as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class LinkSettings(BaseSettings):
    """Whether this server fetches the pages behind links."""

    link_previews: bool = Field(
        False,
        description="Whether this node fetches the pages behind links in messages, and shows their titles and pictures:"
        " `on` or `off`. The sites learn the address of this server, and that somebody has sent the link.",
    )
    link_preview_allow: Annotated[
        tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(listed)
    ] = Field(
        (),
        description="Comma-separated addresses and networks (`10.1.0.0/16`) whose pages are fetched for previews though"
        " they are not public, on every port. Everybody who may write can then read the titles of these pages. When"
        " unset, only public addresses are asked, on the ports 80 and 443.",
    )
