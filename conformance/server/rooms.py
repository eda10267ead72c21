"""Rules of rooms: who may do what, and how a room ends."""

import asyncio
from typing import Final

from conformance.server.bench import Bench, eventually, expect, unique


async def roles(bench: Bench) -> None:
    """Readers read, members write, owners decide; a role that was taken away outlives leaving."""
    room_id = await bench.room(bench.bob)
    member = f"/rooms/{room_id}/members/{bench.bob.id}"
    place = f"/rooms/{room_id}/messages"
    await bench.bob.refused(403, "forbidden", "PATCH", f"/rooms/{room_id}", json={"name": "Mine"})
    await bench.bob.refused(403, "forbidden", "DELETE", f"/rooms/{room_id}")
    await bench.ada.done("PUT", member, json={"role": "reader"})
    await bench.bob.refused(403, "forbidden", "POST", place, json={"ref": unique(), "body": "No"})
    await bench.bob.get(place)
    async with bench.listening(bench.bob, room_id) as socket:
        await socket.refused("forbidden", type="send", room_id=room_id, body="No")
        await bench.ada.done("PUT", member, json={"role": "moderator"})
        await socket.event("membership", room_id=room_id, role="moderator", reason="role")
        entry = await socket.until(
            lambda one: one["type"] == "member" and one["role"] == "moderator", "an entry `member`"
        )
        expect(entry["user_id"] == bench.bob.id, "it is about the member", dict(entry))


async def joining(bench: Bench) -> None:
    """A public room is found and joined, left, and joined again."""
    room_id = await bench.room(visibility="public")
    joined = await bench.bob.done("POST", f"/rooms/{room_id}/join")
    expect(joined["role"] == "member", "who joins is a member", joined)
    await bench.bob.done("POST", f"/rooms/{room_id}/leave")
    answer = await bench.bob.ask("POST", f"/rooms/{room_id}/messages", json={"ref": unique(), "body": "x"})
    expect(answer.status_code in {403, 404}, "who has left does not write", answer.status_code)
    await bench.bob.done("POST", f"/rooms/{room_id}/join")
    roles_told = [one["role"] for one in await bench.log(bench.bob, room_id) if one["type"] == "member"]
    expect(roles_told == ["owner", "member", None, "member"], "the log tells who came and went", roles_told)


async def bans(bench: Bench) -> None:
    """Who is banned is out, and cannot come back before the ban is ended."""
    bench.needs("bans")
    room_id = await bench.room(bench.bob, visibility="public")
    ban = f"/rooms/{room_id}/bans/{bench.bob.id}"
    async with bench.listening(bench.bob, room_id) as socket:
        await bench.ada.done("PUT", ban)
        await socket.event("membership", room_id=room_id, role=None, reason="banned")
    await bench.bob.refused(403, "banned", "POST", f"/rooms/{room_id}/join")
    await bench.bob.refused(403, "banned", "GET", f"/rooms/{room_id}/messages")
    member = f"/rooms/{room_id}/members/{bench.bob.id}"
    await bench.ada.refused(409, "banned", "PUT", member, json={"role": "member"})
    await bench.ada.done("DELETE", ban)
    await bench.bob.done("POST", f"/rooms/{room_id}/join")


async def invites(bench: Bench) -> None:
    """An invite lets in as many as it says; a retry uses nothing up; one that is used up is like none."""
    bench.needs("invites")
    room_id = await bench.room()
    invite = await bench.ada.done("POST", f"/rooms/{room_id}/invites", json={"max_uses": 1})
    accept = f"/invites/{invite['code']}/accept"
    for _ in range(2):
        room = await bench.bob.done("POST", accept)
        expect((room["id"], room["role"]) == (room_id, "member"), "who accepts is a member", room)
    await bench.eve.refused(422, "bad_invite", "POST", accept)
    await bench.eve.refused(422, "bad_invite", "POST", f"/invites/{unique()}/accept")


async def direct(bench: Bench) -> None:
    """A direct room is the one room of its people, whoever opens it, at once too."""
    bench.needs("direct")
    rooms = await asyncio.gather(
        bench.ada.done("PUT", f"/direct/{bench.bob.id}"), bench.bob.done("PUT", f"/direct/{bench.ada.id}")
    )
    ids = {one["id"] for one in rooms}
    expect(len(ids) == 1, "both are given the same room", ids)
    people = {one["id"] for one in rooms[0]["users"]}
    expect(people == {bench.ada.id, bench.bob.id}, "`users` are its people", rooms[0]["users"])
    await bench.eve.refused(404, "not_found", "GET", f"/rooms/{rooms[0]['id']}")


async def archived(bench: Bench) -> None:
    """Nobody writes to an archived room, everybody reads it, and its owner takes it back."""
    bench.needs("room_settings")
    room_id = await bench.room(bench.bob)
    place = f"/rooms/{room_id}/messages"
    await bench.ada.done("PATCH", f"/rooms/{room_id}", json={"archived": True})
    for person in (bench.ada, bench.bob):
        await person.refused(403, "archived", "POST", place, json={"ref": unique(), "body": "No"})
    await bench.bob.get(place)
    await bench.ada.done("PATCH", f"/rooms/{room_id}", json={"archived": False})
    await bench.send(bench.bob, room_id, "Yes")


async def deleted_room(bench: Bench) -> None:
    """A room that was deleted is gone on every road, and its members are told."""
    bench.needs("room_settings")
    room_id = await bench.room(bench.bob)
    async with bench.listening(bench.bob, room_id) as socket:
        await bench.ada.done("DELETE", f"/rooms/{room_id}")
        await socket.event("membership", room_id=room_id, role=None, reason="deleted")
        await socket.refused("not_found", type="subscribe", room_id=room_id)
        await socket.refused("not_found", type="send", room_id=room_id, body="x")
    for person in (bench.ada, bench.bob):
        for path in (f"/rooms/{room_id}", f"/rooms/{room_id}/messages", f"/rooms/{room_id}/log"):
            await person.refused(404, "not_found", "GET", path)

    async def is_listed_nowhere() -> bool:
        return not (await bench.bob.get("/rooms", params={"ids": room_id}))["items"]

    await eventually(is_listed_nowhere, "no list has the room")


CHECKS: Final = (roles, joining, bans, invites, direct, archived, deleted_room)
