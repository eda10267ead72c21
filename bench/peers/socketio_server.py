"""python-socketio as in its documentation: an AsyncServer under ASGI that emits each message to everybody."""

import sys

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])


@server.event
async def message(_sid, data):
    await server.emit("message", data)


if __name__ == "__main__":
    uvicorn.run(
        socketio.ASGIApp(server), port=int(sys.argv[1]), ws_per_message_deflate=False, log_level="warning"
    )
