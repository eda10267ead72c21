"""Chooses what people do in rooms: they write, answer, edit, delete, react, pin, read, and send again what is acked."""

import random
from collections.abc import Sequence
from typing import Final

from tests.faults.client import Client
from tests.faults.commands import Command
from tests.faults.history import Fields
from tests.faults.log import CHANGES

EMOJI: Final = ("👍", "🎉", "👀", "❤️", "🙏🏽", "🏳️‍🌈")
SHARES: Final = {
    "message": 40,
    "edit": 17,
    "delete": 8,
    "reaction": 20,
    "pin": 6,
    "read": 4,
    "again": 5,
}
"""How often each kind of step is chosen, of 100."""
RECENT: Final = 8
"""Most changes are about one of so many newest messages, so that they meet."""


class Mix:
    """`owner_id` is the user who may pin, and delete what others wrote. `usernames` are of those who are mentioned."""

    def __init__(self, owner_id: str, usernames: Sequence[str], rng: random.Random) -> None:
        self._owner_id = owner_id
        self._usernames = [*usernames, "room"]
        self._rng = rng

    def kind(self) -> str:
        """Return the kind of the next step."""
        return self._rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]

    def step(self, client: Client, room_id: str) -> None:
        """Let a client do something in a room."""
        kind = self.kind()
        if kind == "read":
            self._read(client, room_id)
        elif kind == "again":
            client.submit_again(room_id)
        else:
            client.submit(self.command(client, room_id, kind))

    def _read(self, client: Client, room_id: str) -> None:
        seq = self._target(client, room_id, "read")
        if seq is not None:
            client.read(room_id, seq)

    def command(self, client: Client, room_id: str, kind: str) -> Command:
        """Return a command of this kind about a message that the client knows; else one that writes a message."""
        by_http = self._rng.random() < 0.3
        addressed = f" @{self._rng.choice(self._usernames)}" if self._rng.random() < 0.3 else ""
        target = self._target(client, room_id, kind)
        fields: Fields = {"target": target}
        match kind:
            case _ if target is None or kind not in CHANGES or not self._may(client, kind):
                answers = self._rng.random() < 0.25
                reply_to = self._target(client, room_id, "message") if answers else None
                return client.message(room_id, reply_to=reply_to, addressed=addressed, by_http=by_http)
            case "reaction":
                fields |= {"emoji": self._rng.choice(EMOJI), "added": self._rng.random() < 0.65}
            case "pin":
                fields["pinned"] = self._rng.random() < 0.6
        return client.change(room_id, kind, fields, addressed=addressed, by_http=by_http)

    def _may(self, client: Client, kind: str) -> bool:
        return kind != "pin" or client.account.user_id == self._owner_id

    def _target(self, client: Client, room_id: str, kind: str) -> int | None:
        """Return the seq of a message that the client may change so, most often of a recent one that is not deleted."""
        timeline, user_id = client.timelines[room_id], client.account.user_id
        seqs = timeline.seqs()
        if kind == "edit" or (kind == "delete" and user_id != self._owner_id):
            seqs = [seq for seq in seqs if timeline.author(seq) == user_id]
        if self._rng.random() < 0.85:
            seqs = [seq for seq in seqs[-RECENT:] if not timeline.is_deleted(seq)] or seqs
        return self._rng.choice(seqs) if seqs else None
