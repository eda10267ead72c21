"""The settings of what programs use: bots, hooks, webhooks and consumers. `Settings` has them too."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field
from pydantic_settings import NoDecode

from api.config.searching import SearchSettings


class MachineSettings(SearchSettings):
    """The settings that only programs meet."""

    bots_per_user: int = Field(20, ge=0, description="The most bots that one person can have.")
    tokens_per_user: int = Field(20, ge=0, description="The most tokens of one user, or of one bot.")
    consumers_per_user: int = Field(20, ge=1, description="The most consumers of one user.")
    polls_per_user: int = Field(
        20,
        ge=1,
        description="The most requests of one user on this node that wait for the entries of a consumer, or the next"
        " messages of a room.",
    )
    webhooks_per_room: int = Field(20, ge=1, description="The most webhooks of a room.")
    webhook_allow: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses and networks (`10.1.0.0/16`) to which webhooks may post though they are"
        " not public, also by http and on every port. When unset, webhooks post by https to public addresses only.",
    )
