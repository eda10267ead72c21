"""Django Channels' tutorial (part 3, its asynchronous consumer): one group, on the in-memory layer, under uvicorn.

The layer drops messages for a consumer when 100 wait for it. Here 10,000 may wait, so that it loses fewer.
"""

import json
import sys

import django
import uvicorn
from django.conf import settings

settings.configure(
    SECRET_KEY="of a benchmark",  # noqa: S106  it guards nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
    },
)
django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402  after the settings
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("lobby", self.channel_name)
        await self.accept()

    async def disconnect(self, _code):
        await self.channel_layer.group_discard("lobby", self.channel_name)

    async def receive(self, text_data):
        message = json.loads(text_data)
        await self.channel_layer.group_send("lobby", {"type": "chat.message", "message": message})

    async def chat_message(self, event):
        await self.send(text_data=json.dumps(event["message"]))


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("ws", ChatConsumer.as_asgi())])}
)

if __name__ == "__main__":
    uvicorn.run(application, port=int(sys.argv[1]), ws_per_message_deflate=False, log_level="warning")
