"""Folds the entries of a room into its messages, as a client does. Written from docs/protocol.md alone. Pure."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from tests.faults.history import Fields

SHOWN_REACTORS: Final = 20
"""How many of those who reacted with an emoji a message names."""
MOST: Final = 100
"""A timeline keeps this many messages, the newest ones. It is one page of the history."""


class Timeline:
    """The newest messages of one room.

    With `is_loading` it keeps the entries that come, and applies them after the page that `load` is given.
    """

    def __init__(self, *, most: int = MOST, is_loading: bool = False) -> None:
        self._most = most
        self._messages: dict[int, Fields] = {}
        self._reactors: dict[int, dict[str, dict[str, str | None]]] = {}
        """By seq and emoji, the ids of users with the times at which they reacted, where those are known.

        All are in the order of reacting.
        """
        self._pinned_by: dict[int, int] = {}
        self._waiting: list[Fields] | None = [] if is_loading else None

    @property
    def is_loading(self) -> bool:
        """Whether the page of the history has not come yet."""
        return self._waiting is not None

    def apply(self, entry: Fields) -> None:
        """Apply the next entry of the log. Those of other kinds, or about unknown messages, change nothing."""
        if self._waiting is not None:
            self._waiting.append(entry)
        elif entry["type"] == "message":
            self._add(entry)
        elif (message := self._messages.get(entry.get("target", 0))) is not None and not message["deleted"]:
            self._change(message, entry)

    def load(self, page: Iterable[Fields]) -> None:
        """Begin with a page of the history, which may be newer than the entries that have come since."""
        for message in page:
            seq = message["seq"]
            self._messages[seq] = dict(message)
            self._reactors[seq] = {
                one["emoji"]: dict.fromkeys(one["user_ids"]) for one in message["reactions"]
            }
            if message["pinned"]:
                self._pinned_by[seq] = 0  # by which entry is not told
        entries, self._waiting = self._waiting or [], None
        for entry in entries:
            self.apply(entry)

    def messages(self) -> list[Fields]:
        """Return the messages as /messages has them, oldest first."""
        replies: dict[int, list[Any]] = {}
        for seq in self.seqs():  # those below a message are newer than it, so they are kept as long as it is
            message = self._messages[seq]
            if message["thread"] is not None and not message["deleted"]:
                replies.setdefault(message["thread"], []).append(message["at"])
        return [self._shown(seq, replies.get(seq, [])) for seq in self.seqs()]

    def seqs(self) -> list[int]:
        """Return the seqs of the messages, in order."""
        return sorted(self._messages)

    def is_deleted(self, seq: int) -> bool:
        """Whether a message that is kept is deleted."""
        return bool(self._messages[seq]["deleted"])

    def author(self, seq: int) -> str:
        """Return the id of who wrote a message that is kept."""
        return str(self._messages[seq]["user_id"])

    def reactors(self, seq: int, emoji: str) -> list[tuple[str, str | None]]:
        """Return who reacted to a message with an emoji, and when, in the order of reacting."""
        return [*self._reactors.get(seq, {}).get(emoji, {}).items()]

    def pins(self) -> list[int]:
        """Return the seqs of the pinned messages, that which was pinned last first."""
        return sorted(self._pinned_by, key=lambda seq: -self._pinned_by[seq])

    def _add(self, entry: Fields) -> None:
        seq = entry["seq"]
        if seq in self._messages:
            return  # the page had it
        self._messages[seq] = {
            "seq": seq,
            "at": entry["at"],
            "user_id": entry["user_id"],
            "username": entry["username"],
            "ref": entry.get("ref"),
            "body": entry["body"],
            "reply_to": entry.get("reply_to"),
            "thread": entry.get("thread"),
            "edited_at": None,
            "deleted": False,
            "is_bot": entry.get("is_bot", False),
            "shown_as": entry.get("shown_as"),
            "files": entry.get("files", []),
            "previews": [],
            **_mentions(entry),
        }
        self._reactors[seq] = {}
        if len(self._messages) > self._most:
            oldest = min(self._messages)
            del self._messages[oldest], self._reactors[oldest]
            self._pinned_by.pop(oldest, None)

    def _change(self, message: Fields, entry: Fields) -> None:
        seq = message["seq"]
        match entry["type"]:
            case "edit":
                message |= {"body": entry["body"], "edited_at": entry["at"], **_mentions(entry)}
                message["previews"] = [one for one in message["previews"] if one["url"] in entry["body"]]
            case "delete":
                message |= {"body": "", "ref": None, "edited_at": None, "deleted": True}
                message |= {"shown_as": None, "files": [], "previews": [], **_mentions({})}
                self._reactors[seq] = {}
                self._pinned_by.pop(seq, None)
            case "reaction":
                self._react(self._reactors[seq], entry)
            case "preview":
                message["previews"] = entry.get("previews", [])
            case "pin" if entry.get("pinned"):
                self._pinned_by.setdefault(seq, entry["seq"])
            case "pin":
                self._pinned_by.pop(seq, None)

    @staticmethod
    def _react(reactors: dict[str, dict[str, str | None]], entry: Fields) -> None:
        users = reactors.setdefault(entry["emoji"], {})
        if entry.get("added"):
            users.setdefault(entry["user_id"], entry["at"])
        else:
            users.pop(entry["user_id"], None)
        if not users:
            del reactors[entry["emoji"]]

    def _shown(self, seq: int, replied_at: list[Any]) -> Fields:
        reactions: list[Any] = [
            {"emoji": emoji, "count": len(users), "user_ids": list(islice(users, SHOWN_REACTORS))}
            for emoji, users in self._reactors[seq].items()
        ]
        return self._messages[seq] | {
            "pinned": seq in self._pinned_by,
            "reactions": reactions,
            "reply_count": len(replied_at),
            "last_reply_at": replied_at[-1] if replied_at else None,
        }


def _mentions(entry: Fields) -> Fields:
    return {"mentions": entry.get("mentions", []), "mentions_all": entry.get("mentions_all", False)}
