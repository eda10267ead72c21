"""Every operation of files, with ids, names, sizes, places and lists that are wrong. Nothing is kept of any of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bad_inputs.answers import is_problem
from tests.node import Node, Person
from tests.rooms.test_attachments import begin, kept, patch, send, upload, url_of

pytestmark = [pytest.mark.anyio, pytest.mark.stores("sqlite")]

NO_IDS = (
    "x",
    "0",
    "%2e%2e%2e",
    "a" * 500,
    "%00",
    "%F0%9F%98%80",
    "*",
    "AAAAAAAAAAAAAAAAAAAAAA",
)
NO_SIZES = ("", "-1", "+1", "1.0", "1e3", "0x10", "\u0663", "1_000", "nan", "9" * 16, "3, 3")
NO_LISTS: tuple[Any, ...] = (None, "x", 5, {}, [], [5], [None], [["a"]], ["a"] * 101)


@pytest.fixture
async def alice(sqlite_node: Node) -> Person:
    return await sqlite_node.sign_up("alice")


async def test_an_id_of_no_file_is_not_found_by_any_operation(alice: Person) -> None:
    for one in NO_IDS:
        path = f"/files/{one}"
        for answer in (
            await alice.http.get(path),
            await alice.http.patch(path, content=b"x", headers={"Upload-Offset": "0"}),
            await alice.http.put(f"{path}/alt", json={"alt": "x"}),
            await alice.http.delete(path),
            await alice.http.get(f"{path}/9999999999.{'A' * 43}/cat.png"),
        ):
            is_problem(answer, 404, "not_found")
        assert (await alice.http.head(path)).status_code == 404
        is_problem(await alice.http.post(f"/rooms/{one}/files", content=b"x"), 404, "not_found")
        is_problem(await alice.http.get(f"/rooms/{one}/files"), 404, "not_found")


async def test_a_size_or_a_place_that_is_no_number_is_refused(alice: Person, tmp_path: Path) -> None:
    file_id = await begin(alice, 3)
    for wrong in NO_SIZES:
        said = {b"Upload-Length": wrong.encode()}
        is_problem(await alice.http.post("/rooms/lobby/files", headers=said), 400, "bad_request")
        said = {b"Upload-Offset": wrong.encode()}
        is_problem(
            await alice.http.patch(f"/files/{file_id}", content=b"abc", headers=said), 400, "bad_request"
        )
    is_problem(await alice.http.patch(f"/files/{file_id}", content=b"abc"), 400, "bad_request")
    is_problem(await patch(alice, file_id, 1, b"abc"), 409, "bad_offset")
    is_problem(await patch(alice, file_id, 10**14, b"abc"), 409, "bad_offset")
    is_problem(await patch(alice, file_id, 0, b"abcd"), 413, "too_large")
    assert kept(tmp_path) in ([], [tmp_path / "tailwire.files" / "uploads" / file_id[:2].lower() / file_id])
    assert (await patch(alice, file_id, 0, b"abc")).json()["whole"]


async def test_a_list_of_files_that_is_none_is_refused(alice: Person) -> None:
    file_id = (await upload(alice))["file_id"]
    for wrong in NO_LISTS:
        answer = await alice.http.post("/files/urls", json={"file_ids": wrong})
        assert answer.status_code == 422, wrong
        if wrong not in (None, []):
            content = {"ref": "r", "body": "hi", "files": wrong}
            answer = await alice.http.post("/rooms/lobby/messages", json=content)
            assert answer.status_code == 422, wrong
    for wrong_id in ("x", "../x", "a" * 500, "\0"):
        answer = await alice.http.post("/files/urls", json={"file_ids": [wrong_id]})
        assert answer.status_code in {404, 422}, wrong_id
    is_problem(await alice.http.post("/files/urls", json={"file_ids": [file_id], "thumb": 1}), 422, "invalid")
    is_problem(
        await alice.http.post("/files/urls", json={"file_ids": [file_id], "size": 1}), 422, "extra_forbidden"
    )
    for query in ({"limit": "0"}, {"limit": "101"}, {"limit": "x"}):
        is_problem(await alice.http.get("/rooms/lobby/files", params=query), 422, "invalid")
    for cursor in ("x", "AAAA", "\0"):
        is_problem(await alice.http.get("/rooms/lobby/files", params={"cursor": cursor}), 422, "bad_cursor")
    assert (await send(alice, file_id)).status_code == 201


async def test_a_text_that_stands_for_a_file_is_bounded_and_can_be_shown(alice: Person) -> None:
    file_id = (await upload(alice))["file_id"]
    for wrong in (None, 5, ["a"], "a" * 501, "a\0b", "\ud800"):
        answer = await alice.http.put(
            f"/files/{file_id}/alt",
            content=ascii_json(wrong),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in {400, 422}, wrong
    assert (await alice.http.put(f"/files/{file_id}/alt", json={"alt": "a" * 500})).status_code == 200
    is_problem(
        await alice.http.post("/rooms/lobby/files", content=b"x", params={"alt": "a" * 501}), 422, "invalid"
    )


async def test_a_range_that_is_wrong_gives_all_or_says_that_there_is_none(alice: Person) -> None:
    path = await url_of(alice, (await upload(alice, b"0123456789"))["file_id"])
    for wrong in (
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1-2,4-5",
        "bytes=--1",
        "lines=1-2",
        "bytes=5-1",
    ):
        answer = await alice.http.get(path, headers={"Range": wrong})
        assert (answer.status_code, answer.content) == (200, b"0123456789"), wrong
    for wrong in ("bytes=10-", "bytes=10-20", "bytes=-0", f"bytes={'9' * 15}-"):
        answer = await alice.http.get(path, headers={"Range": wrong})
        assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10"), wrong
    is_problem(await alice.http.post(path, content=b"x"), 405, "method_not_allowed")


def ascii_json(value: Any) -> bytes:
    """Return a body with this text, also with half of a character, which UTF-8 cannot hold."""
    return json.dumps({"alt": value}).encode()
