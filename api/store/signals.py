"""The form in which signals go from store to store, and those that wait to be sent. Pure; both stores use it."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Final

import structlog

from api.models.changes import (
    NotifyChanged,
    PlaceChanged,
    PresenceMoved,
    ProfileChanged,
    ReadMoved,
    ReceiptRaised,
    Signal,
    Typed,
    WebhookPaused,
    WebhooksChanged,
)

MAX_WAITING: Final = 1_000
"""At most this many signals wait to be sent. Further ones are lost."""
GATHER_SECONDS: Final = 0.02
"""Signals wait this long for others, which are then sent with them. Nobody notices so short a time."""
MAX_TOGETHER: Final = 50
"""At most this many signals are sent together. As JSON, each has less than 1,200 bytes."""
MAX_UNKNOWN: Final = 50
"""So many names that are not known are logged."""

_NAMES: Final[dict[str, type[Signal]]] = {
    "read": ReadMoved,
    "notifications": NotifyChanged,
    "place": PlaceChanged,
    "user": ProfileChanged,
    "receipt": ReceiptRaised,
    "typing": Typed,
    "presence": PresenceMoved,
    "webhooks": WebhooksChanged,
    "webhook_paused": WebhookPaused,
}
_SIGNALS: Final = {of: name for name, of in _NAMES.items()}


class Outgoing:
    """Signals that wait to be sent, oldest first. A newer one about the same takes the place of an older one."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[type[Signal], str, str], Signal] = {}
        self.sent_count = 0
        self.dropped_count = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, signal: Signal) -> None:
        """Let a signal wait, or drop it when too many wait already."""
        key = type(signal), getattr(signal, "user_id", ""), getattr(signal, "room_id", "")
        if key not in self._waiting and len(self._waiting) >= MAX_WAITING:
            self.dropped_count += 1
            return
        self._waiting[key] = signal

    def take(self) -> list[Signal]:
        """Take the signals that are sent next, `MAX_TOGETHER` at most."""
        keys = list(self._waiting)[:MAX_TOGETHER]
        return [self._waiting.pop(key) for key in keys]

    def note(self, count: int, *, were_sent: bool) -> None:
        """Count signals that were sent, or could not be."""
        if were_sent:
            self.sent_count += count
        else:
            self.dropped_count += count


def encoded(signals: Iterable[Signal]) -> list[dict[str, Any]]:
    """Return the form of signals for other stores: JSON objects with the name of the signal as `type`."""
    return [{"type": _SIGNALS[type(one)], **dataclasses.asdict(one)} for one in signals]


class SignalReader:
    """Reads signals of other stores. Each name that this version does not know is logged once."""

    def __init__(self) -> None:
        self._unknown: set[str] = set()

    def read(self, forms: object) -> list[Signal]:
        """Return the signals that these objects hold. What makes no sense is left out."""
        read = (self._read(form) for form in forms) if isinstance(forms, Sequence) else ()
        return [signal for signal in read if signal is not None]

    def _read(self, form: object) -> Signal | None:
        fields = dict(form) if isinstance(form, dict) else {}
        name = fields.pop("type", None)
        of = _NAMES.get(name) if isinstance(name, str) else None
        if of is None:
            self._log(str(name)[:32])
            return None
        try:
            return of(**{one.name: _checked(fields, one) for one in dataclasses.fields(of)})
        except TypeError:
            self._log(str(name))
            return None

    def _log(self, name: str) -> None:
        if name not in self._unknown and len(self._unknown) < MAX_UNKNOWN:
            self._unknown.add(name)
            structlog.get_logger("api.store").warning("signal_unknown", name=name)


def _checked(fields: dict[str, Any], one: dataclasses.Field[Any]) -> Any:
    """Return the value of a field. Nodes of the version before do not say those that have a default."""
    value = fields.get(one.name, one.default)
    if type(value) is not one.type:
        raise TypeError
    return value
