"""Previews of links: what is behind a link in a message is shown with it, and goes with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from api.jobs import previews
from tests.bad_inputs.answers import is_error
from tests.conftest import settings_of
from tests.files.hostile import written
from tests.links.site import Site, answer, meta, page, redirect, serving
from tests.node import Node, Person, eventually, running
from tests.rooms.test_attachments import kept, upload, url_of

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.settings(link_previews=True, link_preview_allow="127.0.0.1/32", unsent_file_hours=1),
]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A web site on this machine."""
    async with serving() as started:
        yield started


async def send(person: Person, body: str, room_id: str = "lobby", **more: Any) -> int:
    ref = f"r{hash(body)}"
    answer = await person.http.post(f"/rooms/{room_id}/messages", json={"ref": ref, "body": body, **more})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["seq"])


async def message(person: Person, seq: int, room_id: str = "lobby") -> Any:
    answer = await person.http.get(f"/rooms/{room_id}/messages/{seq}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until_shown(person: Person, seq: int, *titles: str, room_id: str = "lobby") -> list[Any]:
    """Wait until a message has previews with these titles, and return them."""

    async def is_so() -> bool:
        found = (await message(person, seq, room_id))["previews"]
        return [one["title"] for one in found] == [*titles]

    await eventually(is_so, seconds=30)
    found: list[Any] = (await message(person, seq, room_id))["previews"]
    return found


async def until_handled(person: Person, site: Site) -> None:
    """Wait until all that was written before has been looked at: what is sent now is shown."""
    path = f"/after/{len(site.answers)}"
    site.answers[path] = page(title="after")
    await until_shown(person, await send(person, f"{site.url}{path}"), "after")


async def test_a_message_gets_a_preview_of_its_link_by_an_entry_of_the_log(
    node: Node, alice: Person, bob: Person, site: Site
) -> None:
    site.answers["/a"] = page(
        title="x", head=meta(title="A &lt;cat&gt;", description="It sleeps.", site_name="Cats")
    )
    async with bob.socket() as socket:
        await socket.call(type="subscribe", room_id="lobby")
        seq = await send(alice, f"look: {site.url}/a")
        event = await socket.until(type="preview")
    preview = {
        "url": f"{site.url}/a",
        "title": "A <cat>",
        "description": "It sleeps.",
        "site_name": "Cats",
        "picture": None,
    }
    assert (event["target"], event["user_id"], event["previews"]) == (seq, alice.id, [preview])
    assert (await message(bob, seq))["previews"] == [preview]
    log = (await bob.http.get("/rooms/lobby/log", params={"after": seq})).json()["items"]
    assert [one["type"] for one in log] == ["preview"]
    unread = (await bob.http.get("/rooms", params={"ids": "lobby"})).json()["items"][0]
    assert unread["unread_count"] == 1


async def test_the_picture_of_a_page_is_a_small_file_of_this_server_that_goes_with_the_message(
    node: Node, alice: Person, bob: Person, site: Site, tmp_path: Path
) -> None:
    site.answers["/a"] = page(title="A cat", head=meta(image="/cat.png") + meta(**{"image:alt": "asleep"}))
    site.answers["/cat.png"] = answer(written("PNG", Image.new("RGB", (1_600, 900), "teal")), "image/png")
    seq = await send(alice, f"{site.url}/a")
    (preview,) = await until_shown(bob, seq, "A cat")
    picture = preview["picture"]
    assert (picture["type"], picture["width"], picture["height"]) == ("image/webp", 720, 405)
    assert (picture["alt"], picture["has_thumb"], bool(picture["blur"])) == ("asleep", True, True)
    url = await url_of(bob, picture["file_id"], thumb=True)
    shown = await bob.http.get(url)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert len(shown.content) == picture["size"]
    assert (await bob.http.get("/rooms/lobby/files")).json()["items"] == []
    assert (await alice.http.delete(f"/rooms/lobby/messages/{seq}")).status_code == 204
    assert (await bob.http.get(url)).status_code == 404

    async def is_gone() -> bool:
        return not kept(tmp_path)

    await eventually(is_gone, seconds=30)
    log = (await bob.http.get("/rooms/lobby/log", params={"after": seq})).text
    assert "cat" not in log


async def test_a_link_to_a_picture_shows_the_picture(
    node: Node, alice: Person, site: Site, tmp_path: Path
) -> None:
    site.answers["/my%20cat.png"] = answer(written("PNG"), "image/png")
    seq = await send(alice, f"{site.url}/my%20cat.png")
    (preview,) = await until_shown(alice, seq, "my cat.png")
    assert preview["picture"]["has_thumb"]


async def test_an_edit_takes_previews_away_and_brings_others(
    node: Node, alice: Person, site: Site, tmp_path: Path
) -> None:
    site.answers |= {"/a": page(title="A", head=meta(image="/p")), "/b": page(title="B")}
    site.answers["/p"] = answer(written("PNG"), "image/png")
    seq = await send(alice, f"{site.url}/a {site.url}/b")
    await until_shown(alice, seq, "A", "B")
    place = f"/rooms/lobby/messages/{seq}"
    edited = await alice.http.patch(place, json={"ref": "e1", "body": f"only {site.url}/b"})
    assert [one["title"] for one in edited.json()["previews"]] == ["B"]

    async def is_gone() -> bool:
        return not kept(tmp_path)

    await eventually(is_gone, seconds=30)
    site.answers["/c"] = page(title="C")
    await alice.http.patch(place, json={"ref": "e2", "body": f"{site.url}/c and {site.url}/b"})
    await until_shown(alice, seq, "C", "B")
    await alice.http.patch(place, json={"ref": "e3", "body": f"`{site.url}/c` <{site.url}/b>"})
    await until_shown(alice, seq)
    assert site.asked.count("/b") == 1


async def test_previews_that_were_taken_away_do_not_come_again(
    node: Node, alice: Person, bob: Person, site: Site
) -> None:
    site.answers |= {"/a": page(title="A"), "/b": page(title="B")}
    seq = await send(alice, f"{site.url}/a")
    await until_shown(bob, seq, "A")
    place = f"/rooms/lobby/messages/{seq}"
    assert (await bob.http.delete(f"{place}/previews")).status_code == 403
    removed = await alice.http.delete(f"{place}/previews")
    assert (removed.status_code, removed.json()["previews"]) == (200, [])
    assert (await alice.http.delete(f"{place}/previews")).status_code == 200
    await alice.http.patch(place, json={"ref": "e1", "body": f"{site.url}/a {site.url}/b"})
    await until_handled(alice, site)
    assert (await message(bob, seq))["previews"] == []
    assert "/b" not in site.asked


async def test_whoever_may_delete_a_message_may_take_its_previews_away(
    node: Node, alice: Person, bob: Person, site: Site
) -> None:
    room_id = (await alice.http.post("/rooms", json={"name": "Den", "visibility": "public"})).json()["id"]
    await bob.http.post(f"/rooms/{room_id}/join")
    site.answers["/a"] = page(title="A")
    seq = await send(bob, f"{site.url}/a", room_id)
    await until_shown(alice, seq, "A", room_id=room_id)
    place = f"/rooms/{room_id}/messages/{seq}/previews"
    assert (await alice.http.delete(place)).json()["previews"] == []
    assert (await alice.http.delete(f"/rooms/{room_id}/messages/999/previews")).status_code == 404
    assert (await alice.http.delete(place, params={"epoch": "another"})).status_code == 409


async def test_previews_are_taken_away_by_a_command_that_may_be_sent_again(
    node: Node, alice: Person, bob: Person, site: Site
) -> None:
    site.answers["/a"] = page(title="A")
    seq = await send(alice, f"{site.url}/a")
    await until_shown(bob, seq, "A")
    command = {"type": "remove_previews", "room_id": "lobby", "seq": seq}
    async with alice.socket() as socket, bob.socket() as listening, bob.socket() as meddling:
        await listening.call(type="subscribe", room_id="lobby")
        ack = await socket.call(**command, ref="v1")
        event = await listening.until(type="preview")
        assert (event["seq"], event["user_id"], event["removed"]) == (ack["seq"], alice.id, True)
        assert (await message(bob, seq))["previews"] == []
        assert await socket.call(**command, ref="v1") == ack
        assert (await socket.call(**command, ref="v2"))["seq"] > ack["seq"]
        is_error(await meddling.call(**command, ref="v3"), "forbidden")
        is_error(await socket.call(**command | {"type": "delete"}, ref="v1"), "ref_conflict")
        await socket.call(type="delete", room_id="lobby", seq=seq, ref="d1")
        is_error(await socket.call(**command, ref="v4"), "deleted")


async def test_of_two_nodes_one_fetches_each_link(
    store_url: str, request: pytest.FixtureRequest, tmp_path: Path, site: Site
) -> None:
    files = {"files": str(tmp_path / "tailwire.files"), "files_shared": True}
    settings = settings_of(request, store_url, **files)
    more = {} if store_url.startswith("sqlite:") else {"search_path": tmp_path / "other.search.db"}
    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(running(one))
            for one in (settings, settings.model_copy(update=more))
        ]
        people = [await node.sign_up(f"user{number}") for number, node in enumerate(nodes)]
        site.answers |= {f"/{n}": page(title=f"page {n}") for n in range(6)}
        seqs = [await send(people[n % 2], f"{site.url}/{n}") for n in range(6)]
        for person in people:
            for n, seq in enumerate(seqs):
                await until_shown(person, seq, f"page {n}")
        entries = (await people[0].http.get("/rooms/lobby/log", params={"limit": 500})).json()["items"]
    assert sorted(site.asked) == [f"/{n}" for n in range(6)]
    assert len([one for one in entries if one["type"] == "preview"]) == 6


@pytest.mark.parametrize("is_again", [False, True])
async def test_a_link_that_is_looked_at_when_a_node_ends_gets_its_preview_from_another(
    store_url: str, request: pytest.FixtureRequest, tmp_path: Path, site: Site, is_again: bool
) -> None:
    settings = settings_of(request, store_url, files=str(tmp_path / "tailwire.files"), files_shared=True)
    held = asyncio.Event()

    async def holds(writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.write(page(title="A"))

    site.answers |= {"/slow": holds, "/b": page(title="B")}
    async with running(settings) as first:
        alice = await first.sign_up("alice")
        seq = await send(alice, f"{site.url}/slow")
        await site.until_asked("/slow")
        later = await send(alice, f"{site.url}/b")  # its preview comes before that of the message before
        await until_shown(alice, later, "B")
        if is_again:
            await alice.http.patch(
                f"/rooms/lobby/messages/{seq}", json={"ref": "e1", "body": f"again {site.url}/slow"}
            )
    held.set()
    async with running(settings) as second:
        bob = await second.sign_up("bob")
        await until_shown(bob, seq, "A")
        await until_handled(bob, site)
        entries = (await bob.http.get("/rooms/lobby/log", params={"limit": 500})).json()["items"]
    targets = [one["target"] for one in entries if one["type"] == "preview"]
    assert (targets.count(seq), targets.count(later)) == (1, 1)
    assert (site.asked.count("/slow"), site.asked.count("/b")) == (2, 1)


@pytest.mark.parametrize(
    "how", ["{}/no", "`{}/a`", "<{}/a>", "```\n{}/a\n```", "{}/far", "http://127.0.0.2/"]
)
async def test_there_is_nothing_to_show(sqlite_node: Node, site: Site, how: str) -> None:
    alice = await sqlite_node.sign_up("alice")
    site.answers["/a"] = page(title="A")
    async with serving("127.0.0.2") as other:
        site.answers["/far"] = redirect(f"{other.url}/")
        other.answers["/"] = page(title="private")
        seq = await send(alice, how.format(site.url))
        await until_handled(alice, site)
        assert other.asked == []
    assert (await message(alice, seq))["previews"] == []
    assert "/a" not in site.asked


async def test_a_message_has_previews_of_three_links_at_most(sqlite_node: Node, site: Site) -> None:
    alice = await sqlite_node.sign_up("alice")
    site.answers |= {f"/{n}": page(title=f"page {n}") for n in range(5)}
    seq = await send(alice, " ".join(f"{site.url}/{n}" for n in range(5)))
    await until_shown(alice, seq, "page 0", "page 1", "page 2")
    assert sorted(site.asked) == ["/0", "/1", "/2"]


async def test_a_link_is_fetched_once_however_many_write_it(sqlite_node: Node, site: Site) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    site.answers["/a"] = page(title="A")
    seqs = [await send(person, f"{number} {site.url}/a") for person in (alice, bob) for number in range(3)]
    for seq in seqs:
        await until_shown(alice, seq, "A")
    assert site.asked == ["/a"]


async def test_one_user_cannot_keep_the_server_busy_with_links(sqlite_node: Node, site: Site) -> None:
    alice, bob = await sqlite_node.sign_up("alice"), await sqlite_node.sign_up("bob")
    held = asyncio.Event()

    async def holds(writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.write(page(title="slow"))
        await writer.drain()

    site.answers |= {f"/slow/{n}": holds for n in range(20)}
    site.answers["/quick"] = page(title="quick")
    for n in range(20):
        await send(alice, f"{site.url}/slow/{n}")
    async with serving("127.0.0.1") as other:
        other.answers["/quick"] = page(title="quick")
        await until_shown(bob, await send(bob, f"http://localhost:{other.port}/quick"), "quick")
    assert len([path for path in site.asked if path.startswith("/slow")]) <= previews.MOST_OF_A_USER
    held.set()
    text = (await sqlite_node.client().get("/metrics")).text
    assert 'tailwire_links_total{outcome="busy"} 10.0' in text


async def test_a_picture_in_a_preview_is_no_file_that_its_author_can_send(
    sqlite_node: Node, site: Site, tmp_path: Path
) -> None:
    alice = await sqlite_node.sign_up("alice")
    site.answers["/a.png"] = answer(written("PNG"), "image/png")
    seq = await send(alice, f"{site.url}/a.png")
    (preview,) = await until_shown(alice, seq, "a.png")
    file_id = preview["picture"]["file_id"]
    body = {"ref": "again", "body": "", "files": [file_id]}
    assert (await alice.http.post("/rooms/lobby/messages", json=body)).status_code == 422
    assert (await alice.http.delete(f"/files/{file_id}")).status_code == 404
    exported = (await alice.http.get("/users/me/export")).text
    assert '"type":"file"' not in exported.replace(" ", "")
    await upload(alice)
    assert len((await alice.http.get("/users/me/export")).text) > len(exported)


@pytest.mark.settings(link_previews=False)
async def test_nothing_is_fetched_unless_it_is_switched_on(sqlite_node: Node, site: Site) -> None:
    alice = await sqlite_node.sign_up("alice")
    await send(alice, f"{site.url}/a")
    tasks = (await sqlite_node.client().get("/metrics")).text
    assert "previews" not in tasks
    assert site.asked == []
