"""Rules of messages: each is stored once, in order, whatever becomes of its ack."""

from collections.abc import Callable
from typing import Final

from conformance.client.stage import Stage
from conformance.model.http import Cut, Request, Response, problem
from conformance.model.rooms import Event
from conformance.model.server import ScriptedServer, error
from conformance.model.socket import Socket

COUNT: Final = 5


async def ack_lost(stage: Stage) -> None:
    """A message is sent under one ref until it is acked, and stored once."""
    server = stage.server
    await stage.follow()
    stage.needs("send")
    lose_acks(server, stored=False, times=2, then=True)
    told = await stage.answered(await stage.send("Is it there?"))
    tries = len(_tries(server))
    stage.require(tries >= 3, "it is sent again until it is known to be stored", f"{tries} tries")
    stage.require((told["type"], told.get("seq")) == ("sent", 1), "it is told as sent, with seq 1", told)
    _stored(stage, ["Is it there?"])
    await stage.reached()


async def order(stage: Stage) -> None:
    """The messages of a room keep their order, over lost acks, refusals for a time, and restarts of the program."""
    server = stage.server
    await stage.follow()
    stage.needs("send")
    lose_acks(server, stored=True, times=1)
    bodies = [f"Number {number}" for number in range(COUNT)]
    ids = [await stage.send(body) for body in bodies]
    for id in ids:
        told = await stage.answered(id)
        stage.require(told["type"] == "sent", "each message is stored", told)
    _stored(stage, bodies)
    refuses = _refuses_once(server, "rate_limited", 0.2)
    more = [f"After it {number}" for number in range(COUNT)]
    for id in [await stage.send(body) for body in more]:
        await stage.answered(id)
    stage.require(refuses() == 0, "the first of them was refused for a time")
    _stored(stage, bodies + more)
    await stage.reached()


async def kept_messages(stage: Stage) -> None:
    """Messages without an ack are sent after a restart of the program, in their order."""
    server = stage.server
    await stage.follow()
    stage.needs("send", "keep")
    server.on_command = lambda socket, command: command["type"] == "send"  # never answered
    server.on_request = _unless_sending
    bodies = [f"Kept {number}" for number in range(COUNT)]
    for body in bodies:
        await stage.send(body)
    await stage.until(lambda: _tries(server), "the first message is sent")
    await stage.quiet(0.5)
    await stage.program.kill()
    server.on_command, server.on_request = (lambda socket, command: False), None
    stage.shown.restarted()
    await stage.start()
    await stage.program.say(do="follow", room_ids=["lobby"])
    await stage.until(lambda: server.room().head >= COUNT, f"all {COUNT} messages are sent after the restart")
    await stage.reached()
    _stored(stage, bodies)


async def refused(stage: Stage) -> None:
    """What is refused for good is told, and holds up nothing."""
    server = stage.server
    await stage.follow()
    stage.needs("send")
    refuses = _refuses_once(server, "archived", None)
    first, second = await stage.send("No"), await stage.send("Yes")
    told = await stage.answered(first)
    stage.require(
        (told["type"], told.get("code")) == ("refused", "archived"), "the refusal `archived` is told", told
    )
    told = await stage.answered(second)
    stage.require(told["type"] == "sent", "the next message is sent all the same", told)
    stage.require(refuses() == 0, "the message was sent")
    tries = [ref for ref, body in _tries(server) if body == "No"]
    stage.require(len(tries) == 1, "what is refused for good is not sent again", f"{len(tries)} times")
    _stored(stage, ["Yes"])


async def restored(stage: Stage) -> None:
    """A restore is told, and what names a seq of before it is refused: it answers nobody else's message."""
    server = stage.server
    for _ in range(4):
        server.append()
    await stage.follow()
    stage.needs("send")
    server.room().restore(2)
    for _ in range(2):
        server.room().append()  # nobody is told before they come back
    told = await stage.answered(await stage.send("To whom?", reply_to=3, epoch="epoch-1"))
    found = [one for one in server.room().entries if one.get("body") == "To whom?"]
    if told["type"] == "sent":  # the client may take the answer for a message of its own
        stage.require(found and found[0]["reply_to"] is None, "the message answers none", found)
    else:
        stage.require(
            (told["type"], told.get("code")) == ("refused", "reset"), "the refusal `reset` is told", told
        )
        stage.require(not found, "the answer is not stored", found)
    server.close_all(1012)
    await stage.reached()
    stage.require(stage.shown.of("reset", epoch="epoch-2"), "a reset to epoch-2 is shown")


def _tries(server: ScriptedServer) -> list[tuple[str, str]]:
    """Return the ref and the body of each message that came, over whichever road."""
    sent = [
        (one.at, one.command.get("ref", ""), one.command.get("body", ""))
        for one in server.heard
        if one.command["type"] == "send"
    ]
    for one in server.asked:
        if _is_sending(one.request) and isinstance(one.request.body, dict):
            ref = one.request.body.get("ref") or one.request.headers.get("idempotency-key", "")
            sent.append((one.at, ref, one.request.body.get("body", "")))
    return [(ref, body) for _, ref, body in sorted(sent)]


def _is_sending(request: Request) -> bool:
    return request.method == "POST" and request.path.endswith("/messages")


async def _unless_sending(request: Request) -> Response | None:
    if _is_sending(request):
        raise Cut
    return None


def _stored(stage: Stage, bodies: list[str]) -> None:
    """Require that these are the messages of the lobby, and that each had one ref."""
    found = [one.get("body") for one in stage.server.room().entries]
    stage.require(
        found == bodies, f"the lobby has {bodies}: each message once, in the order asked for", found
    )
    refs: dict[str, set[str]] = {}
    for ref, body in _tries(stage.server):
        refs.setdefault(body, set()).add(ref)
    for body, used in refs.items():
        stage.require(
            len(used) == 1 and "" not in used, "each message has one ref, on every try", f"{body}: {used}"
        )


def lose_acks(server: ScriptedServer, *, stored: bool, times: int, then: bool = False) -> None:
    """Cut the connection instead of an answer to the next messages, which are `stored` or not.

    `then` one more is stored and its ack lost.
    """
    losses = [stored] * times + [True] * then

    def lose(command: Event) -> bool:
        if not losses:
            return False
        if losses.pop(0):
            server.store(command, quietly=True)
        return True

    def on_command(socket: Socket, command: Event) -> bool:
        if command["type"] != "send" or not lose(command):
            return False
        socket.cut()
        return True

    async def on_request(request: Request) -> Response | None:
        if _is_sending(request) and lose({**request.body, "room_id": request.path.split("/")[2]}):
            raise Cut
        return None

    server.on_command, server.on_request = on_command, on_request


def _refuses_once(server: ScriptedServer, code: str, retry_after_seconds: float | None) -> Callable[[], int]:
    """Refuse the next message. Returns how many are still to be refused."""
    left = 1

    def on_command(socket: Socket, command: Event) -> bool:
        nonlocal left
        if command["type"] != "send" or not left:
            return False
        left -= 1
        server.say(socket, error(command.get("ref"), code, retry_after_seconds))
        return True

    async def on_request(request: Request) -> Response | None:
        nonlocal left
        if not _is_sending(request) or not left:
            return None
        left -= 1
        return problem(429 if retry_after_seconds else 403, code, retry_after_seconds)

    server.on_command, server.on_request = on_command, on_request
    return lambda: left


SCENARIOS: Final = (ack_lost, order, kept_messages, refused, restored)
