"""The settings in force in a form that may be shown: what each is, and where it came from, but no secret. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic import SecretStr

from api.config import PREFIX, Settings, all_settings

Value: TypeAlias = str | int | float | bool | list[str] | None

HIDDEN: Final = "***"
"""Stands for the password in an address."""
_NOT_OURS: Final = frozenset({"test_rethinkdb"})
"""Settings that the server does not read."""


class Source(StrEnum):
    """Where the value of a setting came from."""

    ENVIRONMENT = "environment"
    DEFAULT = "default"
    DERIVED = "derived"  # it is unset, and follows from other settings
    STORE = "store"  # it is unset, and was made once and kept in the store


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting by the name of its variable. `value` is None where it is unset, and for a secret, which is never shown.

    `is_set` says whether the environment sets it, also for a secret.
    """

    name: str
    description: str
    value: Value
    source: Source
    is_secret: bool
    is_set: bool


_DERIVED: Final[dict[str, Callable[[Settings], Value]]] = {
    "url": lambda settings: settings.link_base,
    "hosts": lambda settings: None if settings.allowed_hosts is None else sorted(settings.allowed_hosts),
    "signup": lambda settings: settings.signup_mode,
    "docs": lambda settings: settings.serves_docs,
}
"""What is in force where one of these is unset."""


def shown_settings(settings: Settings) -> list[ShownSetting]:
    """Return all settings that the server reads, in the order of their declaration."""
    return [_shown(settings, name) for name in all_settings() if name not in _NOT_OURS]


def _shown(settings: Settings, name: str) -> ShownSetting:
    field, value = Settings.model_fields[name], getattr(settings, name)
    is_set = name in settings.model_fields_set
    is_secret = SecretStr in _parts(field.annotation)
    if is_set:
        source = Source.ENVIRONMENT
    elif name == "secret":
        source = Source.STORE
    else:
        source = Source.DERIVED if name in _DERIVED else Source.DEFAULT
    if is_secret:
        shown: Value = None
    elif value in {None, ()} and name in _DERIVED:
        shown = _DERIVED[name](settings)
    else:
        shown = _plain(value)
    return ShownSetting(
        PREFIX + name.upper(), field.description or "", shown, source, is_secret=is_secret, is_set=is_set
    )


def _plain(value: object) -> Value:
    """Return a value as JSON can hold it, and an address without its password."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return without_password(str(value))


def without_password(text: str) -> str:
    """Return an address with `HIDDEN` in the place of its password. Any other text stays as it is."""
    scheme, mark, rest = text.partition("://")
    # A password may hold an `@` that should have been escaped, so the last one counts.
    person, at, place = rest.rpartition("@")
    user, colon, _ = person.partition(":")
    if not (mark and at and colon) or rest.startswith("/"):
        return text
    return f"{scheme}://{user}:{HIDDEN}@{place}"


def _parts(annotation: object) -> set[object]:
    """Return a type and all types of which it is made."""
    found = {annotation}
    for part in getattr(annotation, "__args__", ()):
        found |= _parts(part)
    return found
