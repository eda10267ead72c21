"""Who may do what in a room: everybody tries every operation, over HTTP and the socket (api/rooms/policy.py)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import httpx
import pytest
from websockets.asyncio.client import connect

from api.config import Settings
from api.errors import Forbidden, NotFound
from api.main import create_app
from api.models.rooms import (
    LOBBY_ID,
    OUTSIDE,
    Membership,
    MembershipRule,
    Role,
    Standing,
    Visibility,
)
from api.protocol import commands as protocol
from api.rooms import policy
from api.rooms.operations import Operation
from api.rooms.policy import GOVERNS, WHO_MAY, Insider, Outsider, Relation
from api.rooms.writing import Writing
from tests.files.hostile import written
from tests.node import Event, Node, Person, Socket, eventually, http_client, running
from tests.process import result
from tests.rooms.finding import is_ready
from tests.rooms.test_rooms import make_room, say

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.stores("sqlite"),
    pytest.mark.settings(misses_per_minute=1_000),  # strangers try everything
]

NOBODY: Final = "no-such-room"
ANONYMOUS: Final = "anonymous"
EX_MEMBER: Final = "ex-member"
DISABLED: Final = "disabled"
RELATIONS: Final[tuple[Relation | str, ...]] = (*Role, *Insider, *Outsider, EX_MEMBER, ANONYMOUS, DISABLED)
"""Everybody who tries the table. An ex-member is a stranger to a private room and a visitor of a public one.

The disabled user owns the room and still has an old token.
"""


class Request(NamedTuple):
    """One request to try. `path` comes after the path of the room."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    content: bytes | None = None


REQUESTS: Final[dict[Operation, list[Request]]] = {
    Operation.SEE: [Request("GET", "")],
    Operation.LIST_MEMBERS: [Request("GET", "/members")],
    Operation.READ_LOG: [
        Request("GET", "/messages"),
        Request("GET", "/messages/{seq}"),
        Request("GET", "/messages/{seq}/edits"),
        Request("GET", "/messages/{seq}/thread"),
        Request("GET", "/messages/{seq}/reactions/👍"),
        Request("GET", "/pins"),
        Request("GET", "/log"),
        Request("GET", "/files"),
    ],
    Operation.SEARCH: [Request("GET", "/search?q=no-such-word&room_id={room_id}")],
    Operation.UPLOAD: [Request("POST", "/files", {"a": "file"})],
    Operation.MARK_READ: [Request("PUT", "/read", {"seq": 1})],
    Operation.TYPE: [],  # over the socket alone
    Operation.SEND: [Request("POST", "/messages", {"ref": "r", "body": "hello"})],
    Operation.EDIT: [Request("PATCH", "/messages/{mine}", {"ref": "e", "body": "edited"})],
    Operation.DELETE: [
        Request("DELETE", "/messages/{mine}/previews"),
        Request("DELETE", "/messages/{mine}"),
    ],
    Operation.DELETE_OTHERS: [
        Request("DELETE", "/messages/{guests}/previews"),
        Request("DELETE", "/messages/{guests}"),
        Request("DELETE", "/members/{guest}/messages"),
    ],
    Operation.REACT: [
        Request("PUT", "/messages/{seq}/reactions/👍"),
        Request("DELETE", "/messages/{seq}/reactions/👍"),
    ],
    Operation.PIN: [Request("PUT", "/messages/{seq}/pin"), Request("DELETE", "/messages/{seq}/pin")],
    Operation.MENTION_ALL: [Request("POST", "/messages", {"ref": "a", "body": "@room"})],
    Operation.REPORT: [Request("POST", "/messages/{seq}/report", {"reason": "r"})],
    Operation.BAN: [
        Request("GET", "/bans"),
        Request("PUT", "/bans/{guest}", {"reason": "r"}),
        Request("DELETE", "/bans/{guest}"),
    ],
    Operation.NOTIFY: [Request("PUT", "/notifications", {"level": "all"})],
    Operation.PLACE: [Request("PUT", "/place", {"favourite": True})],
    Operation.INVITE: [
        Request("POST", "/invites", {}),
        Request("GET", "/invites"),
        Request("DELETE", "/invites/{code}"),
    ],
    Operation.MANAGE_HOOKS: [
        Request("POST", "/hooks", {"name": "CI"}),
        Request("DELETE", "/hooks/{hook_id}"),
    ],
    Operation.SEE_INTEGRATIONS: [Request("GET", "/hooks"), Request("GET", "/webhooks")],
    Operation.SET_ROLE: [Request("PUT", "/members/{guest}", {"role": "reader"})],
    Operation.REMOVE_MEMBER: [Request("DELETE", "/members/{guest}")],
    Operation.SET_TOPIC: [Request("PATCH", "", {"topic": "new"}), Request("PATCH", "", {"slow_seconds": 0})],
    Operation.SET_AVATAR: [
        Request("PUT", "/avatar", content=written("PNG")),
        Request("DELETE", "/avatar"),
    ],
    Operation.CHANGE_ROOM: [
        Request("PATCH", "", {"name": "Cave"}),
        Request("PATCH", "", {"visibility": "private"}),
        Request("PATCH", "", {"archived": False}),
        Request("PATCH", "", {"post_role": "member"}),
    ],
    Operation.MANAGE_WEBHOOKS: [
        Request("POST", "/webhooks", {"url": "https://in.example/", "paused": True}),
        Request("PATCH", "/webhooks/{webhook_id}", {"kinds": ["message"]}),
        Request("POST", "/webhooks/{webhook_id}/secret"),
        Request("GET", "/webhooks/{webhook_id}/deliveries"),
        Request("POST", "/webhooks/{webhook_id}/replay", {"from_seq": 1}),
        Request("DELETE", "/webhooks/{webhook_id}"),
    ],
    Operation.LEAVE: [Request("POST", "/leave"), Request("DELETE", "/members/{me}")],
    Operation.JOIN: [Request("POST", "/join")],
    Operation.SUBSCRIBE: [],  # only the socket has it
}
ALONE: Final[dict[Operation, tuple[dict[str, Any], Request]]] = {
    Operation.SEND_RESTRICTED: (
        {"post_role": "moderator"},
        Request("POST", "/messages", {"ref": "r", "body": "hello"}),
    ),
    Operation.DELETE_ROOM: ({"topic": "It ends soon"}, Request("DELETE", "")),
}
"""Requests that need a room of their own, with what its owner changes of it before."""
COMMANDS: Final[dict[Operation, list[dict[str, Any]]]] = {
    Operation.MARK_READ: [{"type": "read", "seq": 1}],
    Operation.SEND: [{"type": "send", "ref": "s", "body": "hello"}],
    Operation.EDIT: [{"type": "edit", "ref": "e", "seq": "{mine}", "body": "edited"}],
    Operation.DELETE: [
        {"type": "remove_previews", "ref": "v", "seq": "{mine}"},
        {"type": "delete", "ref": "d", "seq": "{mine}"},
    ],
    Operation.DELETE_OTHERS: [
        {"type": "remove_previews", "ref": "w", "seq": "{guests}"},
        {"type": "delete", "ref": "o", "seq": "{guests}"},
    ],
    Operation.REACT: [
        {"type": "react", "ref": "+", "seq": "{seq}", "emoji": "👍"},
        {"type": "unreact", "ref": "-", "seq": "{seq}", "emoji": "👍"},
    ],
    Operation.PIN: [
        {"type": "pin", "ref": "p", "seq": "{seq}"},
        {"type": "unpin", "ref": "u", "seq": "{seq}"},
    ],
    Operation.MENTION_ALL: [{"type": "send", "ref": "m", "body": "@room"}],
    Operation.TYPE: [{"type": "typing"}],
    Operation.SUBSCRIBE: [{"type": "subscribe"}],
}


class Scene(NamedTuple):
    """A room with an owner, a guest who is a member, and `me`, who tries the operations."""

    node: Node
    room_id: str
    # Of messages: one of the owner, one of `me` where they could write one, and one of the guest.
    seqs: dict[str, int]
    owner: Person
    guest: Person
    me: Person | None  # None: has no token
    relation: Relation | None  # the relation of `me`; None: has no valid token
    code: str = "no-such-code"  # of an invite to the room
    hook_id: str = "no-such-hook"
    webhook_id: str = "no-such-webhook"

    def answer(self, operation: Operation) -> int:
        """Return the status that the table demands; 200 stands for every success."""
        if self.relation is None:
            return 401
        if self.relation in WHO_MAY[operation]:
            return 200
        return 404 if self.relation in {Outsider.VISITOR, Outsider.STRANGER} else 403

    def commands(self) -> list[tuple[Operation, dict[str, Any]]]:
        """Return the commands that try the operations."""
        return commands_in(self.room_id, self.seqs)

    async def ask(self, room_id: str, request: Request) -> httpx.Response:
        http = self.node.client() if self.me is None else self.me.http
        me = self.guest.id if self.me is None else self.me.id
        names = {"guest": self.guest.id, "me": me, "code": self.code, "hook_id": self.hook_id}
        names["webhook_id"] = self.webhook_id
        path = request.path.format(**names, **self.seqs, room_id=room_id)
        address = path if path.startswith("/search?") else f"/rooms/{room_id}{path}"
        return await http.request(request.method, address, json=request.body, content=request.content)


def commands_in(room_id: str, seqs: dict[str, int]) -> list[tuple[Operation, dict[str, Any]]]:
    """Return the commands that try the operations in a room. `seqs` are those of its messages, by name."""
    made = []
    for operation, commands in COMMANDS.items():
        for command in commands:
            seq = command.get("seq")
            there = {"seq": seqs[seq.strip("{}")]} if isinstance(seq, str) else {}
            made.append((operation, command | there | {"room_id": room_id}))
    return made


async def give(owner: Person, room_id: str, user: Person, role: Role | None) -> None:
    """Let an owner give a user a role, or with None remove them."""
    path = f"/rooms/{room_id}/members/{user.id}"
    if role is None:
        assert (await owner.http.delete(path)).status_code == 204
    else:
        assert (await owner.http.put(path, json={"role": role})).status_code == 200


async def make_direct_scene(node: Node) -> Scene:
    """Return a scene in a direct room, whose people are the owner, the guest and `me`."""
    owner, guest, me = [await node.sign_up(name) for name in ("olga", "guest", "me-myself")]
    opened = await owner.http.post("/direct", json={"user_ids": [guest.id, me.id]})
    room_id = opened.json()["id"]
    seqs = {
        "seq": await say(owner, room_id, "secret"),
        "mine": await say(me, room_id, "secret of mine"),
        "guests": await say(guest, room_id, "secret of the guest"),
    }
    return Scene(node, room_id, seqs, owner, guest, me, Insider.DIRECT)


async def make_scene(node: Node, name: Relation | str, visibility: Visibility) -> Scene:
    await eventually(lambda: is_ready(node))
    if name is Insider.DIRECT:
        return await make_direct_scene(node)
    scene = await make_scene_of_room(node, name, visibility)
    invite = await scene.owner.http.post(f"/rooms/{scene.room_id}/invites", json={})
    hook = await scene.owner.http.post(f"/rooms/{scene.room_id}/hooks", json={"name": "Deploys"})
    webhook = {"url": "https://in.example/", "paused": True}
    made = await scene.owner.http.post(f"/rooms/{scene.room_id}/webhooks", json=webhook)
    return scene._replace(
        code=invite.json()["code"],
        hook_id=hook.json()["hook_id"],
        webhook_id=made.json()["webhook_id"],
    )


async def make_scene_of_room(node: Node, name: Relation | str, visibility: Visibility) -> Scene:
    owner, guest = await node.sign_up("olga"), await node.sign_up("guest")
    room_id = (await make_room(owner, "Den", visibility))["id"]
    seq = await say(owner, room_id, "secret")
    await give(owner, room_id, guest, Role.MEMBER)
    seqs = {"seq": seq, "mine": seq, "guests": await say(guest, room_id, "secret of the guest")}
    if name == ANONYMOUS:
        return Scene(node, room_id, seqs, owner, guest, None, None)
    me = await node.sign_up("me-myself")
    if isinstance(name, Role) or name == EX_MEMBER:
        await give(owner, room_id, me, Role.MODERATOR)
        seqs["mine"] = await say(me, room_id, "secret of mine")
    outside = Outsider.VISITOR if visibility is Visibility.PUBLIC else Outsider.STRANGER
    if name == EX_MEMBER:
        await give(owner, room_id, me, None)
    elif isinstance(name, Role):
        await give(owner, room_id, me, name)
        return Scene(node, room_id, seqs, owner, guest, me, name)
    if name is Outsider.BANNED:
        assert (await owner.http.put(f"/rooms/{room_id}/bans/{me.id}")).status_code == 204
        outside = Outsider.BANNED if visibility is Visibility.PUBLIC else Outsider.STRANGER
    return Scene(node, room_id, seqs, owner, guest, me, outside)


@pytest.fixture(params=RELATIONS)
async def scene(request: pytest.FixtureRequest, node: Node, store_url: str, tmp_path: Path) -> Scene:
    """A scene for each of `RELATIONS` in turn. The room is public for a visitor and who is banned, else private."""
    name = request.param
    if name == DISABLED:
        made = await make_scene(node, Role.OWNER, Visibility.PRIVATE)
        done = await result({"TAILWIRE_STORE": store_url}, tmp_path, "user", "disable", "me-myself")
        assert done == (0, "disabled me-myself\n", "")
        return made._replace(relation=None)
    is_public = name in {Outsider.VISITOR, Outsider.BANNED}
    return await make_scene(node, name, Visibility.PUBLIC if is_public else Visibility.PRIVATE)


# -- the table


async def test_the_table_is_kept_over_http(scene: Scene) -> None:
    for operation, requests in REQUESTS.items():
        for request in requests:
            answer = await scene.ask(scene.room_id, request)
            wanted = scene.answer(operation)
            if operation is Operation.JOIN and scene.relation in policy.ROLES:
                wanted = 404  # the room is private, and the request before has left it
            elif request.path == "/members/{me}" and wanted == 200 and scene.relation in policy.ROLES:
                wanted = 404  # the request before has left the room
            if wanted == 200:
                assert answer.is_success, (operation, request, answer.text)
                continue
            assert answer.status_code == wanted, (operation, request, answer.text)
            assert (answer.json()["code"] == "banned") == (scene.relation is Outsider.BANNED)
            assert "Den" not in answer.text
            assert "secret" not in answer.text
            if wanted == 404:
                unknown = await scene.ask(NOBODY, request)
                assert answer.json() | {"request_id": None} == unknown.json() | {"request_id": None}
                assert set(answer.headers) == set(unknown.headers)


async def test_the_table_is_kept_over_the_socket(scene: Scene) -> None:
    if scene.me is None or scene.relation is None:
        firsts = [command for _, command in scene.commands()]
        if scene.me is not None:
            firsts.append({"type": "authenticate", "token": scene.me.access_token})
        for first in firsts:
            async with connect(scene.node.ws_url) as raw:
                await Socket(raw).send(**first)
                assert await Socket(raw).closed() == 4401
        return
    async with scene.me.socket() as socket:
        for operation, command in scene.commands():
            answer = await socket.call(**command)
            refused = "banned" if scene.relation is Outsider.BANNED else "forbidden"
            code = {200: None, 403: refused, 404: "not_found"}[scene.answer(operation)]
            assert answer.get("code") == code, (operation, answer)
            if code == "not_found":
                unknown = await socket.call(**command | {"ref": "u", "room_id": NOBODY})
                assert answer | {"ref": None} == unknown | {"ref": None}
        async with scene.owner.socket() as witness:
            await witness.call(type="subscribe", room_id=scene.room_id)
            await say(scene.owner, scene.room_id, "later")
            await witness.until(type="message", body="later")
        await socket.send(type="ping", ref="end")
        heard = []
        while (event := await socket.receive()).get("ref") != "end":
            heard.append(event)
        if scene.answer(Operation.SUBSCRIBE) == 200:
            assert [event for event in heard if event.get("body") == "later"]
        else:
            assert not [event for event in heard if event.get("room_id") == scene.room_id]


async def test_who_may_subscribe_may_catch_up_by_one_request(scene: Scene) -> None:
    known = [{"room_id": room_id, "epoch": "e", "seq": 1} for room_id in (scene.room_id, NOBODY)]
    http = scene.node.client() if scene.me is None else scene.me.http
    answer = await http.post("/sync", json={"positions": known})
    if scene.relation is None:
        assert answer.status_code == 401
        return
    told = {one["room_id"] for one in answer.json()["items"]}
    may = scene.relation in WHO_MAY[Operation.SUBSCRIBE]
    assert told == {LOBBY_ID, *([scene.room_id] if may else [])}
    assert answer.json()["not_found"] == [*([] if may else [scene.room_id]), NOBODY]
    assert "secret" not in answer.text


async def test_who_is_banned_from_a_private_room_is_a_stranger(node: Node) -> None:
    scene = await make_scene(node, Outsider.BANNED, Visibility.PRIVATE)
    assert scene.relation is Outsider.STRANGER
    for request in (one for requests in REQUESTS.values() for one in requests):
        answer = await scene.ask(scene.room_id, request)
        unknown = await scene.ask(NOBODY, request)
        assert answer.json() | {"request_id": None} == unknown.json() | {"request_id": None}


async def test_an_ex_member_of_a_public_room_is_a_visitor(node: Node) -> None:
    scene = await make_scene(node, EX_MEMBER, Visibility.PUBLIC)
    assert (await scene.ask(scene.room_id, Request("GET", "/messages"))).status_code == 404
    assert (await scene.ask(scene.room_id, Request("GET", ""))).json()["role"] is None
    assert (await scene.ask(scene.room_id, Request("POST", "/join"))).json()["role"] == "member"


@pytest.mark.parametrize("operation", ALONE)
async def test_the_table_is_kept_where_an_operation_needs_a_room_of_its_own(
    scene: Scene, operation: Operation
) -> None:
    changes, request = ALONE[operation]
    changed = await scene.owner.http.patch(f"/rooms/{scene.room_id}", json=changes)
    if scene.relation is Insider.DIRECT:
        assert changed.status_code == 403, "a direct room never changes"
        return
    assert changed.status_code == 200
    answer = await scene.ask(scene.room_id, request)
    wanted = scene.answer(operation)
    assert (answer.status_code == wanted) if wanted != 200 else answer.is_success
    if wanted == 404:
        unknown = await scene.ask(NOBODY, request)
        assert answer.json() | {"request_id": None} == unknown.json() | {"request_id": None}
    seen = await scene.owner.http.get(f"/rooms/{scene.room_id}")
    assert (seen.status_code == 404) is (operation is Operation.DELETE_ROOM and wanted == 200)


async def test_in_an_archived_room_who_may_do_a_thing_still_may_if_it_is_no_writing(scene: Scene) -> None:
    answer = await scene.owner.http.patch(f"/rooms/{scene.room_id}", json={"archived": True})
    if scene.relation is Insider.DIRECT:
        assert answer.status_code == 403, "a direct room is never archived"
        return
    assert answer.status_code == 200
    for operation, requests in REQUESTS.items():
        if operation in {Operation.CHANGE_ROOM, Operation.LEAVE, Operation.JOIN}:
            continue  # they take the room back, or end the membership of who tries
        for request in requests:
            answer = await scene.ask(scene.room_id, request)
            wanted = scene.answer(operation)
            if wanted == 200 and operation not in policy.IN_ARCHIVED:
                assert (answer.status_code, answer.json()["code"]) == (403, "archived"), request
            else:
                assert (answer.status_code == wanted) if wanted != 200 else answer.is_success, request


async def test_the_socket_keeps_to_what_an_archived_and_a_restricted_room_allow(scene: Scene) -> None:
    if scene.me is None or scene.relation in {None, Insider.DIRECT}:
        return
    refused = {
        200: None,
        403: "banned" if scene.relation is Outsider.BANNED else "forbidden",
        404: "not_found",
    }
    path = f"/rooms/{scene.room_id}"
    async with scene.me.socket() as socket:
        assert (await scene.owner.http.patch(path, json={"archived": True})).status_code == 200
        for operation, command in scene.commands():
            code = refused[scene.answer(operation)]
            if code is None and operation not in policy.IN_ARCHIVED:
                code = "archived"
            assert (await socket.call(**command)).get("code") == code, (operation, command)
        changes = {"archived": False, "post_role": "moderator"}
        assert (await scene.owner.http.patch(path, json=changes)).status_code == 200
        for operation, command in scene.commands():
            if operation in {Operation.SEND, Operation.MENTION_ALL, Operation.TYPE}:
                wanted = scene.answer(operation)
                code = refused[scene.answer(Operation.SEND_RESTRICTED) if wanted == 200 else wanted]
                assert (await socket.call(**command)).get("code") == code, (operation, command)


def test_every_operation_is_tried() -> None:
    assert set(REQUESTS) | set(ALONE) == set(WHO_MAY) == set(Operation)
    assert {operation for operation, requests in REQUESTS.items() if not requests} <= set(COMMANDS)


def test_every_route_of_a_room_is_tried() -> None:
    paths = create_app(Settings(store="sqlite:///unused")).openapi()["paths"]
    served = {
        (method.upper(), path.removeprefix("/rooms/{room_id}"))
        for path, methods in paths.items()
        if path.startswith("/rooms/{room_id}")
        for method in methods
    }
    names = {
        "👍": "{emoji}",
        "{guest}": "{user_id}",
        "{me}": "{user_id}",
        "{mine}": "{seq}",
        "{guests}": "{seq}",
    }
    tried = set()
    alone = [request for _, request in ALONE.values()]
    for request in (*alone, *(one for requests in REQUESTS.values() for one in requests)):
        path = request.path
        for ours, theirs in names.items():
            path = path.replace(ours, theirs)
        if not path.startswith("/search?"):  # which has the room in its query
            tried.add((request.method, path))
    assert served == tried


def test_every_command_about_a_room_is_tried() -> None:
    seqs = dict.fromkeys(("seq", "mine", "guests"), 1)
    names = {
        name
        for model in get_args(protocol.Command)
        if "room_id" in model.model_fields
        for name in model.model_fields["type"].annotation.__args__
    }
    assert names - {"unsubscribe"} == {command["type"] for _, command in commands_in("", seqs)}


# -- roles


@pytest.mark.parametrize("by", Role)
async def test_a_role_reaches_as_far_as_the_table_says(node: Node, by: Role) -> None:
    owner, me, guest = [await node.sign_up(name) for name in ("olga", "me-myself", "guest")]
    room_id = (await make_room(owner, "Den", "private"))["id"]
    await give(owner, room_id, me, by)
    path = f"/rooms/{room_id}/members/{guest.id}"
    is_governor = by in WHO_MAY[Operation.SET_ROLE]
    for before in (None, *Role):
        for after in (None, *Role):
            await give(owner, room_id, guest, before)
            if after is None:
                answer = await me.http.delete(path)
            else:
                answer = await me.http.put(path, json={"role": after})
            reach = {role for role in (before, after) if role is not None}
            allowed = is_governor and reach <= GOVERNS[by]
            assert answer.is_success is allowed, (before, after, answer.text)
            assert allowed or answer.status_code == 403
            listed = (await owner.http.get(f"/rooms/{room_id}/members")).json()["items"]
            role = next((one["role"] for one in listed if one["user_id"] == guest.id), None)
            assert role == (after if allowed else before)


def test_nobody_can_raise_themselves() -> None:
    order = [Role.READER, Role.MEMBER, Role.MODERATOR, Role.OWNER]
    for now in order:
        for wanted in order[order.index(now) + 1 :]:
            with pytest.raises(Forbidden):
                policy.setting_role(wanted)(Standing(Membership(now), now))


@pytest.mark.parametrize(
    "rule", [policy.setting_role(Role.READER), policy.removing("r"), policy.leaving("r")]
)
def test_who_is_no_member_any_more_at_the_moment_of_the_change_is_a_stranger(
    rule: MembershipRule,
) -> None:
    with pytest.raises(NotFound):
        rule(Standing(OUTSIDE, None))


def test_only_what_needs_no_membership_is_open_to_outsiders() -> None:
    open_to = {operation for operation in Operation if WHO_MAY[operation] & frozenset(Outsider)}
    assert open_to == {Operation.SEE, Operation.JOIN}
    assert not [operation for operation in Operation if Outsider.STRANGER in WHO_MAY[operation]]


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_the_last_owner_stays_an_owner_until_there_is_another(node: Node) -> None:
    scene = await make_scene(node, Role.OWNER, Visibility.PRIVATE)
    assert scene.me is not None
    await give(scene.me, scene.room_id, scene.owner, None)
    mine = f"/rooms/{scene.room_id}/members/{scene.me.id}"
    refused = [
        await scene.me.http.post(f"/rooms/{scene.room_id}/leave"),
        await scene.me.http.delete(mine),
        *[await scene.me.http.put(mine, json={"role": role}) for role in ("moderator", "member", "reader")],
    ]
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(403, "forbidden")}
    await give(scene.me, scene.room_id, scene.guest, Role.OWNER)
    assert (await scene.me.http.put(mine, json={"role": "reader"})).json()["role"] == "reader"
    assert (await scene.me.http.post(f"/rooms/{scene.room_id}/leave")).status_code == 204


async def test_a_change_is_an_entry_with_who_made_it_and_a_retry_is_none(node: Node) -> None:
    owner, bob = await node.sign_up("olga"), await node.sign_up("bob")
    room_id = (await make_room(owner, "Den", "private"))["id"]
    path = f"/rooms/{room_id}/members/{bob.id}"
    changes: list[tuple[str, Event | None]] = [
        ("PUT", {"role": "reader"}),
        ("PUT", {"role": "moderator"}),
        ("DELETE", None),
    ]
    answers = [
        await owner.http.request(method, path, json=body) for method, body in changes for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [200, 200, 200, 200, 204, 204]
    assert answers[0].json() == answers[1].json()
    log = (await owner.http.get(f"/rooms/{room_id}/log")).json()["items"]
    entries = [one for one in log if one["user_id"] == bob.id]
    assert answers[0].json() == {
        "user_id": bob.id,
        "username": "bob",
        "display_name": "bob",
        "avatar": None,
        "is_bot": False,
        "role": "reader",
        "joined_at": answers[2].json()["joined_at"],
        "online": False,
        "read_seq": entries[0]["seq"],
    }
    assert [(one["type"], one["user_id"], one["role"], one["by"]) for one in entries] == [
        ("member", bob.id, "reader", owner.id),
        ("member", bob.id, "moderator", owner.id),
        ("member", bob.id, None, owner.id),
    ]


async def test_an_unknown_user_is_not_found_and_only_governors_learn_that(node: Node) -> None:
    scene = await make_scene(node, Role.MEMBER, Visibility.PRIVATE)
    for user_id in ("nobody", "x" * 500, "%00"):
        path = f"/rooms/{scene.room_id}/members/{user_id}"
        for person, status in ((scene.owner, 404), (scene.guest, 403)):
            assert (await person.http.put(path, json={"role": "member"})).status_code == status
            assert (await person.http.delete(path)).status_code == status


@pytest.mark.parametrize(
    "body", [{}, {"role": None}, {"role": "admin"}, {"role": 1}, {"role": "member", "by": "me"}]
)
async def test_a_role_that_there_is_not_is_refused(sqlite_node: Node, body: Event) -> None:
    owner, bob = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("bob")
    room_id = (await make_room(owner, "Den", "private"))["id"]
    answer = await owner.http.put(f"/rooms/{room_id}/members/{bob.id}", json=body)
    assert answer.status_code == 422
    await give(owner, room_id, bob, Role.MEMBER)


async def test_nobody_is_removed_from_the_lobby_or_given_a_role_in_it(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob")
    path = f"/rooms/{LOBBY_ID}/members/{bob.id}"
    refused = [await alice.http.delete(path), await alice.http.put(path, json={"role": "reader"})]
    refused.append(await bob.http.delete(path))
    assert [one.status_code for one in refused] == [403] * 3
    with pytest.raises(Forbidden):
        policy.removing(LOBBY_ID)(Standing(Membership(Role.MEMBER), Role.OWNER))


# -- what reaches open sockets, on one node and on another


@asynccontextmanager
async def two_nodes(store_url: str) -> AsyncIterator[tuple[Node, Node]]:
    settings = Settings(store=store_url)
    async with running(settings) as one, running(settings) as other:
        yield one, other


async def subscribed(socket: Socket, room_id: str) -> None:
    assert (await socket.call(type="subscribe", room_id=room_id))["type"] == "ack"
    await socket.until(type="live", room_id=room_id)


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_who_is_added_changed_and_removed_on_one_node_is_told_on_another_and_then_hears_nothing(
    store_url: str,
) -> None:
    async with two_nodes(store_url) as (one, other):
        owner, bob = await one.sign_up("olga"), await one.sign_up("bob")
        room_id = (await make_room(owner, "Den", "private"))["id"]
        async with bob.socket(node=one) as here, bob.socket(node=other) as there:
            for role in (Role.MEMBER, Role.READER, Role.MODERATOR):
                await give(owner, room_id, bob, role)
                async with asyncio.timeout(5):
                    for socket in (here, there):
                        await socket.until(type="membership", room_id=room_id, role=role)
            for socket in (here, there):
                await subscribed(socket, room_id)
                await subscribed(socket, LOBBY_ID)
            await give(owner, room_id, bob, None)
            await say(owner, room_id, "after")
            async with asyncio.timeout(5):
                for socket in (here, there):
                    await socket.until(type="membership", room_id=room_id, role=None)
            await say(owner, LOBBY_ID, "end")
            for socket in (here, there):
                while (event := await socket.receive()).get("body") != "end":
                    assert event.get("room_id") != room_id
                for _, command in commands_in(room_id, dict.fromkeys(("seq", "mine", "guests"), 1)):
                    answer = await socket.call(**command | {"ref": "again"})
                    assert answer["code"] == "not_found"


async def test_a_removal_ends_the_subscription_before_it_is_answered(sqlite_node: Node) -> None:
    owner, bob = await sqlite_node.sign_up("olga"), await sqlite_node.sign_up("bob")
    room_id = (await make_room(owner, "Den", "private"))["id"]
    await give(owner, room_id, bob, Role.MEMBER)
    async with bob.socket() as socket:
        await subscribed(socket, room_id)
        await give(owner, room_id, bob, None)
        text = (await sqlite_node.client().get("/metrics")).text
        assert "tailwire_subscriptions 0.0" in text


@pytest.mark.stores("sqlite", "rethinkdb")
@pytest.mark.parametrize("removed", [False, True])
async def test_who_was_made_a_reader_comes_back_as_one_until_a_governor_gives_another_role(
    store_url: str, removed: bool
) -> None:
    async with two_nodes(store_url) as (one, other):
        owner, bob = await one.sign_up("olga"), await one.sign_up("bob")
        room_id = (await make_room(owner, "Den", "public"))["id"]
        path, send = f"/rooms/{room_id}", {"ref": "r", "body": "hello"}
        await give(owner, room_id, bob, Role.READER)
        async with http_client(other.url, headers=dict(bob.http.headers)) as elsewhere:
            for _ in range(2):
                if removed:
                    await give(owner, room_id, bob, None)
                else:
                    assert (await bob.http.post(f"{path}/leave")).status_code == 204
                assert (await elsewhere.post(f"{path}/messages", json=send)).status_code == 404
                assert (await elsewhere.post(f"{path}/join")).json()["role"] == "reader"
                assert (await bob.http.post(f"{path}/messages", json=send)).status_code == 403
            await give(owner, room_id, bob, Role.MEMBER)
            await bob.http.post(f"{path}/leave")
            assert (await elsewhere.post(f"{path}/join")).json()["role"] == "member"
            assert (await elsewhere.post(f"{path}/messages", json=send)).status_code == 201


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_who_is_made_a_reader_can_write_no_more_on_any_node(store_url: str) -> None:
    async with two_nodes(store_url) as (one, other):
        owner, bob = await one.sign_up("olga"), await one.sign_up("bob")
        room_id = (await make_room(owner, "Den", "private"))["id"]
        await give(owner, room_id, bob, Role.MEMBER)
        async with bob.socket(node=other) as socket:
            sent = await socket.call(type="send", room_id=room_id, ref="1", body="hello")
            assert sent["type"] == "ack"
            await give(owner, room_id, bob, Role.READER)
            refused = await socket.call(type="send", room_id=room_id, ref="2", body="hello")
            assert refused["code"] == "forbidden"
            await give(owner, room_id, bob, Role.MODERATOR)
            sent = await socket.call(type="send", room_id=room_id, ref="2", body="hello")
            assert sent["type"] == "ack"


async def test_the_policy_is_asked_at_each_send_about_a_membership_that_is_known_too(
    sqlite_node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        assert (await socket.call(type="send", room_id=LOBBY_ID, ref="1", body="hello"))["type"] == "ack"
        monkeypatch.setattr(policy, "WHO_MAY", {**WHO_MAY, Operation.SEND: frozenset()})
        refused = await socket.call(type="send", room_id=LOBBY_ID, ref="2", body="hello")
        assert refused["code"] == "forbidden"


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_a_message_on_its_way_while_its_author_is_removed_is_refused(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal comes between the reading of the membership and the append."""
    owner, bob = await node.sign_up("olga"), await node.sign_up("bob")
    room_id = (await make_room(owner, "Den", "private"))["id"]
    await give(owner, room_id, bob, Role.MEMBER)
    looked, removed = asyncio.Event(), asyncio.Event()

    async def removal() -> None:
        await looked.wait()
        await give(owner, room_id, bob, None)
        removed.set()

    append = Writing.append

    async def late(self: Writing, *arguments: Any, **more: Any) -> Any:
        looked.set()
        await removed.wait()
        return await append(self, *arguments, **more)

    monkeypatch.setattr(Writing, "append", late)
    async with bob.socket() as socket, asyncio.TaskGroup() as tasks:
        tasks.create_task(removal())
        refused = await socket.call(type="send", room_id=room_id, ref="1", body="too late")
        assert refused["code"] == "not_found"
    bodies = [one["body"] for one in (await owner.http.get(f"/rooms/{room_id}/messages")).json()["items"]]
    assert bodies == []


@pytest.mark.stores("sqlite", "rethinkdb")
async def test_users_are_found_by_any_part_of_their_names_and_by_nothing_else(node: Node) -> None:
    alice, bob = await node.sign_up("alice"), await node.sign_up("bob.smith")
    await node.sign_up("bobby")
    await alice.http.patch("/users/me", json={"display_name": "Zoë Smithson"})
    for query, names in (
        ("smith", ["alice", "bob.smith"]),
        ("ZOE", ["alice"]),
        (" zoë s ", ["alice"]),
        ("bob.smith", ["bob.smith"]),
        ("BOB", ["bob.smith", "bobby"]),
        ("\uff42\uff4f\uff42\uff42", ["bobby"]),  # full-width letters mean the same
        ("*%", []),
        ("b_", []),
        ("b\0", []),
        ("e\u0301", []),  # this is one letter, and two are needed
    ):
        answer = await alice.http.get("/users", params={"q": query})
        assert answer.status_code == 200
        assert [one["username"] for one in answer.json()["items"]] == names
        assert set(answer.json()) == {"items", "next_cursor"}
    page = (await alice.http.get("/users", params={"q": "bob", "limit": 1})).json()
    shown = {"id": bob.id, "username": "bob.smith", "display_name": "bob.smith", "online": False}
    assert page["items"] == [shown | {"status_text": "", "time_zone": None, "avatar": None, "is_bot": False}]
    rest = await alice.http.get("/users", params={"q": "bob", "limit": 1, "cursor": page["next_cursor"]})
    assert [one["username"] for one in rest.json()["items"]] == ["bobby"]
    assert rest.json()["next_cursor"] is None
    assert (await node.client().get("/users", params={"q": "alice"})).status_code == 401
