"""Rules of a socket: who is let in, what a command is, how it is closed."""

import asyncio
from typing import Any, Final

from conformance.server.bench import Bench, expect, unique
from conformance.server.people import Person

BAD_TOKEN: Final = 4401
SAME_AS: Final = {"bad_json": "bad_envelope", "extra_forbidden": "invalid"}
"""Codes that say the same of a frame as another one."""
LATE_SECONDS: Final = 12.0
"""A socket that does not authenticate is closed after 5 s; a busy server may be later."""


async def ready(bench: Bench) -> None:
    """A socket is ready after a token in the handshake, and after `authenticate`."""
    for by_header in (True, False):
        async with bench.ada.socket(by_header=by_header) as socket:
            told = socket.events[0]
            expect(told["type"] == "ready", "the first event is `ready`", told)
            user = {"id": bench.ada.id, "username": bench.ada.username}
            expect(user.items() <= told["user"].items(), f"`user` is {user}", told["user"])
            expect(
                told["features"] == bench.features, "`features` are those of GET /server", told["features"]
            )
            expect(
                told["limits"] == bench.about["limits"], "`limits` are those of GET /server", told["limits"]
            )


async def strangers(bench: Bench) -> None:
    """A token that does not hold, and anything said before it, is closed with 4401."""
    for first in ({"type": "authenticate", "token": "of-nobody"}, {"type": "ping"}):
        async with bench.nobody.socket(by_header=False, ready=False) as socket:
            await socket.say(**first)
            code = await socket.closed()
            expect(code == BAD_TOKEN, f"after {first['type']} it is closed with 4401", code)


async def silence(bench: Bench) -> None:
    """A socket that does not authenticate in 5 s is closed with 4408; a frame over 4 KiB before that with 1009."""
    async with bench.nobody.socket(by_header=False, ready=False) as socket:
        code = await socket.closed(LATE_SECONDS)
        expect(code == 4408, "it is closed with 4408", code)
    async with bench.nobody.socket(by_header=False, ready=False) as socket:
        await socket.say_raw('{"type": "authenticate", "token": "' + "x" * 5_000 + '"}')
        code = await socket.closed()
        expect(code == 1009, "it is closed with 1009", code)


async def versions(bench: Bench) -> None:
    """Another version of the protocol than 1 is closed with 4503."""
    async with bench.nobody.socket(by_header=False, ready=False) as socket:
        await socket.say(type="authenticate", token=bench.ada.access_token, v=2)
        code = await socket.closed()
        expect(code == 4503, "it is closed with 4503", code)


async def frames(bench: Bench) -> None:
    """A frame that is no command is an `error`, and the socket stays open; a binary one is closed with 1003."""
    async with bench.ada.socket() as socket:
        for text, code in (
            ("no JSON", "bad_json"),
            ("[1]", "bad_envelope"),
            ('{"type": "dance", "ref": "d1"}', "unknown_type"),
            ('{"type": "subscribe", "ref": "", "room_id": "lobby"}', "bad_ref"),
            ('{"type": "send", "room_id": "lobby", "body": "no ref"}', "bad_ref"),
            ('{"type": "ping", "colour": "red", "ref": "p1"}', "extra_forbidden"),
        ):
            begin = len(socket.events)
            await socket.say_raw(text)
            told = await socket.until(lambda one: one["type"] == "error", f"{code} for {text}", begin=begin)
            expect(told["code"] in {code, SAME_AS.get(code)}, f"{text} is refused with {code}", told)
        await socket.say(type="ping")
        await socket.event("pong")
        await socket.say_raw(b"\x00")
        code_of_close = await socket.closed()
        expect(code_of_close == 1003, "a binary frame is closed with 1003", code_of_close)


async def refs(bench: Bench) -> None:
    """Every command with a ref gets exactly one ack or error with that ref."""
    room_id = await bench.room()
    async with bench.ada.socket() as socket:
        commands: list[dict[str, Any]] = [
            {"type": "subscribe", "room_id": room_id},
            {"type": "send", "room_id": room_id, "body": "One"},
            {"type": "send", "room_id": "nowhere", "body": "Two"},
            {"type": "read", "room_id": room_id, "seq": 1},
            {"type": "watch", "user_ids": [bench.bob.id]},
            {"type": "unsubscribe", "room_id": room_id},
            {"type": "subscribe", "room_id": "nowhere"},
        ]
        for number, command in enumerate(commands):
            await socket.say(**command, ref=f"kit-{number}")
        await socket.say(type="ping")
        await socket.event("pong")
        for number, command in enumerate(commands):
            ref = f"kit-{number}"
            await socket.until(lambda one, ref=ref: one.get("ref") == ref, f"an answer to {command}")  # type: ignore[misc]
        answered = [
            one["ref"] for one in socket.events if one["type"] in {"ack", "error"} and one["ref"] is not None
        ]
        expect(
            sorted(answered) == [f"kit-{number}" for number in range(len(commands))],
            "each ref is answered once",
            answered,
        )


async def renewal(bench: Bench) -> None:
    """`authenticate` renews the token of an open socket, for the same user only."""
    async with bench.ada.socket() as socket:
        begin = len(socket.events)
        await socket.say(type="authenticate", token=bench.ada.access_token)
        await socket.until(lambda one: one["type"] == "ready", "`ready` again", begin=begin)
        await socket.say(type="authenticate", token=bench.bob.access_token)
        code = await socket.closed()
        expect(code == BAD_TOKEN, "the token of another user is closed with 4401", code)


async def signals(bench: Bench) -> None:
    """`typing`, `presence`, `read` and `notice` come to those whom they concern, and are no entries."""
    for feature in ("typing", "presence", "notices"):
        bench.needs(feature)
    room_id = await bench.room(bench.bob)
    other = await bench.room(bench.bob)
    async with bench.listening(bench.bob, room_id) as bob:
        await bob.acked(type="watch", user_ids=[bench.ada.id])
        async with bench.listening(bench.ada, room_id) as ada:
            await bob.event("presence", user_id=bench.ada.id, online=True)
            await ada.acked(type="typing", room_id=room_id)
            await bob.event("typing", room_id=room_id, user_id=bench.ada.id)
        sent = await bench.send(bench.ada, other, f"Hello @{bench.bob.username}")
        await bob.event("notice", room_id=other, seq=sent["seq"], mention=True)
        await _reads(bench.bob, other, sent["seq"])
        await bob.event("read", room_id=other, user_id=bench.bob.id, read_seq=sent["seq"])


async def _reads(person: Person, room_id: str, seq: int) -> None:
    await person.done("PUT", f"/rooms/{room_id}/read", json={"seq": seq})


async def many_subscriptions(bench: Bench) -> None:
    """One socket carries several rooms, each with an order of its own."""
    rooms = [await bench.room() for _ in range(3)]
    async with bench.ada.socket() as socket:
        heads = [(await socket.acked(type="subscribe", room_id=one))["seq"] for one in rooms]
        await asyncio.gather(*(bench.send(bench.ada, one, unique()) for one in rooms * 3))
        for room_id, head in zip(rooms, heads, strict=True):
            await socket.reached(room_id, head + 3)
            seqs = [one["seq"] for one in socket.entries(room_id)]
            expect(seqs == [head + 1, head + 2, head + 3], "each room comes in steps of one", seqs)


CHECKS: Final = (
    ready,
    strangers,
    silence,
    versions,
    frames,
    refs,
    renewal,
    signals,
    many_subscriptions,
)
