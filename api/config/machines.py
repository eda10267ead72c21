"""The settings of what programs use: bots, hooks, webhooks and consumers. `Settings` has them too."""

from pydantic import Field
from pydantic_settings import BaseSettings


class MachineSettings(BaseSettings):
    """The settings that only programs meet."""

    bots_per_user: int = Field(20, ge=0, description="The most bots that one person can have.")
    tokens_per_user: int = Field(20, ge=0, description="The most tokens of one user, or of one bot.")
    consumers_per_user: int = Field(20, ge=1, description="The most consumers of one user.")
    polls_per_user: int = Field(
        20,
        ge=1,
        description="The most requests of one user on this node that wait for the entries of a consumer.",
    )
