"""The design of 2015 on today's Tornado: handlers in a set, and one coroutine that follows a RethinkDB changefeed.

It is the pattern of the blog posts of that year ("Django, Tornado and RethinkDB"): a message is inserted, the
changefeed brings it, and `write_message` is called for each client. There Django took the message by HTTP; here the
socket takes it.
"""

import asyncio
import json
import sys

from rethinkdb import r
from tornado.web import Application
from tornado.websocket import WebSocketHandler

clients = set()


class ChatHandler(WebSocketHandler):
    def initialize(self, connection):
        self.connection = connection

    def open(self):
        clients.add(self)

    def on_close(self):
        clients.discard(self)

    async def on_message(self, message):
        await r.table("messages").insert(json.loads(message)).run(self.connection)


async def follow(connection):
    feed = await r.table("messages").changes().run(connection)
    async for change in feed:
        for client in clients:
            client.write_message(change["new_val"])


async def main(port, database, password):
    r.set_loop_type("asyncio")
    connection = await r.connect("127.0.0.1", int(database), password=password)
    await r.db_create("bench").run(connection)
    await r.db("bench").table_create("messages").run(connection)
    await r.db("bench").table("messages").wait().run(connection)
    connection.use("bench")
    feed = await r.connect("127.0.0.1", int(database), password=password, db="bench")
    Application([("/", ChatHandler, {"connection": connection})]).listen(int(port), "127.0.0.1")
    await follow(feed)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
