"""A good tutorial's FastAPI with RethinkDB: the documentation's ConnectionManager, fed by a changefeed.

One background task, begun by the lifespan, follows `changes()` and broadcasts each new message as JSON.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from rethinkdb import r


class ConnectionManager:
    def __init__(self):
        self.active_connections = []

    async def connect(self, websocket):
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket):
        self.active_connections.remove(websocket)

    async def broadcast(self, message):
        for connection in self.active_connections:
            await connection.send_text(message)


manager = ConnectionManager()


async def connect():
    return await r.connect("127.0.0.1", int(sys.argv[2]), password=sys.argv[3], db="bench")


async def follow():
    cursor = await r.table("messages").changes().run(await connect())
    async for change in cursor:
        await manager.broadcast(json.dumps(change["new_val"]))


@asynccontextmanager
async def lifespan(app):
    r.set_loop_type("asyncio")
    app.state.connection = await connect()
    await r.db_create("bench").run(app.state.connection)
    await r.table_create("messages").run(app.state.connection)
    await r.table("messages").wait().run(app.state.connection)
    task = asyncio.create_task(follow())
    yield
    task.cancel()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket):
    await manager.connect(websocket)
    try:
        while True:
            message = json.loads(await websocket.receive_text())
            await r.table("messages").insert(message).run(app.state.connection)
    except WebSocketDisconnect:
        manager.disconnect(websocket)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), ws_per_message_deflate=False, log_level="warning")
