# chat.py
import asyncio
import os

from tailwire_client import Client, FileDrafts, FilePositions, MessageEntry, Reset


async def main() -> None:
    async with Client(
        os.environ["TAILWIRE"], os.environ["TOKEN"], drafts=FileDrafts("drafts.json")
    ) as client:
        print("stored as", (await client.send("lobby", "Hello from Python")).seq)
        async for event in client.events(positions=FilePositions("positions.json")):
            match event:
                case MessageEntry():
                    print(event.username, event.body)
                case Reset():
                    page = await client.messages.newest(event.room_id)
                    print("begin again with", len(page.items), "messages")


asyncio.run(main())
