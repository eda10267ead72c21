"""Sends a long answer in parts, so that no more of it waits in the transport than a peer takes soon.

A server writes a whole body at once where it can, and is done with the request. What a slow peer has not taken then
belongs to nobody. In parts, each waits for those before, so the request lasts as long as its answer takes.
"""

from typing import Final

from starlette.types import Message, Send

PART_BYTES: Final = 64 * 1024
"""As much as the transport takes before it makes the sender wait."""


async def send_in_parts(message: Message, send: Send) -> None:
    """Send one ASGI message, the body in parts if it is long."""
    if message["type"] == "http.response.body":
        body: bytes = message.get("body", b"")
        begin = 0
        while len(body) - begin > PART_BYTES:
            part = body[begin : begin + PART_BYTES]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            begin += PART_BYTES
        if begin:
            message = {**message, "body": body[begin:]}
    await send(message)
