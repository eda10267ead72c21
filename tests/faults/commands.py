"""What a client asks for: one change of a room's log, as a frame of the socket or as a request."""

from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote

from tests.faults.history import Fields

WITH_REF_OVER_HTTP: Final = {"message", "edit"}
"""Over HTTP the other kinds have no ref: done already is done."""


class Request(NamedTuple):
    """A command over HTTP."""

    method: str
    path: str
    query: dict[str, str]
    json: Fields | None
    headers: dict[str, str]


@dataclass(frozen=True)
class Command:
    """`fields` are those of the entry that its author chooses; `epoch` is that of the seqs among them.

    `key` is the ref, or names a command that has none.
    """

    room_id: str
    kind: str
    key: str
    fields: Fields
    epoch: str | None = None
    by_http: bool = False

    @property
    def ref(self) -> str | None:
        """The ref under which it is sent, again and again."""
        return self.key if not self.by_http or self.kind in WITH_REF_OVER_HTTP else None

    def frame(self) -> Fields:
        """Return the command of the socket."""
        frame: Fields = {"type": self._name(), "room_id": self.room_id, "ref": self.key}
        names = {"target": "seq", "body": "body", "emoji": "emoji", "reply_to": "reply_to"}
        frame |= {names[name]: value for name, value in self.fields.items() if name in names}
        return frame if self.epoch is None else frame | {"epoch": self.epoch}

    def _name(self) -> str:
        match self.kind:
            case "message":
                return "send"
            case "reaction":
                return "react" if self.fields["added"] else "unreact"
            case "pin":
                return "pin" if self.fields["pinned"] else "unpin"
            case kind:
                return kind

    def request(self) -> Request:
        """Return the request over HTTP. Half of those with a ref have it in a header."""
        messages = f"/rooms/{self.room_id}/messages"
        path = f"{messages}/{self.fields.get('target')}"
        query = {} if self.epoch is None else {"epoch": self.epoch}
        match self.kind:
            case "message":
                return self._with_ref("POST", messages, self.fields | query)
            case "edit":
                return self._with_ref("PATCH", path, {"body": self.fields["body"]} | query)
            case "reaction":
                method = "PUT" if self.fields["added"] else "DELETE"
                return Request(method, f"{path}/reactions/{quote(self.fields['emoji'])}", query, None, {})
            case "pin":
                return Request("PUT" if self.fields["pinned"] else "DELETE", f"{path}/pin", query, None, {})
            case _:
                return Request("DELETE", path, query, None, {})

    def _with_ref(self, method: str, path: str, body: Fields) -> Request:
        if len(self.key) % 2:
            return Request(method, path, {}, body, {"Idempotency-Key": self.key})
        return Request(method, path, {}, body | {"ref": self.key}, {})
