# bot.py
import asyncio
import os

from tailwire_client import Client, MessageEntry


async def main() -> None:
    async with Client(os.environ["TAILWIRE"], os.environ["TOKEN"]) as client:
        consumer = client.consumer("echo")
        async for entry in consumer:
            if isinstance(entry, MessageEntry) and not entry.is_bot:
                await consumer.answer(entry, f"You said: {entry.body}")


asyncio.run(main())
