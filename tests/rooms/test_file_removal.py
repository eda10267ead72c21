"""Files of deleted messages are gone with the answer, deleting those of others is audited, and quotas count files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.errors import NotFound
from api.files.folder import FolderFiles
from api.jobs.files import FileFollower
from api.models.accounts import Audited
from api.models.attachments import Attachment
from api.rooms.served_files import ServedFiles
from api.store import open_store
from api.store.sqlite.attachments import SqliteAttachments
from tests.files.hostile import written
from tests.node import Node, Person, eventually
from tests.rooms.test_attachments import begin, kept, patch, send, until_kept, upload, url_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def _nobody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the follower of files do nothing, as where another node has its lease and hangs."""

    async def run(_follower: FileFollower) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(FileFollower, "run", run)


@pytest.mark.usefixtures("_nobody_follows")
async def test_files_go_with_the_answer_also_where_nobody_follows_the_rooms(
    alice: Person, tmp_path: Path
) -> None:
    sent = [
        (await send(alice, (await upload(alice))["file_id"], ref=ref)).json()
        for ref in ("one", "two", "three")
    ]
    assert (await alice.http.delete(f"/rooms/lobby/messages/{sent[0]['seq']}")).status_code == 204
    left = (await alice.http.get("/rooms/lobby/files")).json()["items"]
    assert [one["seq"] for one in left] == [sent[2]["seq"], sent[1]["seq"]]
    cleared = await alice.http.delete(f"/rooms/lobby/members/{alice.id}/messages")
    assert cleared.json()["deleted"] == 2
    assert (await alice.http.get("/rooms/lobby/files")).json()["items"] == []
    await until_kept(tmp_path, 0)


async def test_deleting_files_of_others_is_in_the_audit_log_and_deleting_words_is_not(
    sqlite_node: Node, tmp_path: Path
) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    room = (await alice.http.post("/rooms", json={"name": "Den", "visibility": "public"})).json()["id"]
    await bob.http.post(f"/rooms/{room}/join")
    words = await send(bob, body="only words", ref="words", room_id=room)
    file = await send(bob, (await upload(bob, room_id=room))["file_id"], ref="file", room_id=room)
    mine = await send(alice, (await upload(alice, room_id=room))["file_id"], ref="mine", room_id=room)
    for sent in (words, file, mine, file):
        path = f"/rooms/{room}/messages/{sent.json()['seq']}"
        assert (await alice.http.delete(path)).status_code == 204
    store = await open_store(f"sqlite:///{tmp_path / 'tailwire.db'}")
    found = (await store.audit.all(cursor=None, limit=99)).items
    await store.close()
    deleted = [one for one in found if one.event == Audited.FILES_DELETED]
    assert [(one.actor_id, one.subject_id, one.room_id) for one in deleted] == [(alice.id, bob.id, room)]


@pytest.mark.settings(user_files=2)
async def test_a_quota_counts_files_too(alice: Person, tmp_path: Path) -> None:
    mine = [(await upload(alice, b"x"))["file_id"] for _ in range(2)]
    refused = await alice.http.post("/rooms/lobby/files", content=b"x")
    assert (refused.status_code, refused.json()["code"]) == (507, "quota")
    assert (await alice.http.delete(f"/files/{mine[0]}")).status_code == 204

    async def fits() -> bool:
        return (await alice.http.post("/rooms/lobby/files", content=b"x")).status_code == 201

    await eventually(fits, seconds=20)


async def test_who_is_in_a_room_gets_no_address_of_what_another_has_not_sent(
    sqlite_node: Node,
) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    file_id = (await upload(alice))["file_id"]
    assert (await bob.http.post("/files/urls", json={"file_ids": [file_id]})).status_code == 404
    assert (await alice.http.post("/files/urls", json={"file_ids": [file_id]})).status_code == 200


async def test_what_comes_of_a_file_after_it_was_given_up_is_removed_also_when_the_body_breaks_off(
    sqlite_node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 stores its last piece when the body breaks off, which may be after the file was removed."""
    alice = await sqlite_node.sign_up("alice")
    file_id, append = await begin(alice, 6), FolderFiles.append

    async def append_late(files: FolderFiles, file_id: str, offset: int, *more: Any, **named: Any) -> int:
        assert (await alice.http.delete(f"/files/{file_id}")).status_code == 204
        await until_kept(tmp_path, 0)

        async def breaks_off() -> AsyncIterator[bytes]:
            yield b"abc"
            raise NotFound

        return await append(files, file_id, offset, breaks_off())

    monkeypatch.setattr(FolderFiles, "append", append_late)
    assert (await patch(alice, file_id, 0, b"abc")).status_code == 404
    assert kept(tmp_path) == []


async def test_a_picture_that_becomes_smaller_is_as_far_as_it_is_large(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    made = await upload(alice, written("PNG", compress_level=0))
    assert made["whole"]
    assert made["offset"] == made["size"]


async def test_an_upload_says_that_it_is_coming_while_one_slow_request_brings_it(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.rooms.attachments.TOUCH_SECONDS", 0.0)
    alice, touched, touch = await sqlite_node.sign_up("alice"), list[int](), SqliteAttachments.touch

    async def touch_noted(store: SqliteAttachments, file_id: str, *, at: int) -> bool:
        touched.append(at)
        return await touch(store, file_id, at=at)

    monkeypatch.setattr(SqliteAttachments, "touch", touch_noted)
    assert (await patch(alice, await begin(alice, 6), 0, b"abcdef")).json()["whole"]
    assert len(touched) == 2  # as it came, and when it had come


async def test_a_file_that_goes_while_it_is_sent_breaks_the_answer_off_and_leaves_no_stack(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alice = await sqlite_node.sign_up("alice")
    path = await url_of(alice, (await upload(alice))["file_id"])

    async def read_a_part(_files: FolderFiles, *_given: Any) -> AsyncIterator[bytes]:
        yield b"the first bytes"
        raise NotFound

    monkeypatch.setattr(FolderFiles, "read", read_a_part)
    with pytest.raises(httpx.RemoteProtocolError):
        await sqlite_node.client().get(path)
    assert not [one for one in caplog.records if one.exc_info]


async def test_a_file_is_not_sent_again_to_who_has_it_by_a_weak_tag_or_any(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    path = await url_of(alice, (await upload(alice))["file_id"])
    tag = (await alice.http.get(path)).headers["etag"]
    for known in (f"W/{tag}", "*", f'"other", W/{tag}'):
        assert (await alice.http.get(path, headers={"If-None-Match": known})).status_code == 304, known
    assert (await alice.http.get(path, headers={"If-None-Match": 'W/"other"'})).status_code == 200


async def test_a_screen_of_files_is_looked_up_at_once_and_in_the_order_that_was_asked(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")
    ids = [(await upload(alice))["file_id"] for _ in range(4)]
    for number, file_id in enumerate(ids):
        await send(alice, file_id, ref=f"r{number}")
    looked, at_once, is_readable = 0, list[int](), ServedFiles._is_readable

    async def is_readable_noted(served: ServedFiles, one: Attachment) -> bool:
        nonlocal looked
        looked += 1
        at_once.append(looked)
        try:
            return await is_readable(served, one)
        finally:
            looked -= 1

    monkeypatch.setattr(ServedFiles, "_is_readable", is_readable_noted)
    asked = [*reversed(ids), ids[0]]
    answer = await alice.http.post("/files/urls", json={"file_ids": asked})
    assert [one["file_id"] for one in answer.json()["items"]] == asked[:-1]
    assert max(at_once) == 4


async def test_metrics_tell_of_files(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    path = await url_of(alice, (await upload(alice, written("PNG")))["file_id"])
    await alice.http.get(path)
    assert (await alice.http.post("/rooms/lobby/files", content=written("PNG")[:40])).status_code == 422

    async def figures() -> dict[str, float]:
        text = (await alice.http.get("/metrics")).text
        told = [line for line in text.splitlines() if line.startswith(("tailwire_file", "tailwire_pictures"))]
        lines = (line.rsplit(" ", 1) for line in told)
        return {name: float(value) for name, value in lines}

    async def one_is_kept() -> bool:
        found = await figures()
        is_counted = found["tailwire_files_bytes"] == found["tailwire_file_sent_bytes_total"]
        is_removed = found.get('tailwire_file_removals_total{outcome="removed"}') == 1
        return found["tailwire_files"] == 1 and is_counted and is_removed

    await eventually(one_is_kept, seconds=20)
    found = await figures()
    assert found['tailwire_file_uploads_total{outcome="whole"}'] == 1
    assert found['tailwire_file_uploads_total{outcome="refused"}'] == 1
    assert found['tailwire_pictures_total{outcome="shown"}'] == 1
    assert found["tailwire_file_received_bytes_total"] == len(written("PNG")) + 40
    assert found["tailwire_file_sent_bytes_total"] > 0
    assert found['tailwire_file_reads_total{by="server"}'] == 1
    assert found["tailwire_files_free_bytes"] > 0


@pytest.mark.usefixtures("_nobody_follows")
@pytest.mark.parametrize("is_sent_again", [False, True])
async def test_files_of_a_message_that_a_crash_left_unnoted_go_with_it(
    sqlite_node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_sent_again: bool
) -> None:
    alice, note, crashed = await sqlite_node.sign_up("alice"), SqliteAttachments.send, list[str]()

    async def crash_first(store: SqliteAttachments, *given: Any, **named: Any) -> None:
        if crashed:
            await note(store, *given, **named)
        crashed.append("here")

    monkeypatch.setattr(SqliteAttachments, "send", crash_first)
    file_id = (await upload(alice))["file_id"]
    seq = (await send(alice, file_id)).json()["seq"]
    if is_sent_again:
        assert (await send(alice, file_id)).status_code == 200
        listed = (await alice.http.get("/rooms/lobby/files")).json()["items"]
        assert [one["seq"] for one in listed] == [seq]
    assert (await alice.http.delete(f"/rooms/lobby/messages/{seq}")).status_code == 204
    await until_kept(tmp_path, 0)
