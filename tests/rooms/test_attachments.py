"""Files of messages: uploaded in parts, sent, served by signed addresses, and gone when they are deleted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from api.clock import now_ms
from api.errors import Unavailable
from api.files.folder import FolderFiles
from api.files.pictures import Pictures
from api.models.attachments import Attachment, FoundFile
from api.rooms.attachments import AttachmentService
from api.store.sqlite.attachments import SqliteAttachments
from tests.files.hostile import written
from tests.node import Node, Person, eventually

pytestmark = pytest.mark.anyio

TEXT = "Ein Brief, mit Grüßen.".encode() * 50


async def upload(
    person: Person, data: bytes = TEXT, name: str = "brief.txt", room_id: str = "lobby", **query: str
) -> Any:
    answer = await person.http.post(
        f"/rooms/{room_id}/files",
        content=data,
        params=query,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def send(
    person: Person, *file_ids: str, ref: str = "r", body: str = "", room_id: str = "lobby"
) -> httpx.Response:
    content = {"ref": ref, "body": body, "files": list(file_ids)}
    return await person.http.post(f"/rooms/{room_id}/messages", json=content)


async def url_of(person: Person, file_id: str, **more: Any) -> str:
    answer = await person.http.post("/files/urls", json={"file_ids": [file_id], **more})
    assert answer.status_code == 200, answer.text
    parts = urlsplit(answer.json()["items"][0]["url"])
    return str(parts.path)


def kept(folder: Path) -> list[Path]:
    return [path for path in (folder / "tailwire.files").rglob("*") if path.is_file()]


async def until_kept(folder: Path, count: int) -> None:
    """Wait until there are so many files of bytes."""

    async def is_so() -> bool:
        return len(kept(folder)) == count

    await eventually(is_so, seconds=30)


async def test_a_file_is_uploaded_sent_and_served_whole_and_in_ranges(
    node: Node, alice: Person, bob: Person
) -> None:
    made = await upload(alice, alt="a letter")
    assert made | {"file_id": ""} == {
        "file_id": "",
        "room_id": "lobby",
        "name": "brief.txt",
        "type": "text/plain",
        "size": len(TEXT),
        "offset": len(TEXT),
        "whole": True,
        "width": None,
        "height": None,
        "has_thumb": False,
        "blur": None,
        "alt": "a letter",
    }
    async with bob.socket() as socket:
        await socket.call(type="subscribe", room_id="lobby")
        sent = await send(alice, made["file_id"])
        event = await socket.until(type="message")
    shown = {name: value for name, value in made.items() if name not in {"room_id", "offset", "whole"}}
    assert (sent.status_code, sent.json()["files"], event["files"]) == (201, [shown], [shown])
    listed = (await bob.http.get("/rooms/lobby/files")).json()["items"]
    assert [(one["file_id"], one["seq"], one["user_id"]) for one in listed] == [
        (made["file_id"], event["seq"], alice.id)
    ]
    path, anybody = await url_of(bob, made["file_id"]), node.client()
    whole = await anybody.get(path)
    assert (whole.status_code, whole.content) == (200, TEXT)
    assert whole.headers["content-disposition"].startswith("attachment; ")
    assert whole.headers["content-type"] == "application/octet-stream"
    assert whole.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["cache-control"].startswith("private, max-age=")
    part = await anybody.get(path, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, TEXT[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(TEXT)}"
    for wanted, status, content in [
        ("bytes=-4", 206, TEXT[-4:]),
        (f"bytes={len(TEXT)}-", 416, b""),
        ("bytes=9-5", 200, TEXT),
        ("lines=1-2", 200, TEXT),
    ]:
        answer = await anybody.get(path, headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (status, content)
    same = await anybody.get(path, headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    head = await anybody.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(TEXT)))


async def test_a_large_file_comes_in_parts(alice: Person) -> None:
    data = bytes(range(256)) * 3_000
    begun = await alice.http.post(
        "/rooms/lobby/files", headers={"Upload-Length": str(len(data)), "Content-Disposition": "attachment"}
    )
    assert (begun.status_code, begun.headers["upload-offset"], begun.json()["whole"]) == (201, "0", False)
    path = f"/files/{begun.json()['file_id']}"
    assert (await send(alice, begun.json()["file_id"])).json()["code"] == "bad_file"
    reached = 0
    for end in (1, 300_000, len(data)):
        wrong = await alice.http.patch(path, content=b"x", headers={"Upload-Offset": str(reached + 1)})
        assert (wrong.status_code, wrong.json()["code"]) == (409, "bad_offset")
        head = await alice.http.head(path)
        assert (head.headers["upload-offset"], head.headers["upload-complete"]) == (str(reached), "?0")
        answer = await alice.http.patch(
            path, content=data[reached:end], headers={"Upload-Offset": str(reached)}
        )
        reached = end
        assert (answer.status_code, answer.json()["offset"]) == (200, reached)
    again = await alice.http.patch(path, headers={"Upload-Offset": str(len(data))})
    assert (again.status_code, again.json()["whole"]) == (200, True)
    answer = await alice.http.get(await url_of(alice, begun.json()["file_id"]))
    assert answer.content == data


async def test_a_retry_has_its_ack_also_when_its_files_are_gone(alice: Person, tmp_path: Path) -> None:
    one, two = [(await upload(alice))["file_id"] for _ in range(2)]
    first = await send(alice, one, body="look")
    again = await send(alice, one, body="look")
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert (await send(alice, two, body="look")).json()["code"] == "ref_conflict"
    assert (await send(alice, body="look")).json()["code"] == "ref_conflict"
    seq = first.json()["seq"]
    assert (await alice.http.delete(f"/rooms/lobby/messages/{seq}")).status_code == 204
    await until_kept(tmp_path, 1)
    last = await send(alice, one, body="look")
    assert (last.status_code, last.json()["deleted"], last.json()["files"]) == (200, True, [])
    assert (await send(alice, one, ref="new")).json()["code"] == "bad_file"
    assert (await send(alice, two, ref="new")).status_code == 201


async def test_a_deleted_message_takes_its_files_with_it(
    node: Node, alice: Person, bob: Person, tmp_path: Path
) -> None:
    file_id = (await upload(alice, written("JPEG")))["file_id"]
    seq = (await send(alice, file_id)).json()["seq"]
    paths = [await url_of(bob, file_id), await url_of(bob, file_id, thumb=True)]
    assert [(await node.client().get(path)).status_code for path in paths] == [200, 200]
    assert (await alice.http.delete(f"/rooms/lobby/messages/{seq}")).status_code == 204
    assert [(await node.client().get(path)).status_code for path in paths] == [404, 404]
    assert (await bob.http.post("/files/urls", json={"file_ids": [file_id]})).status_code == 404
    await until_kept(tmp_path, 0)
    assert (await bob.http.get("/rooms/lobby/files")).json()["items"] == []


async def test_a_deleted_room_and_an_erased_account_take_their_files_with_them(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    room = (await alice.http.post("/rooms", json={"name": "Den", "visibility": "public"})).json()["id"]
    await send(alice, (await upload(alice, room_id=room))["file_id"], room_id=room)
    await send(bob, (await upload(bob))["file_id"], ref="b")
    await upload(bob)  # which is never sent
    assert len(kept(tmp_path)) == 3
    assert (await alice.http.delete(f"/rooms/{room}")).status_code == 204
    erased = await bob.http.request("DELETE", "/users/me", json={"password": "correct horse battery"})
    assert erased.status_code == 204
    await until_kept(tmp_path, 0)


async def test_who_may_not_have_a_file_learns_nothing_of_it(node: Node, alice: Person, bob: Person) -> None:
    room = (await alice.http.post("/rooms", json={"name": "Den", "visibility": "private"})).json()["id"]
    file_id = (await upload(alice, room_id=room))["file_id"]
    asked = {"file_ids": [file_id]}
    answers = [
        await bob.http.post("/files/urls", json=asked),
        await bob.http.get(f"/files/{file_id}"),
        await bob.http.patch(f"/files/{file_id}", headers={"Upload-Offset": "0"}),
        await bob.http.put(f"/files/{file_id}/alt", json={"alt": "mine"}),
        await bob.http.delete(f"/files/{file_id}"),
        await bob.http.get(f"/rooms/{room}/files"),
        await bob.http.post(f"/rooms/{room}/files", content=b"x"),
    ]
    assert [one.status_code for one in answers] == [404] * 7
    assert (await send(bob, file_id)).json()["code"] == "bad_file"
    assert (await send(alice, file_id)).json()["code"] == "bad_file"  # it is bound to its room
    assert (await send(alice, file_id, room_id=room)).status_code == 201
    assert (await bob.http.post("/files/urls", json=asked)).status_code == 404
    await alice.http.put(f"/rooms/{room}/members/{bob.id}", json={"role": "reader"})
    path = await url_of(bob, file_id)
    refused = await bob.http.post(f"/rooms/{room}/files", content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    await alice.http.delete(f"/rooms/{room}/members/{bob.id}")
    assert (await node.client().get(path)).status_code == 200  # it opens until it ends
    assert (await bob.http.post("/files/urls", json=asked)).status_code == 404


async def test_an_address_that_was_changed_opens_nothing(node: Node, alice: Person) -> None:
    one, two = [(await upload(alice))["file_id"] for _ in range(2)]
    path = await url_of(alice, one)
    start, mark, name = path.rsplit("/", 2)
    expires, signature = mark.split(".")
    for changed in (
        f"/files/{two}/{mark}/{name}",
        f"{start}/{int(expires) + 300}.{signature}/{name}",
        f"{start}/{expires}.{signature[:-1]}x/{name}",
        f"{start}/{mark}/other.txt",
        f"{start}/{expires}./{name}",
        f"{start}/{signature}/{name}",
        f"/files/x/{mark}/{name}",
    ):
        assert (await node.client().get(changed)).status_code == 404, changed
    assert (await node.client().get(path)).status_code == 200


async def test_an_address_opens_for_five_minutes_at_least_and_then_no_more(
    node: Node, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await url_of(alice, (await upload(alice))["file_id"])
    for minutes, status in ((4.9, 200), (10.1, 404), (60 * 24, 404)):
        later = now_ms() + int(minutes * 60_000)
        monkeypatch.setattr("api.rooms.served_files.now_ms", lambda later=later: later)
        assert (await node.client().get(path)).status_code == status, minutes


@pytest.mark.settings(user_files_mib=1)
async def test_a_quota_holds_when_ten_uploads_come_at_the_same_time(alice: Person) -> None:
    data = b"x" * 300_000
    answers = await asyncio.gather(*(alice.http.post("/rooms/lobby/files", content=data) for _ in range(10)))
    assert sorted(one.status_code for one in answers) == [201] * 3 + [507] * 7
    assert {one.json()["code"] for one in answers if one.status_code == 507} == {"quota"}
    mine = next(one for one in answers if one.status_code == 201).json()["file_id"]
    assert (await alice.http.delete(f"/files/{mine}")).status_code == 204

    async def fits() -> bool:
        return (await alice.http.post("/rooms/lobby/files", content=data)).status_code == 201

    await eventually(fits, seconds=20)


@pytest.mark.settings(user_files_mib=1)
async def test_a_file_that_is_refused_while_it_comes_keeps_nothing_of_the_quota(
    sqlite_node: Node,
) -> None:
    alice, data = await sqlite_node.sign_up("alice"), b"x" * 600_000
    refused = await alice.http.post("/rooms/lobby/files", content=data, headers={"Content-Encoding": "gzip"})
    assert refused.status_code == 415

    async def fits() -> bool:
        return (await alice.http.post("/rooms/lobby/files", content=data)).status_code == 201

    await eventually(fits, seconds=20)


@pytest.mark.settings(file_mib=1)
async def test_what_is_no_file_is_refused_with_its_code(alice: Person) -> None:
    large = {"Upload-Length": str(1024 * 1024 + 1)}
    cases: list[tuple[dict[str, str], bytes, int, str]] = [
        (large, b"", 413, "too_large"),
        ({}, b"", 422, "bad_file"),
        ({"Upload-Length": "-1"}, b"", 400, "bad_request"),
        ({"Upload-Length": "two"}, b"", 400, "bad_request"),
        ({"Upload-Length": "2"}, b"abc", 413, "too_large"),
        ({"Content-Disposition": "form-data; name=x"}, b"abc", 400, "bad_request"),
        ({"Content-Disposition": "attachment; filename*=latin1''%E9"}, b"abc", 400, "bad_request"),
        ({"Content-Encoding": "gzip"}, b"abc", 415, "unsupported_media_type"),
    ]
    for headers, content, status, code in cases:
        answer = await alice.http.post("/rooms/lobby/files", content=content, headers=headers)
        assert answer.status_code == status, (headers, answer.text)
        assert (answer.status_code, answer.json()["code"]) == (status, code), headers
    broken = await alice.http.post("/rooms/lobby/files", content=written("PNG")[:40])
    assert (broken.status_code, broken.json()["code"]) == (422, "bad_file")
    ids = [f"f{number}" for number in range(11)]
    for files in (ids, ["f1", "f1"], ["../x"]):
        assert (await send(alice, *files)).json()["code"] == "invalid"
    assert (await send(alice)).json()["code"] == "empty"
    assert (await send(alice, (await upload(alice))["file_id"], body=" ")).json()["code"] == "empty"


@pytest.mark.settings(files="off")
async def test_a_server_without_files_says_so(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    server = (await alice.http.get("/server")).json()
    assert ("files" in server["features"], server["limits"]["file_bytes"]) == (False, 0)
    assert (await alice.http.post("/rooms/lobby/files", content=b"x")).status_code == 404
    assert (await send(alice, "f1")).json()["code"] == "bad_file"


async def begin(person: Person, size: int) -> str:
    answer = await person.http.post("/rooms/lobby/files", headers={"Upload-Length": str(size)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["file_id"])


async def patch(person: Person, file_id: str, offset: int, data: bytes = b"") -> httpx.Response:
    headers = {"Upload-Offset": str(offset)}
    return await person.http.patch(f"/files/{file_id}", content=data, headers=headers)


async def test_a_picture_stays_when_its_last_part_is_sent_again_while_it_is_looked_at(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, data = await sqlite_node.sign_up("alice"), written("JPEG")
    gates, came = [asyncio.Event(), asyncio.Event()], list[str]()
    looks, ask, finish = iter(gates), Pictures._ask, AttachmentService._finish

    async def ask_slowly(pictures: Pictures, request: dict[str, Any]) -> dict[str, Any] | None:
        await next(looks).wait()
        return await ask(pictures, request)

    async def finish_noted(service: AttachmentService, attachment: Attachment) -> Attachment:
        came.append(attachment.id)
        return await finish(service, attachment)

    async def both_came() -> bool:
        return len(came) == 2

    monkeypatch.setattr(Pictures, "_ask", ask_slowly)
    monkeypatch.setattr(AttachmentService, "_finish", finish_noted)
    file_id = await begin(alice, len(data))
    first = asyncio.create_task(patch(alice, file_id, 0, data))

    async def first_came() -> bool:
        return len(came) == 1

    await eventually(first_came)
    again = asyncio.create_task(patch(alice, file_id, len(data)))
    await eventually(both_came)
    gates[0].set()
    assert (await first).json()["whole"]
    gates[1].set()
    answer = await again
    assert (answer.status_code, answer.json()["whole"]) == (200, True), answer.text
    assert (await send(alice, file_id)).status_code == 201
    assert (await alice.http.get(await url_of(alice, file_id))).status_code == 200


async def test_a_part_that_is_answered_late_takes_nothing_from_a_file_that_is_whole(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")
    has_come, may_go, touch = asyncio.Event(), asyncio.Event(), SqliteAttachments.touch

    async def touch_slowly(store: SqliteAttachments, file_id: str, *, at: int) -> bool:
        if not has_come.is_set():
            has_come.set()
            await may_go.wait()
        return await touch(store, file_id, at=at)

    monkeypatch.setattr(SqliteAttachments, "touch", touch_slowly)
    file_id = await begin(alice, 6)
    late = asyncio.create_task(patch(alice, file_id, 0, b"abc"))
    await has_come.wait()
    assert (await patch(alice, file_id, 3, b"def")).json()["whole"]
    may_go.set()
    assert ((await late).status_code, (await late).json()["whole"]) == (200, True)
    assert (await alice.http.get(await url_of(alice, file_id))).content == b"abcdef"


async def test_a_picture_whose_bytes_are_kept_and_whose_row_is_not_is_made_whole_by_a_retry(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, data = await sqlite_node.sign_up("alice"), written("JPEG", quality=95)
    finish = SqliteAttachments.finish

    async def fails_once(
        store: SqliteAttachments, file_id: str, looked: FoundFile, *, at: int
    ) -> Attachment | None:
        monkeypatch.setattr(SqliteAttachments, "finish", finish)
        assert looked.size != len(data)
        raise Unavailable

    monkeypatch.setattr(SqliteAttachments, "finish", fails_once)
    file_id = await begin(alice, len(data))
    assert (await patch(alice, file_id, 0, data)).status_code == 503
    head = await alice.http.head(f"/files/{file_id}")
    assert head.headers["upload-offset"] == str(len(data))
    again = await patch(alice, file_id, len(data))
    assert (again.status_code, again.json()["whole"]) == (200, True), again.text


async def test_one_user_cannot_take_all_connections_by_slow_uploads(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.rooms.attachments.MOST_AT_ONCE", 1)
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    one, two, of_bob = await begin(alice, 4), await begin(alice, 4), await begin(bob, 4)
    has_begun, may_end = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"ab"
        await may_end.wait()
        yield b"cd"

    append = FolderFiles.append

    async def append_noted(files: FolderFiles, *given: Any, **named: Any) -> int:
        has_begun.set()
        return await append(files, *given, **named)

    monkeypatch.setattr(FolderFiles, "append", append_noted)
    sending = alice.http.patch(f"/files/{one}", content=slowly(), headers={"Upload-Offset": "0"})
    first = asyncio.create_task(sending)
    await has_begun.wait()
    assert (await patch(alice, two, 0, b"abcd")).status_code == 503
    assert (await patch(bob, of_bob, 0, b"abcd")).json()["whole"]
    may_end.set()
    assert (await first).json()["whole"]
    assert (await patch(alice, two, 0, b"abcd")).json()["whole"]
