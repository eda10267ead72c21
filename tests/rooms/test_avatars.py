"""The pictures of users, bots and rooms: cut, shown to who sees them, told to open pages, and gone with them."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from api.config import Settings
from tests.accounts.programs import made_bot, make_admin
from tests.files.hostile import MARK, exif, photograph, written
from tests.node import PASSWORD, Node, Person, eventually, running
from tests.rooms.test_attachments import kept, send, until_kept, upload
from tests.rooms.test_rooms import make_room
from tests.s3 import S3Server, s3_server

pytestmark = pytest.mark.anyio

MINE = "/users/me/avatar"
CAT = written("PNG", photograph((300, 200)))
DOG = written("JPEG", photograph((64, 640)), exif=exif(6))


async def put(person: Person, path: str = MINE, picture: bytes = CAT) -> str:
    """Set a picture, and return its id."""
    answer = await person.http.put(path, content=picture)
    assert answer.status_code == 200, answer.text
    avatar: str = answer.json()["avatar"]
    return avatar


async def look(node: Node, avatar: str, size: int = 96) -> httpx.Response:
    """Look at a picture as somebody without an account."""
    return await node.client().get(f"/avatars/{avatar}/{size}")


def shown(answer: httpx.Response) -> tuple[str | None, tuple[int, int], bool]:
    """Return the form and the size of a picture, and whether it says anything beside that."""
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as picture:
        return picture.format, picture.size, bool(picture.getexif()) or MARK in answer.content


async def test_the_picture_of_a_user_is_shown_to_everybody_and_told_to_open_pages(
    node: Node, alice: Person, bob: Person
) -> None:
    async with bob.socket() as socket:
        first = await put(alice, picture=DOG)
        told = await socket.until(type="user")
    assert (told["user_id"], told["avatar"]) == (alice.id, first)
    small, large = [await look(node, first, size) for size in (96, 384)]
    assert (shown(small), shown(large)) == (("WEBP", (96, 96), False), ("WEBP", (384, 384), False))
    assert small.headers["content-type"] == "image/webp"
    assert small.headers["cache-control"] == "private, max-age=86400, immutable"
    assert small.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert small.headers["x-content-type-options"] == "nosniff"
    same = await node.client().get(small.url.path, headers={"If-None-Match": small.headers["etag"]})
    assert same.status_code == 304
    for path in (f"/users/{alice.id}", "/users?q=alice", "/rooms/lobby/members"):
        found = (await bob.http.get(path)).json()
        one = next(one for one in found.get("items", [found]) if one["username"] == "alice")
        assert one["avatar"] == first
    opened = await bob.http.put(f"/direct/{alice.id}")
    assert {one["username"]: one["avatar"] for one in opened.json()["users"]} == {
        "alice": first,
        "bob": None,
    }
    assert opened.json()["avatar"] is None


async def test_another_picture_closes_the_address_of_the_one_before_and_removing_closes_all(
    node: Node, alice: Person, tmp_path: Path
) -> None:
    first, second = await put(alice), await put(alice, picture=DOG)
    assert [(await look(node, one)).status_code for one in (first, second)] == [404, 200]
    await until_kept(tmp_path, 2)
    assert (await alice.http.get("/users/me")).json()["avatar"] == second
    for _ in range(2):  # done already is done
        answer = await alice.http.delete(MINE)
        assert (answer.status_code, answer.json()["avatar"]) == (200, None)
    assert (await look(node, second)).status_code == 404
    await until_kept(tmp_path, 0)


async def test_a_bot_is_shown_as_its_owner_says(node: Node, alice: Person, bob: Person) -> None:
    bot = (await made_bot(alice))["id"]
    path = f"/bots/{bot}/avatar"
    for answer in (await bob.http.put(path, content=CAT), await bob.http.delete(path)):
        assert answer.status_code == 404
    async with bob.socket() as socket:
        avatar = await put(alice, path)
        assert (await socket.until(type="user", user_id=bot))["avatar"] == avatar
    assert (await alice.http.get("/bots")).json()["items"][0]["avatar"] == avatar
    assert (await bob.http.get(f"/users/{bot}")).json()["avatar"] == avatar
    assert shown(await look(node, avatar))[0] == "WEBP"
    assert (await alice.http.delete(path)).json()["avatar"] is None
    assert (await look(node, avatar)).status_code == 404


async def test_a_private_room_shows_its_picture_to_members_only(
    node: Node, alice: Person, bob: Person, tmp_path: Path
) -> None:
    room_id = (await make_room(alice, "Den", "private"))["id"]
    path = f"/rooms/{room_id}/avatar"
    async with alice.socket() as socket:
        await socket.call(type="subscribe", room_id=room_id)
        avatar = await put(alice, path)
        entry = await socket.until(type="room")
        changed = await alice.http.patch(f"/rooms/{room_id}", json={"topic": "cats"})
        after = await socket.until(type="room", topic="cats")
    assert (entry["avatar"], after["avatar"], changed.json()["avatar"]) == (avatar, avatar, avatar)
    assert (entry["name"], entry["user_id"]) == ("Den", alice.id)
    listed = (await alice.http.get(f"/rooms?ids={room_id}")).json()["items"]
    assert [one["avatar"] for one in listed] == [avatar]
    assert shown(await look(node, avatar, 384))[1] == (384, 384)
    for seen in ("", "/log", "/members", "/avatar"):
        assert (await bob.http.get(f"/rooms/{room_id}{seen}")).status_code in {404, 405}
    assert avatar not in (await bob.http.get("/rooms?scope=public")).text
    assert (await bob.http.put(path, content=CAT)).status_code == 404
    removed = await alice.http.delete(path)
    assert (removed.status_code, removed.json()["avatar"]) == (200, None)
    last = (await alice.http.get(f"/rooms/{room_id}/log")).json()["items"][-1]
    assert (last["type"], "avatar" in last) == ("room", False)
    await until_kept(tmp_path, 0)


async def test_a_direct_room_has_no_picture_of_its_own(alice: Person, bob: Person) -> None:
    room_id = (await alice.http.put(f"/direct/{bob.id}")).json()["id"]
    answer = await alice.http.put(f"/rooms/{room_id}/avatar", content=CAT)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_pictures_go_with_their_room_and_their_account(
    node: Node, alice: Person, bob: Person, tmp_path: Path
) -> None:
    room_id = (await make_room(bob, "Den", "private"))["id"]
    of_room, of_bob = await put(bob, f"/rooms/{room_id}/avatar"), await put(bob)
    of_alice = await put(alice)
    await until_kept(tmp_path, 6)
    assert (await bob.http.delete(f"/rooms/{room_id}")).status_code == 204
    await until_kept(tmp_path, 4)
    erased = await bob.http.request("DELETE", "/users/me", json={"password": PASSWORD})
    assert erased.status_code == 204
    await until_kept(tmp_path, 2)
    answers = [(await look(node, one)).status_code for one in (of_room, of_bob, of_alice)]
    assert answers == [404, 404, 200]


async def test_the_picture_of_a_room_outlives_who_set_it(node: Node, alice: Person, bob: Person) -> None:
    room_id = (await make_room(bob, "Den", "public"))["id"]
    assert (await alice.http.post(f"/rooms/{room_id}/join")).status_code == 200
    avatar = await put(bob, f"/rooms/{room_id}/avatar")
    await bob.http.request("DELETE", "/users/me", json={"password": PASSWORD})

    async def is_gone() -> bool:
        return (await alice.http.get(f"/users/{bob.id}")).status_code == 404

    await eventually(is_gone)
    assert (await look(node, avatar)).status_code == 200


async def test_a_picture_is_no_file_of_a_message(node: Node, alice: Person) -> None:
    room_id = (await make_room(alice, "Den", "private"))["id"]
    for path in (MINE, f"/rooms/{room_id}/avatar"):
        avatar = await put(alice, path)
        assert (await send(alice, avatar, room_id=room_id)).json()["code"] == "bad_file"
        assert (await alice.http.post("/files/urls", json={"file_ids": [avatar]})).status_code == 404
        for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("PUT", "/alt")):
            answer = await alice.http.request(method, f"/files/{avatar}{more}", json={"alt": "a"})
            assert answer.status_code == 404, method
        assert (await look(node, avatar)).status_code == 200
    assert (await alice.http.get(f"/rooms/{room_id}/files")).json()["items"] == []
    file_id = (await upload(alice, CAT, "cat.png"))["file_id"]
    assert (await look(node, file_id)).status_code == 404


@pytest.mark.parametrize(
    ("picture", "headers", "code"),
    [
        (b"", {}, "bad_file"),
        (b"a few words", {}, "bad_file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {"Content-Type": "image/svg+xml"}, "bad_file"),
        (b"<html><script>alert(1)</script>", {"Content-Type": "image/png"}, "bad_file"),
        (CAT[: len(CAT) // 2], {}, "bad_file"),
        (b"GIF89a" + CAT, {}, "bad_file"),
        (CAT, {"Content-Encoding": "gzip"}, "unsupported_media_type"),
        (b"\0" * (16 * 1024 * 1024 + 1), {}, "too_large"),
    ],
)
async def test_what_is_no_picture_is_refused_and_nothing_of_it_is_kept(
    sqlite_node: Node, tmp_path: Path, picture: bytes, headers: dict[str, str], code: str
) -> None:
    alice = await sqlite_node.sign_up("alice")
    before = await put(alice)
    answer = await alice.http.put(MINE, content=picture, headers=headers)
    assert answer.json()["code"] == code
    await until_kept(tmp_path, 2)
    assert (await alice.http.get("/users/me")).json()["avatar"] == before


async def test_a_picture_says_how_long_it_is(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")

    async def chunks() -> AsyncIterator[bytes]:
        yield CAT

    answer = await alice.http.put(MINE, content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("address", ["/avatars/x/96", f"/avatars/{'a' * 22}/96", "/avatars/%00/384"])
async def test_an_unknown_picture_is_not_found(sqlite_node: Node, address: str) -> None:
    assert (await sqlite_node.client().get(address)).status_code == 404


@pytest.mark.parametrize("size", ["0", "97", "x", "1e2"])
async def test_there_are_no_other_sizes(sqlite_node: Node, size: str) -> None:
    avatar = await put(await sqlite_node.sign_up("alice"))
    answer = await sqlite_node.client().get(f"/avatars/{avatar}/{size}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.settings(user_files_mib=1)
async def test_a_picture_counts_to_the_quota_of_its_user(sqlite_node: Node) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    await upload(alice, b"x" * (1024 * 1024 - 100), "full.bin")
    answer = await alice.http.put(MINE, content=CAT)
    assert (answer.status_code, answer.json()["code"]) == (507, "quota")
    await put(bob)


@pytest.mark.settings(files="off")
async def test_where_there_are_no_files_there_are_no_pictures(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    for answer in (
        await alice.http.put(MINE, content=CAT),
        await alice.http.delete(MINE),
        await look(sqlite_node, "a" * 22),
    ):
        assert answer.status_code == 404


async def test_an_administrator_takes_a_picture_away_and_the_audit_log_says_so(
    node: Node, store_url: str, bob: Person
) -> None:
    admin = await node.sign_up("ada")
    await make_admin(store_url, admin)
    avatar = await put(bob)
    path = f"/admin/users/{bob.id}/avatar"
    assert (await bob.http.delete(path)).status_code == 404
    assert (await admin.http.delete(path)).status_code == 204
    assert (await look(node, avatar)).status_code == 404
    noted = (await admin.http.get("/admin/audit?event=avatar_removed")).json()["items"]
    assert [(one["actor_id"], one["subject_id"]) for one in noted] == [(admin.id, bob.id)]
    assert (await admin.http.delete("/admin/users/nobody/avatar")).status_code == 404


async def test_a_picture_that_is_set_at_one_node_is_shown_by_the_other(
    store_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        store=store_url,
        signup="open",
        files=str(tmp_path / "tailwire.files"),
        files_shared=True,
        search=False,
    )
    async with running(settings) as one, running(settings) as other:
        alice = await one.sign_up("alice")
        room_id = (await make_room(alice, "Den", "private"))["id"]
        async with alice.socket(node=other) as socket:
            await socket.call(type="subscribe", room_id=room_id)
            mine = await put(alice)
            assert (await socket.until(type="user"))["avatar"] == mine
            of_room = await put(alice, f"/rooms/{room_id}/avatar")
            assert (await socket.until(type="room"))["avatar"] == of_room
        for avatar in (mine, of_room):
            assert shown(await look(other, avatar)) == shown(await look(one, avatar))


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with s3_server() as started:
        yield started


async def test_pictures_are_kept_in_s3_as_in_a_folder(tmp_path: Path, s3: S3Server) -> None:
    settings = Settings(
        store=f"sqlite:///{tmp_path / 'tailwire.db'}",
        signup="open",
        files=f"s3://{s3.bucket()}",
        files_endpoint=s3.endpoint,
        files_region="us-east-1",
        files_key_id=s3.access.key_id,
        files_key=s3.access.key,
    )
    async with running(settings) as node:
        alice = await node.sign_up("alice")
        first = await put(alice)
        assert shown(await look(node, first, 384)) == ("WEBP", (384, 384), False)
        await put(alice, picture=DOG)
        assert (await look(node, first)).status_code == 404
    assert kept(tmp_path) == []
