"""Everything else that a client asks of a server, said to a real one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conftest import QUICK, MakeClient
from tailwire_client import (
    Banned,
    Client,
    Deleted,
    Forbidden,
    Invalid,
    Live,
    MemberEntry,
    Membership,
    Message,
    MessageEntry,
    NotFound,
    Place,
    Position,
    Presence,
    Read,
    Restored,
    RoomEntry,
    Session,
    Stream,
    Typing,
    Unauthorized,
    UsernameTaken,
    sign_up,
)
from tests.node import NOBODY, PASSWORD, Node

pytestmark = pytest.mark.anyio

SECONDS = 20.0


async def heard(stream: Stream, kind: type) -> object:
    """Return the next event of this type."""
    async with asyncio.timeout(SECONDS):
        async for event in stream:
            if isinstance(event, kind):
                return event
    raise AssertionError


async def test_messages_are_sent_changed_and_found(ada: Client) -> None:
    sent = [await ada.send("lobby", f"body {number}") for number in range(5)]
    first, *_, last = sent
    page = await ada.messages.newest("lobby", limit=2)
    assert ([one.body for one in page.items], page.has_more_before) == (["body 3", "body 4"], True)
    page = await ada.messages.before("lobby", page.items[0].seq, limit=10)
    assert ([one.body for one in page.items], page.has_more_before) == (["body 0", "body 1", "body 2"], False)
    page = await ada.messages.after("lobby", first.seq, limit=2)
    assert ([one.body for one in page.items], page.has_more_after) == (["body 1", "body 2"], True)
    page = await ada.messages.around("lobby", sent[2].seq, limit=3)
    assert [one.body for one in page.items] == ["body 1", "body 2", "body 3"]
    assert (page.has_more_before, page.has_more_after, page.items[0].epoch) == (True, True, page.epoch)
    assert [one.body async for one in ada.messages.history("lobby")] == [f"body {n}" for n in (4, 3, 2, 1, 0)]

    epoch = page.epoch
    edited = await ada.messages.edit("lobby", last.seq, "edited", epoch=epoch)
    assert (edited.body, edited.edited_at is not None, edited.epoch) == ("edited", True, epoch)
    edits = await ada.messages.edits("lobby", last.seq)
    assert (edits.original and edits.original.body, [one.body for one in edits.items]) == (
        "body 4",
        ["edited"],
    )
    assert (await ada.messages.react("lobby", last.seq, "👍", epoch=epoch)).reactions[0].count == 1
    assert [one.username async for one in ada.messages.reactors("lobby", last.seq, "👍")] == ["ada"]
    assert (await ada.messages.unreact("lobby", last.seq, "👍", epoch=epoch)).reactions == ()
    reply = await ada.send("lobby", "reply", reply_to=last.seq, epoch=epoch)
    assert [one.seq async for one in ada.messages.thread("lobby", last.seq)] == [reply.seq]
    await ada.messages.delete("lobby", last.seq, epoch=epoch)
    await ada.messages.delete("lobby", last.seq, epoch=epoch)
    assert (await ada.messages.get("lobby", last.seq)).deleted
    with pytest.raises(Deleted):
        await ada.messages.edit("lobby", last.seq, "too late", epoch=epoch)
    with pytest.raises(NotFound):
        await ada.messages.get("lobby", 999)
    with pytest.raises(Restored):
        await ada.messages.delete("lobby", first.seq, epoch="another")
    await ada.messages.read_up_to("lobby", last.seq, epoch=epoch)
    assert (await ada.rooms.get("lobby")).read_seq == last.seq


async def test_the_log_is_read_from_a_position_to_its_end(ada: Client) -> None:
    for number in range(3):
        await ada.send("lobby", f"body {number}")
    entries = [one async for one in ada.messages.log("lobby")]
    assert [one.seq for one in entries] == [1, 2, 3, 4]
    assert [type(one) for one in entries] == [MemberEntry, MessageEntry, MessageEntry, MessageEntry]
    rest = [one async for one in ada.messages.log("lobby", entries[1].position)]
    assert [one.seq for one in rest] == [3, 4]
    assert [one async for one in ada.messages.log("lobby", entries[-1].position)] == []
    with pytest.raises(Restored):
        _ = [one async for one in ada.messages.log("lobby", Position("another", 1))]


async def test_rooms_are_made_changed_joined_and_deleted(ada: Client, bob: Client) -> None:
    room = await ada.rooms.create("Garden", "public", topic="roses")
    assert (room.role, room.topic, room.kind) == ("owner", "roses", "room")
    assert [one.id async for one in bob.rooms.public("gard")] == [room.id]
    assert (await bob.rooms.join(room.id)).role == "member"
    assert {one.id async for one in bob.rooms.mine()} == {"lobby", room.id}
    assert [one.id for one in await bob.rooms.some([room.id, "nowhere"])] == [room.id]
    assert await bob.rooms.some([]) == ()
    changed = await ada.rooms.change(room.id, topic="tulips", slow_seconds=5)
    assert (changed.topic, changed.slow_seconds, changed.name) == ("tulips", 5, "Garden")
    with pytest.raises(Forbidden):
        await bob.rooms.change(room.id, name="Mine")
    until = datetime.now(UTC) + timedelta(hours=1)
    await bob.rooms.notify(room.id, "all", muted_until=until)
    await bob.rooms.put(room.id, Place(favourite=True, section="Plants"))
    mine = await bob.rooms.get(room.id)
    assert (mine.notify and mine.notify.level, mine.place) == ("all", Place(True, "Plants", False))
    assert mine.notify is not None and mine.notify.muted_until is not None  # noqa: PT018
    assert abs(mine.notify.muted_until - until) < timedelta(seconds=1)
    await bob.rooms.leave(room.id)
    await ada.rooms.delete(room.id)
    with pytest.raises(NotFound):
        await ada.rooms.get(room.id)


async def test_people_are_let_in_governed_and_kept_out(ada: Client, bob: Client) -> None:
    room = await ada.rooms.create("Garden", "public")
    him = await bob.account.me()
    assert (await ada.members.set(room.id, him.id, "moderator")).role == "moderator"
    assert [one.username async for one in ada.members.of(room.id, "bo")] == ["bob"]
    await ada.members.ban(room.id, him.id, reason="weeds")
    assert [(one.user.username, one.reason) async for one in ada.members.bans(room.id)] == [("bob", "weeds")]
    with pytest.raises(Banned):
        await bob.rooms.join(room.id)
    await ada.members.unban(room.id, him.id)
    invite = await ada.invites.create(room.id, max_uses=2)
    assert invite.code is not None
    assert invite.code not in repr(invite)
    assert (await bob.invites.preview(invite.code)).room_name == "Garden"
    assert (await bob.invites.accept(invite.code)).id == room.id
    assert [one.uses_left async for one in ada.invites.of(room.id)] == [1]
    await ada.invites.end(room.id, invite.invite_id)
    with pytest.raises(Invalid) as caught:
        await bob.invites.preview(invite.code)
    assert caught.value.code == "bad_invite"
    await ada.members.remove(room.id, him.id)
    assert [one.username async for one in ada.members.of(room.id)] == ["ada"]


async def test_direct_rooms_are_the_same_whoever_opens_them(
    ada: Client, bob: Client, server: Node, make_client: MakeClient
) -> None:
    eve = await make_client(server.url, "eve")
    a, b, e = [(await one.account.me()).id for one in (ada, bob, eve)]
    assert (await ada.rooms.direct(b)).id == (await bob.rooms.direct(a)).id
    three = await eve.rooms.direct(a, b)
    assert {one.id for one in three.users} == {a, b, e}
    await bob.account.block(a)
    assert [one.id async for one in bob.account.blocked()] == [a]
    with pytest.raises(Forbidden):
        await ada.rooms.direct(b)
    await bob.account.unblock(a)
    await ada.rooms.direct(b)


async def test_bots_and_tokens_are_made_used_and_ended(
    ada: Client, server: Node, make_client: MakeClient
) -> None:
    bot = await ada.bots.create("robot", display_name="Robot")
    assert (bot.is_bot, [one.id async for one in ada.bots.mine()]) == (True, [bot.id])
    assert (await ada.bots.rename(bot.id, "Robby")).display_name == "Robby"
    token = await ada.tokens.create("mine", ["read"], expires_in=3600)
    assert token.token is not None
    assert token.token not in repr(token)
    reader = await make_client(server.url, credentials=token.token)
    assert (await reader.account.me()).username == "ada"
    with pytest.raises(Forbidden):
        await reader.send("lobby", "not with this scope")
    assert [one.name for one in await ada.tokens.all()] == ["mine"]
    await ada.tokens.end(token.token_id)
    assert (await ada.tokens.create("its", ["write"], bot=bot.id)).scopes == ("write",)
    assert len(await ada.tokens.all(bot=bot.id)) == 1
    await ada.bots.delete(bot.id)


async def test_the_account_is_changed_and_others_are_found(ada: Client, bob: Client) -> None:
    me = await ada.account.change(display_name="Ada Lovelace", status_text="away")
    assert (me.display_name, me.status_text, me.admin is not None) == ("Ada Lovelace", "away", True)
    assert [one.username async for one in bob.account.find("ad")] == ["ada"]
    seen = await bob.account.user(me.id)
    assert (seen.display_name, seen.online) == ("Ada Lovelace", False)


async def test_a_person_signs_up_logs_in_and_out(server: Node, make_client: MakeClient) -> None:
    await sign_up(server.url, "eve", PASSWORD, tls=NOBODY, trust_env=False)
    with pytest.raises(UsernameTaken):
        await sign_up(server.url, "eve", PASSWORD, tls=NOBODY, trust_env=False)
    eve = await make_client(server.url, credentials=Session("eve", PASSWORD, pace=QUICK))
    assert (await eve.account.me()).username == "eve"
    assert (await eve.server())["version"]
    await eve.account.log_out()
    wrong = await make_client(server.url, credentials=Session("eve", "not this one", pace=QUICK))
    with pytest.raises(Unauthorized):
        await wrong.account.me()


async def test_a_stream_of_all_rooms_takes_up_those_that_are_joined(ada: Client, bob: Client) -> None:
    him = await bob.account.me()
    async with bob.events() as stream:
        await heard(stream, Live)
        room = await ada.rooms.create("Garden", "private")
        await ada.members.set(room.id, him.id)
        membership = await heard(stream, Membership)
        assert isinstance(membership, Membership)
        assert (membership.room_id, membership.role) == (room.id, "member")
        await heard(stream, Live)
        await ada.rooms.change(room.id, topic="roses")
        changed = await heard(stream, RoomEntry)
        assert isinstance(changed, RoomEntry)
        assert (changed.room_id, changed.topic) == (room.id, "roses")


async def test_signals_come_by_a_stream(ada: Client, bob: Client) -> None:
    her = await ada.account.me()
    async with ada.events("lobby") as speaking, bob.events("lobby") as stream:
        await heard(speaking, Live)
        await heard(stream, Live)
        await speaking.typing("lobby")
        typing = await heard(stream, Typing)
        assert isinstance(typing, Typing)
        assert (typing.username, typing.room_id) == ("ada", "lobby")
        await stream.watch(her.id)
        assert await heard(stream, Presence) == Presence(her.id, True)
        sent = await ada.send("lobby", "read this")
        await ada.messages.read_up_to("lobby", sent.seq, epoch=sent.epoch)
        read = await heard(stream, Read)
        assert isinstance(read, Read)
        assert (read.username, read.read_seq) == ("ada", sent.seq)


async def test_mentions_and_pins_are_listed(ada: Client, bob: Client) -> None:
    room = await ada.rooms.create("Garden", "public")
    await bob.rooms.join(room.id)
    sent = await ada.send(room.id, "Hello @bob")
    assert [one.seq async for one in bob.messages.mentions()] == [sent.seq]
    pinned = await ada.messages.pin(room.id, sent.seq, epoch=sent.epoch)
    assert isinstance(pinned, Message)
    assert [one.seq for one in await bob.messages.pins(room.id)] == [sent.seq]
    await ada.messages.unpin(room.id, sent.seq, epoch=sent.epoch)
    assert await bob.messages.pins(room.id) == ()
    assert (await ada.messages.remove_previews(room.id, sent.seq, epoch=sent.epoch)).previews == ()
    await bob.messages.report(room.id, sent.seq, "spam", epoch=sent.epoch)
