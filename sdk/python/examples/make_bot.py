# make_bot.py
import asyncio
import os

from tailwire_client import Client, Session


async def main() -> None:
    person = Session(os.environ["CHAT_USER"], os.environ["CHAT_PASSWORD"])
    async with Client(os.environ["TAILWIRE"], person) as client:
        bot = await client.bots.create("echo-bot")
        made = await client.tokens.create("first steps", ["read", "write", "manage"], bot=bot.id)
    token = made.token or ""  # it is told this once
    async with Client(os.environ["TAILWIRE"], token) as client:
        await client.rooms.join("lobby")
    print(token)


asyncio.run(main())
