"""Who was away while messages changed in every way ends equal to who stayed, on two nodes and on each store."""

from typing import Final

import pytest

from api.models.rooms import Role
from tests.changing import Changing
from tests.faults.fold import Timeline
from tests.node import Event, Person, Socket, is_entry
from tests.rooms.test_message_changes import read, two_nodes
from tests.rooms.test_policy import give
from tests.rooms.test_rooms import make_room, seen_room

pytestmark = pytest.mark.anyio

EMPTY: Final = {"body": "", "ref": None}


class Reader:
    """A client that keeps the messages of a room by nothing but a page of its history and the entries after it."""

    def __init__(self, page: Event) -> None:
        self.entries: list[Event] = []
        self.timeline = Timeline(is_loading=True)
        self.timeline.load(page["items"])

    async def hear(self, socket: Socket, last: int) -> None:
        """Apply what comes, up to the seq `last`."""
        while not self.entries or self.entries[-1]["seq"] < last:
            event = await socket.receive()
            if is_entry(event):
                self.entries.append(event)
                self.timeline.apply(event)


def erased(entries: list[Event]) -> list[Event]:
    """Return entries as they are when all of them are known: a delete has erased what was said before."""
    deleted = {entry["target"] for entry in entries if entry["type"] == "delete"}
    return [
        {name: EMPTY.get(name, value) for name, value in entry.items() if name != "mentions"}
        if entry["type"] in {"message", "edit"} and entry.get("target", entry["seq"]) in deleted
        else entry
        for entry in entries
    ]


async def test_who_was_away_while_all_was_changed_ends_equal_to_who_stayed(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        olga, mark, nora = await one.sign_up("olga"), await other.sign_up("mark"), await other.sign_up("nora")
        room_id = (await make_room(olga, "Den", "private"))["id"]
        for person in (mark, nora):
            await give(olga, room_id, person, Role.MEMBER)
        changing = Changing(olga, mark, nora, room_id)
        seqs = await changing.begin()
        path = f"/rooms/{room_id}"
        page = await read(nora, f"{path}/messages")
        position = {"epoch": page["epoch"], "seq": (await seen_room(nora, room_id))["seq"]}
        await nora.http.put(f"{path}/read", json={"seq": position["seq"]})
        stayed, was_away = Reader(page), Reader(page)
        async with nora.socket(node=one) as socket:
            await socket.call(type="subscribe", room_id=room_id, since=position)
            await changing.change(seqs)
            head = (await seen_room(olga, room_id))["seq"]
            await stayed.hear(socket, head)
        async with nora.socket(node=other) as socket:
            await socket.call(type="subscribe", room_id=room_id, since=position)
            await was_away.hear(socket, head)
            assert (await socket.until(type="live"))["seq"] == head
        assert was_away.entries == erased(stayed.entries)
        assert was_away.timeline.messages() == stayed.timeline.messages()
        for node in (one, other):
            nora.http = node.client(Authorization=f"Bearer {nora.access_token}")
            await require_equal(nora, room_id, was_away, position["seq"])


async def require_equal(person: Person, room_id: str, reader: Reader, read_seq: int) -> None:
    """Require that a node says of the room what the reader makes of it, whose person has read up to `read_seq`."""
    path = f"/rooms/{room_id}"
    shown: dict[int, Event] = {one["seq"]: {"room_id": room_id} | one for one in reader.timeline.messages()}
    assert (await read(person, f"{path}/messages"))["items"] == [*shown.values()]
    assert (await read(person, f"{path}/log", after=read_seq))["items"] == reader.entries
    assert (await read(person, f"{path}/pins"))["items"] == [shown[seq] for seq in reader.timeline.pins()]
    for seq, message in shown.items():
        replies = [one for one in shown.values() if one["thread"] == seq]
        assert (await read(person, f"{path}/messages/{seq}/thread"))["items"] == replies
        for reaction in message["reactions"]:
            reactors = await read(person, f"{path}/messages/{seq}/reactions/{reaction['emoji']}")
            assert [one["user_id"] for one in reactors["items"]] == reaction["user_ids"]
    others = [one for one in shown.values() if one["user_id"] != person.id and not one["deleted"]]
    mentioning = [one for one in others if one["mentions_all"] or person.id in one["mentions"]]
    assert (await read(person, "/mentions"))["items"] == mentioning[::-1]
    unread = [one for one in others if one["seq"] > read_seq]
    room = await seen_room(person, room_id)
    assert room["unread_count"] == len(unread)
    assert room["mention_count"] == len([one for one in mentioning if one in unread])
    assert room["first_unread_seq"] == unread[0]["seq"]
