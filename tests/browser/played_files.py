"""The routes of files, played in the browser: what the page does with them, on a server that has none."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from playwright.async_api import BrowserContext, Route, WebSocketRoute

from api.files.content_types import HEAD_BYTES, type_of
from api.files.pictures import Pictures

MOST_BYTES: Final = 5_000_000
SHOWN: Final = ("file_id", "name", "type", "size", "width", "height", "has_thumb", "blur", "alt")


class PlayedFiles:
    """Keeps the files of one context, and puts them into the messages that are sent with them."""

    def __init__(self, pictures: Pictures, directory: Path) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self._sent: dict[str, dict[str, Any]] = {}
        self._pictures = pictures
        self._directory = directory
        self._ids = count(1)
        self._open: list[WebSocketRoute] = []
        self._is_cut = False
        self._is_silent = False
        self.breaks_after: int | None = None

    async def lay(self, context: BrowserContext) -> None:
        await context.route(re.compile(r"/rooms/[^/]+/files(\?|$)"), self._of_a_room)
        await context.route(re.compile(r"/files/[^?]+"), self._one)
        await context.route(re.compile(r"/rooms/[^/]+/messages\?"), self._history)
        await context.route_web_socket("**/ws/messages", self._socket)

    async def cut(self) -> None:
        """End the connection, and every request about files from now on."""
        self._is_cut = self._is_silent = True
        for socket in self._open:
            await socket.close(code=1012)
        self._open.clear()

    def mend(self) -> None:
        self.mend_socket()
        self._is_silent = False
        self.breaks_after = None

    def mend_socket(self) -> None:
        """Let the page connect again. Requests about files still fail."""
        self._is_cut = False

    def _told(self, file: dict[str, Any]) -> dict[str, Any]:
        shown = {name: file[name] for name in SHOWN}
        return shown | {"offset": len(file["bytes"]), "whole": file["whole"]}

    async def _finish(self, file: dict[str, Any]) -> None:
        if len(file["bytes"]) < file["size"]:
            return
        into = self._directory / file["file_id"]
        into.mkdir()
        (into / "source").write_bytes(file["bytes"])
        file |= {"whole": True, "type": type_of(file["bytes"][:HEAD_BYTES], "")}
        if picture := await self._pictures.look(into / "source", "", into):
            file |= {"width": picture.width, "height": picture.height, "blur": picture.blur}
            file |= {"has_thumb": True, "thumb": picture.thumb.read_bytes()}

    async def _of_a_room(self, route: Route) -> None:
        request = route.request
        if self._is_silent:
            await route.abort()
            return
        if request.method == "GET":
            listed = [
                self._told(self.files[file_id]) | {key: sent[key] for key in ("seq", "user_id", "at")}
                for sent in reversed(self._sent.values())
                for file_id in sent["files"]
            ]
            await route.fulfill(json={"items": listed, "next_cursor": None})
            return
        headers, body = request.headers, request.post_data_buffer or b""
        file_id = f"file{next(self._ids)}"
        file = dict.fromkeys(("width", "height", "blur", "thumb")) | {
            "file_id": file_id,
            "name": unquote(headers["content-disposition"].split("''")[1]),
            "alt": parse_qs(urlsplit(request.url).query).get("alt", [""])[0],
            "type": "",
            "has_thumb": False,
            "whole": False,
            "bytes": body,
            "size": int(headers.get("upload-length", len(body))),
        }
        self.files[file_id] = file
        await self._finish(file)
        await route.fulfill(status=201, json=self._told(file))

    async def _one(self, route: Route) -> None:
        request = route.request
        name, _, rest = urlsplit(request.url).path.split("/files/", 1)[1].partition("/")
        if self._is_silent:
            await route.abort()
        elif name == "urls":
            await self._urls(route, json.loads(request.post_data or ""))
        elif (file := self.files.get(name)) is None:
            await route.fulfill(status=404, json={"code": "not_found"})
        elif rest.startswith("thumb."):
            await route.fulfill(body=file["thumb"], content_type="image/webp")
        elif rest.startswith("file."):
            await route.fulfill(body=file["bytes"], content_type=file["type"])
        else:
            await self._change(route, file)

    async def _change(self, route: Route, file: dict[str, Any]) -> None:
        request = route.request
        if request.method == "PUT":
            file["alt"] = json.loads(request.post_data or "")["alt"]
        elif request.method == "DELETE":
            del self.files[file["file_id"]]
        elif request.method == "PATCH":
            if int(request.headers["upload-offset"]) != len(file["bytes"]):
                await route.fulfill(status=409, json={"code": "bad_offset"})
                return
            file["bytes"] += request.post_data_buffer or b""
            await self._finish(file)
            if self.breaks_after is not None and len(file["bytes"]) >= self.breaks_after:
                # What has arrived is kept, but for its answer.
                await self.cut()
                await route.abort()
                return
        await route.fulfill(json=self._told(file))

    async def _urls(self, route: Route, asked: dict[str, Any]) -> None:
        kind = "thumb" if asked["thumb"] else "file"
        items = [
            {
                "file_id": file_id,
                "url": f"https://chat.example/files/{file_id}/{kind}.sign/name",
                "expires_at": "",
            }
            for file_id in asked["file_ids"]
            if file_id in self.files
        ]
        await route.fulfill(json={"items": items})

    def _dressed(self, message: dict[str, Any]) -> dict[str, Any]:
        sent = self._sent.get(message.get("ref") or "")
        if sent is None or message.get("deleted"):
            return message
        sent |= {key: message[key] for key in ("seq", "user_id", "at")}
        files = [{key: self.files[one][key] for key in SHOWN} for one in sent["files"]]
        return message | {"body": sent["body"], "files": files}

    async def _history(self, route: Route) -> None:
        answer = await route.fetch()
        page = await answer.json()
        items = [self._dressed(item) for item in page.get("items", [])]
        await route.fulfill(response=answer, json=page | {"items": items})

    async def _socket(self, socket: WebSocketRoute) -> None:
        if self._is_cut:
            await socket.close(code=1012)
            return
        self._open.append(socket)
        server = socket.connect_to_server()

        def sent(frame: str | bytes) -> None:
            command = json.loads(frame)
            if command["type"] == "send" and "files" in command:
                self._sent[command["ref"]] = {"body": command["body"], "files": command.pop("files")}
                command["body"] = command["body"] or "a file"
            server.send(json.dumps(command))

        def came(frame: str | bytes) -> None:
            socket.send(self._event(frame))

        socket.on_message(sent)
        server.on_message(came)

    def _event(self, frame: str | bytes) -> str:
        event = json.loads(frame)
        if event["type"] == "ready":
            event["features"].append("files")
            event["limits"]["file_bytes"] = MOST_BYTES
        elif event["type"] == "message":
            event = self._dressed(event)
        return json.dumps(event)
