"""Rules of files: whole or not at all, bound to one message, seen by the members of its room."""

from typing import Any, Final

import httpx

from conformance.server.bench import Bench, expect, unique
from conformance.server.people import Person

BYTES: Final = bytes(range(256)) * 40
NAME: Final = {"Content-Disposition": "attachment; filename*=UTF-8''one%20file.bin"}


async def files(bench: Bench) -> None:
    """A file is uploaded, sent with one message, and read by the members of its room, whole or a part of it."""
    bench.needs("files")
    room_id = await bench.room(bench.bob)
    file = await _uploaded(bench.ada, room_id)
    expect((file["name"], file["size"]) == ("one file.bin", len(BYTES)), "its name and its size", file)
    sent = await bench.send(bench.ada, room_id, "Look", files=[file["file_id"]])
    expect([one["file_id"] for one in sent["files"]] == [file["file_id"]], "the message has the file", sent)
    url = await _address(bench.bob, file["file_id"])
    whole = await bench.nobody.ask("GET", url)
    expect(whole.content == BYTES, "the address gives the bytes that were sent", whole.status_code)
    part = await bench.nobody.ask("GET", url, headers={"Range": "bytes=100-199"})
    seen = (part.status_code, part.content == BYTES[100:200])
    expect(seen == (httpx.codes.PARTIAL_CONTENT, True), "a range is 206 and has these bytes", seen)
    listed = await bench.bob.get(f"/rooms/{room_id}/files")
    found = [(one["file_id"], one["seq"]) for one in listed["items"]]
    expect(found == [(file["file_id"], sent["seq"])], "the files of the room have it", listed["items"])


async def resumed_uploads(bench: Bench) -> None:
    """An upload that broke off goes on where it was, and nowhere else; before it is whole it is not sent."""
    bench.needs("files")
    room_id, half = await bench.room(), len(BYTES) // 2
    headers = {**NAME, "Upload-Length": str(len(BYTES))}
    file_id = (await bench.ada.done("POST", f"/rooms/{room_id}/files", headers=headers))["file_id"]
    path = f"/files/{file_id}"
    await _added(bench.ada, path, 0, BYTES[:half])
    offset = (await bench.ada.ask("HEAD", path)).headers.get("Upload-Offset")
    expect(offset == str(half), f"`Upload-Offset` is {half}", offset)
    await bench.ada.refused(
        409, "bad_offset", "PATCH", path, content=BYTES[:10], headers={"Upload-Offset": "0", **OCTETS}
    )
    await bench.ada.refused(422, "bad_file", "POST", f"/rooms/{room_id}/messages", json=_message(file_id))
    await _added(bench.ada, path, half, BYTES[half:])
    complete = (await bench.ada.ask("HEAD", path)).headers.get("Upload-Complete")
    expect(complete == "?1", "`Upload-Complete` is ?1", complete)
    await bench.send(bench.ada, room_id, "", files=[file_id])
    read = (await bench.nobody.ask("GET", await _address(bench.ada, file_id))).content
    expect(read == BYTES, "the parts are one file", len(read))


async def others_files(bench: Bench) -> None:
    """Nobody sends a file of others, of another room, or twice; strangers get no address, and a delete closes it."""
    bench.needs("files")
    room_id, other = await bench.room(bench.bob), await bench.room(bench.bob)
    file_id = (await _uploaded(bench.ada, room_id))["file_id"]
    await bench.bob.refused(422, "bad_file", "POST", f"/rooms/{room_id}/messages", json=_message(file_id))
    await bench.ada.refused(422, "bad_file", "POST", f"/rooms/{other}/messages", json=_message(file_id))
    await bench.bob.refused(404, "not_found", "POST", "/files/urls", json={"file_ids": [file_id]})
    sent = await bench.send(bench.ada, room_id, "Look", files=[file_id])
    await bench.ada.refused(422, "bad_file", "POST", f"/rooms/{room_id}/messages", json=_message(file_id))
    url = await _address(bench.bob, file_id)
    await bench.eve.refused(404, "not_found", "POST", "/files/urls", json={"file_ids": [file_id]})
    await bench.ada.done("DELETE", f"/rooms/{room_id}/messages/{sent['seq']}")
    status = (await bench.nobody.ask("GET", url)).status_code
    expect(status == httpx.codes.NOT_FOUND, "after the delete its address is 404", status)
    await bench.bob.refused(404, "not_found", "POST", "/files/urls", json={"file_ids": [file_id]})


OCTETS: Final = {"Content-Type": "application/octet-stream"}


def _message(file_id: str) -> dict[str, Any]:
    return {"ref": unique(), "body": "Look", "files": [file_id]}


async def _uploaded(person: Person, room_id: str) -> Any:
    return await person.done("POST", f"/rooms/{room_id}/files", content=BYTES, headers={**NAME, **OCTETS})


async def _added(person: Person, path: str, offset: int, part: bytes) -> None:
    await person.done("PATCH", path, content=part, headers={"Upload-Offset": str(offset), **OCTETS})


async def _address(person: Person, file_id: str) -> str:
    """Return the path of the address: the server may not know by which name the kit reaches it."""
    (item,) = (await person.done("POST", "/files/urls", json={"file_ids": [file_id]}))["items"]
    return httpx.URL(item["url"]).raw_path.decode()


CHECKS: Final = (files, resumed_uploads, others_files)
