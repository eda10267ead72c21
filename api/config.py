"""Every setting, read once from the environment. docs/configuration.md says the same; a test holds them equal."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SAMPLE_SECRETS = frozenset({"secret", "changeme", "change-me", "password", "tailwire", "example"})
MIN_SECRET_BYTES = 32
"""HS256's own length: RFC 7518, section 3.2."""
MIN_DISTINCT_CHARACTERS = 10
"""Fewer than any 32 random characters show in practice; a pattern or a sentence of one word has fewer."""


class Settings(BaseSettings):
    """Frozen once read; the field descriptions are the documentation."""

    model_config = SettingsConfigDict(env_prefix="TAILWIRE_", frozen=True, extra="ignore")

    store: str = Field(
        "sqlite:///data/tailwire.db",
        description="Where everything is kept: `sqlite:///path` or `rethinkdb://user:password@host:port/database`.",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    secret: SecretStr | None = Field(
        None,
        description="Signs access tokens: at least 32 bytes, the same on every node."
        " When unset, one is made at first start and kept in the store.",
    )
    previous_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Comma-separated secrets whose access tokens hold too, while `TAILWIRE_SECRET` is being changed.",
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated origins (`https://chat.example.org`) of other hosts whose pages may use this"
        " server. Its own origin always may.",
    )
    frontend: Path | None = Field(
        None,
        description="A directory with a build of the SPA to serve at `/`. When unset, `frontend/dist` beside"
        " the program if it is there.",
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe line to log."
    )
    heartbeat_seconds: int = Field(
        25, ge=1, le=300, description="Silence on a socket after which a `heartbeat` comes."
    )
    access_minutes: int = Field(15, ge=1, le=60, description="How long an access token holds.")
    session_days: int = Field(30, ge=1, le=365, description="How long a session lives without being used.")
    sessions_per_user: int = Field(
        20, ge=1, le=1000, description="Sessions of one user, beyond which the oldest ends."
    )
    erase: Literal["tombstone", "anonymise"] = Field(
        "tombstone",
        description="What becomes of the messages of an account that is erased: `tombstone` takes their bodies away,"
        " `anonymise` leaves them under nobody's name.",
    )
    audit_days: int = Field(90, ge=1, le=3650, description="How long the audit log is kept.")
    connections: int = Field(
        6000, ge=1, description="Open sockets on this node, beyond which new ones get 503."
    )
    connections_per_user: int = Field(
        10,
        ge=1,
        description="Open sockets of one user on this node, beyond which the oldest is closed with 4502.",
    )
    unauthenticated_connections: int = Field(
        200, ge=1, description="Sockets on this node that have not authenticated."
    )
    unauthenticated_per_address: int = Field(20, ge=1, description="The same, from one address.")
    memory_mib: int | None = Field(
        None,
        ge=1,
        description="Resident memory of a process, in MiB, beyond which it takes no new sockets, sign-ins and messages,"
        " until it has less again. Linux only. When unset, it takes what there is.",
    )
    compression: bool = Field(
        False,
        description="Whether sockets that ask for it get their messages deflated (RFC 7692). Costs each of them"
        " 39 KiB of memory, and every delivery several times the work.",
    )
    subscriptions: int = Field(100, ge=1, description="Rooms one socket may subscribe to.")
    production: bool = Field(
        False,
        description="Whether strangers can reach this server: /docs and /openapi.json are not served unless"
        " `TAILWIRE_DOCS` says so, /metrics only with its token, and session cookies are for https alone.",
    )
    docs: bool | None = Field(
        None, description="Whether /docs and /openapi.json are served. When unset, unless in production."
    )
    hsts_seconds: int = Field(
        31_536_000,
        ge=0,
        description="For how long browsers that came by https are told to come by nothing else; 0 tells them nothing.",
    )
    sends_per_second: float = Field(
        10,
        gt=0,
        description="Messages, and changes of memberships, by one user, over all sockets and HTTP of this node.",
    )
    sends_burst: int = Field(20, ge=1, description="Messages of one user at once, after a pause.")
    commands_per_second: float = Field(
        100,
        gt=0,
        description="Commands other than `send` on one socket, and requests of one user over HTTP on this node;"
        " five times as many at once.",
    )
    login_failures_per_account: int = Field(
        5,
        ge=1,
        description="Failed log-ins to one account in a minute, on all nodes together. Beyond, every log-in to it gets"
        " 429.",
    )
    login_failures_per_address: int = Field(
        30, ge=1, description="The same, from one address, to whatever accounts."
    )
    signups_per_address: int = Field(
        60,
        ge=1,
        description="Tries to sign up from one address in a minute, on all nodes together.",
    )
    refreshes_per_minute: int = Field(30, ge=1, description="Refreshes of one session, on this node.")
    misses_per_minute: int = Field(
        60, ge=1, description="404s of one user on this node, beyond which there is 429 instead."
    )
    rooms_per_minute: int = Field(100, ge=1, description="Rooms one user may make on this node.")
    searches_per_minute: int = Field(
        30, ge=1, description="Pages of users, 20 at most on each, that one user may search on this node."
    )
    rooms_per_user: int = Field(10_000, ge=1, description="Rooms one user may be in.")
    members_per_room: int = Field(1_000, ge=1, description="Members of a room. The lobby takes everybody.")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses and networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` is"
        " believed. When unset, nobody's is.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=16,
        description="What `/metrics` wants as `Authorization: Bearer`; without it, 404."
        " When unset, it answers everybody who can reach this server, and in production nobody.",
    )
    test_rethinkdb: str | None = Field(
        None,
        description="For the tests: `rethinkdb://admin:password@host:port` of a server to use where no `rethinkdb`"
        " binary is on PATH. The server itself does not read it.",
    )

    @property
    def serves_docs(self) -> bool:
        """Whether /docs and /openapi.json are there."""
        return not self.production if self.docs is None else self.docs

    @field_validator("previous_secrets", "origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        value = tuple(origin.rstrip("/") for origin in value)
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
                raise ValueError("each must look like https://chat.example.org, with no path")
        return value

    @field_validator("store")
    @classmethod
    def _is_store(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"sqlite", "rethinkdb"}:
            raise ValueError("must be a sqlite:// or rethinkdb:// URL")
        return value

    @field_validator("memory_mib")
    @classmethod
    def _can_be_seen(cls, value: int | None) -> int | None:
        if value is not None and not Path("/proc/self/statm").is_file():
            raise ValueError("can only be set where there is a /proc/self/statm")
        return value

    @field_validator("frontend")
    @classmethod
    def _is_build(cls, value: Path | None) -> Path | None:
        if value is not None and not (value / "index.html").is_file():
            raise ValueError("must be a directory with the index.html of a build")
        return value

    @field_validator("secret")
    @classmethod
    def _is_strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (weakness := secret_weakness(value.get_secret_value())):
            raise ValueError(weakness)
        return value

    @field_validator("previous_secrets")
    @classmethod
    def _are_strong(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            cls._is_strong(secret)
        return value


def secret_weakness(secret: str) -> str | None:
    """Say why a signing secret must not be used; None when it may."""
    if len(secret.encode()) < MIN_SECRET_BYTES:
        return "must be at least 32 bytes long"
    if len(set(secret)) < MIN_DISTINCT_CHARACTERS or any(
        secret.lower() == sample * (len(secret) // len(sample)) for sample in SAMPLE_SECRETS
    ):
        return "is too easy to guess: take one from `openssl rand -base64 48`"
    return None


def read_settings() -> Settings:
    """Read the environment. Raises `SettingsError` with one clear line, free of the values, for what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "TAILWIRE_" + str(first["loc"][0]).upper()
        raise SettingsError(f"{name} {first['msg'].removeprefix('Value error, ')}") from None


class SettingsError(Exception):
    """A setting has a value that it cannot have."""
