"""All settings, read once from the environment. docs/configuration.md is made from them."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode, SettingsConfigDict

from api.config.files import FileSettings
from api.config.hosts import LOOPBACK_NAMES, host_of, is_loopback, local_url, normal_host, normal_origin
from api.config.links import LinkSettings, listed
from api.config.machines import MachineSettings
from api.config.searching import index_beside
from api.config.secrets import secret_weakness, token_weakness

PREFIX = "TAILWIRE_"
WIDEST_PREFIX: Final = {4: 8, 6: 7}
"""The shortest prefix of a network of trusted proxies, by IP version. No private network has a shorter one: 10.0.0.0/8
and fc00::/7 are the widest."""

Signup: TypeAlias = Literal["open", "invite", "closed"]


class Settings(MachineSettings, FileSettings, LinkSettings):
    """The settings, which never change once read. Their descriptions are the table of docs/configuration.md."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    store: str = Field(
        "sqlite:///data/tailwire.db",
        description="The store of all data: `sqlite:///path` or `rethinkdb://user:password@host:port/database`.",
    )
    store_wait_seconds: int = Field(
        30,
        ge=0,
        le=3600,
        description="How long `tailwire serve` waits at its start for a RethinkDB that does not answer yet.",
    )
    name: str = Field(
        "Tailwire", min_length=1, max_length=64, description="The name of this server on its pages."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on. 0 chooses a free port.")
    url: str | None = Field(
        None,
        description="The address at which people reach this server (`https://chat.example.org`), with a path where a"
        " proxy serves it below one. Links that this server gives out begin with it.",
    )
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated host names, without ports, at which this server answers; requests for other"
        " hosts get 421. When unset, a server that listens on loopback answers at the hosts of `TAILWIRE_URL` and"
        " `TAILWIRE_ORIGINS`, and any other server at all names. Every server answers at `localhost`.",
    )
    secret: SecretStr | None = Field(
        None,
        description="The secret that signs access tokens: at least 32 bytes that follow no pattern, the same on every"
        " node. When unset, one is made at the first start and kept in the store.",
    )
    previous_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Comma-separated former secrets. Their access tokens stay valid while `TAILWIRE_SECRET` is being"
        " changed.",
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Comma-separated origins (`https://chat.example.org`) of other hosts whose pages may use this"
        " server. Pages of its own origin always may.",
    )
    frontend: Path | None = Field(
        None,
        description="A directory with a build of the SPA, which is served at `/`. When unset, `frontend/dist` beside"
        " the program is served if it exists.",
    )
    log_format: Literal["text", "json"] = Field("text", description="The format of log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severity of the lines that are logged."
    )
    heartbeat_seconds: int = Field(
        25, ge=1, le=300, description="A socket gets a `heartbeat` after this many seconds without an event."
    )
    keep_alive_seconds: int = Field(
        75,
        ge=1,
        le=3600,
        description="How long an idle HTTP connection is kept open. It must be longer than proxies and clients keep"
        " theirs, or they send requests on connections that are just being closed.",
    )
    access_minutes: int = Field(15, ge=1, le=60, description="The lifetime of an access token, in minutes.")
    session_days: int = Field(
        30, ge=1, le=365, description="The lifetime of a session that is not used, in days."
    )
    sessions_per_user: int = Field(
        20,
        ge=1,
        le=1000,
        description="The most sessions of one user. Beyond it, one that was never used ends, or else the one whose last"
        " use is the longest ago.",
    )
    erase: Literal["tombstone", "anonymise"] = Field(
        "tombstone",
        description="What happens to the messages of an erased account: `tombstone` deletes their bodies,"
        " `anonymise` keeps them without the author's name.",
    )
    audit_days: int = Field(
        90, ge=1, le=3650, description="Events of the audit log are kept for this many days."
    )
    connections: int = Field(
        6000, ge=1, description="The most open sockets on this node. Further ones get 503."
    )
    connections_per_user: int = Field(
        10,
        ge=1,
        description="The most open sockets of one user on this node. Beyond it, one on which no command came"
        " is closed with 4502, or else the one whose last command is the longest ago.",
    )
    unauthenticated_connections: int = Field(
        200,
        ge=1,
        description="The most sockets of a process that have not authenticated. Beyond it, a new one takes the place of"
        " the oldest of the network that has most of them.",
    )
    unauthenticated_per_address: int = Field(
        20, ge=1, description="The most sockets from one address that have not authenticated."
    )
    memory_mib: int | None = Field(
        None,
        ge=1,
        description="The most resident memory of a process, in MiB. A process with more refuses new sockets,"
        " sign-ups, log-ins, messages and reads until it has less. Linux only. When unset, there is no limit.",
    )
    compression: bool = Field(
        False,
        description="Whether messages are compressed on sockets that ask for it (RFC 7692). This costs each such"
        " socket 39 KiB of memory, and every delivery several times the work.",
    )
    subscriptions: int = Field(100, ge=1, description="The most rooms that one socket can subscribe to.")
    receipts: bool = Field(True, description="Whether in rooms of up to 50 all see how far others have read.")
    signup: Signup | None = Field(
        None,
        description="Who may make an account: everybody (`open`), who has an invite (`invite`) or nobody (`closed`)."
        " When unset, everybody if the server listens on loopback, is not in production, and has neither `TAILWIRE_URL`"
        " nor `TAILWIRE_TRUSTED_PROXIES`, and else who has an invite.",
    )
    production: bool = Field(
        False,
        description="Whether strangers can reach this server. If so, /docs and /openapi.json are only served if"
        " `TAILWIRE_DOCS` says so, /metrics requires its token, and session cookies are for https only.",
    )
    docs: bool | None = Field(
        None,
        description="Whether /docs and /openapi.json are served. When unset, they are, except in production.",
    )
    hsts_seconds: int = Field(
        31_536_000,
        ge=0,
        description="The max-age of Strict-Transport-Security, in seconds: browsers that came by https use nothing else"
        " for so long. 0 sends no such header.",
    )
    sends_per_second: float = Field(
        10,
        gt=0,
        description="The most messages and changes of memberships by one user in a second, over all sockets and HTTP"
        " of this node.",
    )
    sends_burst: int = Field(20, ge=1, description="The most messages of one user at once, after a pause.")
    commands_per_second: float = Field(
        100,
        gt=0,
        description="The most commands other than `send` on one socket in a second, and the most HTTP requests of one"
        " user on this node. Five times as many are allowed at once.",
    )
    login_failures_per_account: int = Field(
        5,
        ge=1,
        description="The most failed log-ins to one account in a minute, on all nodes together. After that, every"
        " log-in to it gets 429.",
    )
    login_failures_per_address: int = Field(
        30,
        ge=1,
        description="The most failed log-ins from one address in a minute, to any accounts, on all nodes together.",
    )
    signups_per_address: int = Field(
        60,
        ge=1,
        description="The most attempts to sign up from one address in a minute, on all nodes together.",
    )
    refreshes_per_minute: int = Field(
        30, ge=1, description="The most refreshes of one session in a minute, on this node."
    )
    misses_per_minute: int = Field(
        60, ge=1, description="The most 404s of one user in a minute, on this node. After that, they are 429."
    )
    rooms_per_minute: int = Field(
        100, ge=1, description="The most rooms that one user can create in a minute, on this node."
    )
    searches_per_minute: int = Field(
        30,
        ge=1,
        description="The most pages of users, and of messages, that one user can search in a minute, on this node.",
    )
    rooms_per_user: int = Field(10_000, ge=1, description="The most rooms that one user can be a member of.")
    members_per_room: int = Field(
        1_000, ge=1, description="The most members of a room. The lobby has no limit."
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Comma-separated addresses and networks (`10.0.0.0/8`) of proxies whose `X-Forwarded-For` and"
        " `X-Forwarded-Proto` are trusted. When unset, no proxy is trusted.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="The token that `/metrics` requires as `Authorization: Bearer`: at least 16 characters that follow"
        " no pattern. Requests without it get 404."
        " When unset, /metrics answers everybody who can reach this server, and nobody in production.",
    )
    test_rethinkdb: str | None = Field(
        None,
        description="Only for the tests: `rethinkdb://admin:password@host:port` of a server that they use where no"
        " `rethinkdb` binary is on PATH. The server does not read it.",
    )

    @property
    def store_kind(self) -> str:
        """What the database is: `sqlite` or `rethinkdb`."""
        return self.store.partition(":")[0]

    @property
    def search_index(self) -> Path:
        """The file of the search index."""
        return (self.search_path or index_beside(self.store)).absolute()

    @property
    def serves_docs(self) -> bool:
        """Whether /docs and /openapi.json are served."""
        return not self.production if self.docs is None else self.docs

    @property
    def signup_mode(self) -> Signup:
        """Who may make an account."""
        if self.signup is not None:
            return self.signup
        is_private = self.is_on_loopback and not (self.production or self.url or self.trusted_proxies)
        return "open" if is_private else "invite"

    @property
    def link_base(self) -> str:
        """The address with which links to this server begin: `TAILWIRE_URL`, or else its address on this machine."""
        return self.url or local_url(self.host, self.port)

    @property
    def is_on_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        return is_loopback(self.host)

    @property
    def is_reachable(self) -> bool:
        """Whether other machines can connect, by themselves or through a proxy."""
        has_proxy = bool(self.trusted_proxies) or (
            self.url is not None and not is_loopback(host_of(self.url))
        )
        return has_proxy or not self.is_on_loopback

    @property
    def allowed_origins(self) -> frozenset[str]:
        """The origins whose pages may use this server, beside that of a request's own host."""
        return frozenset(self.origins) | (
            {normal_origin(self.url, with_path=True)} if self.url else frozenset()
        )

    @property
    def allowed_hosts(self) -> frozenset[str] | None:
        """The host names at which this server answers, or None for all."""
        own = LOOPBACK_NAMES | ({host_of(self.url)} if self.url else set())
        if self.hosts:
            return own | set(self.hosts)
        if not self.is_on_loopback:
            return None
        return own | {self.host} | {host_of(origin) for origin in self.origins}

    @field_validator(
        "previous_secrets", "origins", "hosts", "trusted_proxies", "webhook_allow", mode="before"
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return listed(value)

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        path = urlsplit(value).path.rstrip("/")
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", path) or {".", ".."} & set(path.split("/")):
            raise ValueError("has a path with characters that need escaping, or with empty parts or dots")
        return normal_origin(value, with_path=True) + path

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(normal_origin(origin) for origin in value)

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(normal_host(host) for host in value)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_proxies(
        cls, value: tuple[IPv4Network | IPv6Network, ...]
    ) -> tuple[IPv4Network | IPv6Network, ...]:
        for network in value:
            if network.prefixlen < WIDEST_PREFIX[network.version]:
                raise ValueError(
                    "names a network so wide that clients are in it, who would choose their address"
                )
            if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
                raise ValueError("names an IPv4 network in the form of IPv6, in which no address is compared")
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

    @field_validator("metrics_token")
    @classmethod
    def _is_strong_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and (weakness := token_weakness(value.get_secret_value())):
            raise ValueError(weakness)
        return value

    @field_validator("previous_secrets")
    @classmethod
    def _are_strong(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            cls._is_strong(secret)
        return value


def all_settings() -> dict[str, FieldInfo]:
    """Return all settings by name, those of machines last."""
    fields = Settings.model_fields
    return {
        name: fields[name] for name in sorted(fields, key=lambda name: name in MachineSettings.model_fields)
    }


def read_settings() -> Settings:
    """Read the environment. Raises `SettingsError` with one line about each wrong setting, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        # A setting with several values, such as a list of addresses, is named once.
        lines = {"".join(map(name_of, map(str, one["loc"][:1]))): one["msg"] for one in found}
        said = (
            f"{name} {text.removeprefix('Value error, ').removeprefix('Input ')}".strip()
            for name, text in lines.items()
        )
        raise SettingsError(*said) from None


def name_of(field: str) -> str:
    """Return the variable of a setting."""
    return PREFIX + field.upper()


class SettingsError(Exception):
    """Settings have invalid values. Each argument says what is wrong with one of them."""
