# login.py
import asyncio
import os

from tailwire_client import Client, FilePair, Session


async def main() -> None:
    user, password = os.environ["CHAT_USER"], os.environ["CHAT_PASSWORD"]
    session = Session(user, password, kept=FilePair("session.json"))
    async with Client(os.environ["TAILWIRE"], session) as client:
        print((await client.account.me()).username)


asyncio.run(main())
