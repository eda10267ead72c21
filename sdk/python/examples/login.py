# login.py
import asyncio
import os

from tailwire_client import Client, FilePair, Session


async def main() -> None:
    session = Session(os.environ["USERNAME"], os.environ["PASSWORD"], kept=FilePair("session.json"))
    async with Client(os.environ["TAILWIRE"], session) as client:
        print((await client.account.me()).username)


asyncio.run(main())
