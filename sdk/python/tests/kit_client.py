"""The Python client as the conformance kit drives it: commands in, what it shows out, both as lines of JSON."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from tailwire_client import (
    Client,
    Ended,
    Entry,
    Event,
    FileDrafts,
    FilePair,
    FilePositions,
    Live,
    Membership,
    MessageEntry,
    Pace,
    Problem,
    Reset,
    Session,
    TailwireError,
    Unsubscribed,
)


def tell(type: str, **fields: Any) -> None:  # noqa: A002 - the names of the kit
    print(json.dumps({"type": type, **fields}), flush=True)


def show(event: Event) -> None:
    match event:
        case Entry():
            body = event.body if isinstance(event, MessageEntry) else None
            place = {"room_id": event.room_id, "epoch": event.epoch, "seq": event.seq}
            tell("entry", **place, kind=event.kind, body=body)
        case Live() | Reset():
            tell(event.__class__.__name__.lower(), room_id=event.room_id, epoch=event.epoch, seq=event.seq)
        case Unsubscribed():
            tell("unsubscribed", room_id=event.room_id, code=event.problem.code)
        case Membership():
            tell("membership", room_id=event.room_id, role=event.role)


class Driven:
    """Does what the kit says."""

    def __init__(self, client: Client, state: Path) -> None:
        self.client = client
        self.state = state

    async def obey(self, do: str, **fields: Any) -> None:
        """Do what a command says."""
        number = (fields.pop("id"),) if "id" in fields else ()
        await getattr(self, do)(*number, **fields)

    async def follow(self, room_ids: list[str]) -> None:
        positions = FilePositions(self.state / "positions.json")
        try:
            async for event in self.client.events(*room_ids, positions=positions):
                show(event)
        except Ended as end:
            tell("ended", why=end.__class__.__name__)

    async def consume(self, name: str, answer: bool) -> None:
        consumer = self.client.consumer(name)
        async for event in consumer:
            show(event)
            if answer and isinstance(event, MessageEntry) and event.username != os.environ["KIT_USERNAME"]:
                await consumer.answer(event, f"You said: {event.body}")

    async def send(
        self, number: str, room_id: str, body: str, reply_to: int | None = None, epoch: str | None = None
    ) -> None:
        try:
            sent = await self.client.send(room_id, body, reply_to=reply_to, epoch=epoch)
        except Problem as refusal:
            tell("refused", id=number, code=refusal.code)
        except TailwireError as failure:
            tell("failed", id=number, code=failure.__class__.__name__)
        else:
            tell("sent", id=number, seq=sent.seq)

    async def rooms(self, number: str) -> None:
        await self._request(number, self._listed())

    async def make_room(self, number: str, name: str) -> None:
        await self._request(number, self.client.rooms.create(name, visibility="private"))

    async def _listed(self) -> None:
        async for _ in self.client.rooms.mine():
            pass

    async def _request(self, number: str, request: Any) -> None:
        try:
            await request
        except Problem as refusal:
            tell("failed", id=number, code=refusal.code)
        except TailwireError as failure:
            tell("failed", id=number, code=failure.__class__.__name__)
        else:
            tell("done", id=number)


async def commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


async def main() -> None:
    state, factor = Path(os.environ["KIT_STATE"]), float(os.environ["KIT_PACE"])
    pace = Pace(first_seconds=0.5 * factor, most_seconds=30 * factor)
    user, password = os.environ["KIT_USERNAME"], os.environ["KIT_PASSWORD"]
    session = Session(user, password, kept=FilePair(state / "pair.json"), pace=pace)
    drafts = FileDrafts(state / "drafts.json")
    tasks: list[asyncio.Task[None]] = []
    async with Client(os.environ["KIT_URL"], session, drafts=drafts, pace=pace, trust_env=False) as client:
        driven = Driven(client, state)
        tell("hello", can=["send", "keep", "consume", "requests", "make_room"])
        reader = await commands()
        while line := await reader.readline():
            fields = json.loads(line)
            tasks.append(asyncio.create_task(driven.obey(**fields)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
