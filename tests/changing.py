"""What people do with the messages of a room: every way to change one, in an order in which they meet."""

import uuid
from dataclasses import dataclass
from typing import Any

from tests.node import Person


@dataclass(frozen=True)
class Changing:
    """People who change messages over HTTP: the owner of a room, and a member. They mention `watcher`."""

    owner: Person
    member: Person
    watcher: Person
    room_id: str

    async def begin(self) -> dict[str, int]:
        """Write what will be changed. Return the seqs by the texts."""
        seqs = {
            text: await self.say(self.owner, text)
            for text in ("edited", "deleted", "reacted", "pinned", "unpinned", "root")
        }
        seqs["early answer"] = await self.say(self.member, "early answer", reply_to=seqs["root"])
        await self.ask(self.member, "PUT", f"/messages/{seqs['reacted']}/reactions/👍")
        for text in ("deleted", "unpinned"):
            await self.ask(self.owner, "PUT", f"/messages/{seqs[text]}/pin")
            await self.ask(self.member, "PUT", f"/messages/{seqs[text]}/reactions/🎉")
        return seqs

    async def change(self, seqs: dict[str, int]) -> None:
        """Change all of it, in every way there is, and write more."""
        owner, member = self.owner, self.member
        await self.edit(owner, seqs["edited"], "edited once")
        await self.edit(owner, seqs["edited"], "edited **twice**")
        await self.ask(owner, "DELETE", f"/messages/{seqs['deleted']}")
        await self._react(seqs["reacted"])
        await self._pin(seqs)
        await self._answer(seqs["root"], seqs["early answer"])
        await self._mention()
        never = await self.say(member, "never seen")
        await self.edit(member, never, "never seen, edited")
        await self.ask(member, "DELETE", f"/messages/{never}")

    async def _react(self, seq: int) -> None:
        path = f"/messages/{seq}/reactions"
        await self.ask(self.owner, "PUT", f"{path}/👍")
        await self.ask(self.member, "PUT", f"{path}/🎉")
        await self.ask(self.member, "DELETE", f"{path}/👍")
        await self.ask(self.member, "PUT", f"{path}/❤️")
        await self.ask(self.member, "DELETE", f"{path}/❤️")
        await self.ask(self.watcher, "PUT", f"{path}/🎉")

    async def _pin(self, seqs: dict[str, int]) -> None:
        for method, text in (
            ("PUT", "pinned"),
            ("DELETE", "unpinned"),
            ("PUT", "edited"),
            ("DELETE", "edited"),
        ):
            await self.ask(self.owner, method, f"/messages/{seqs[text]}/pin")
        await self.ask(self.owner, "PUT", f"/messages/{seqs['root']}/pin")

    async def _answer(self, root: int, early: int) -> None:
        first = await self.say(self.member, "first answer", reply_to=root)
        second = await self.say(self.owner, "second answer", reply_to=first)
        await self.ask(self.owner, "DELETE", f"/messages/{early}")
        await self.edit(self.owner, second, "second answer, edited")

    async def _mention(self) -> None:
        name = f"@{self.watcher.username}"
        await self.say(self.member, f"hi {name}")
        no_more = await self.say(self.member, f"bye {name}")
        await self.edit(self.member, no_more, "bye")
        later = await self.say(self.member, "plain")
        await self.edit(self.member, later, f"plain {name}")
        gone = await self.say(self.member, f"gone {name}")
        await self.ask(self.member, "DELETE", f"/messages/{gone}")
        await self.say(self.owner, "all of @room")

    async def say(self, author: Person, body: str, reply_to: int | None = None) -> int:
        """Write a message and return its seq."""
        message = {"ref": uuid.uuid4().hex, "body": body, "reply_to": reply_to}
        seq: int = (await self.ask(author, "POST", "/messages", message))["seq"]
        return seq

    async def edit(self, author: Person, seq: int, body: str) -> None:
        """Give a message another body."""
        await self.ask(author, "PATCH", f"/messages/{seq}", {"ref": uuid.uuid4().hex, "body": body})

    async def ask(self, person: Person, method: str, path: str, json: Any = None) -> Any:
        """Ask for something below the room. Return the answer's body; None where it has none."""
        answer = await person.http.request(method, f"/rooms/{self.room_id}{path}", json=json)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None
