"""No secret gets into a log line, a metric or a refusal; rows T2, W9, W10 and 4.9."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.models.rooms import LOBBY_ID
from tests.node import PASSWORD, Node, Person
from tests.peer import TEXT, frame, peer
from tests.process import result, serving

pytestmark = pytest.mark.anyio

BODY = "a-body-that-nobody-else-reads"
WRONG = "a-password-that-is-wrong"
NEW = "a-password-that-is-new"
METRICS = "a-token-for-metrics"
SECRET = "a-Secret-Of-32-bytes-0123456789abcdef"
COOKIE = {"X-Tailwire-Session": "cookie"}


class Spoken:
    """Collects the secrets that were sent or handed out, and the texts of the server that must not hold them."""

    def __init__(self) -> None:
        self.secrets = {PASSWORD, WRONG, NEW, BODY, METRICS, SECRET}
        self.said: list[str] = []

    async def call(self, http: Any, method: str, path: str, **more: Any) -> Any:
        """Send a request. Keep the text of a refusal, or the secrets that the answer hands out."""
        answer = await http.request(method, path, **more)
        if answer.is_error or path == "/metrics":
            self.said += [answer.text, str(answer.headers)]
            return {}
        for header in answer.headers.get_list("set-cookie"):
            self.secrets.add(header.split(";")[0].partition("=")[2])
        given = json.loads(answer.content) if answer.content else {}
        names = ("access_token", "refresh_token", "code")
        self.secrets.update(str(given[name]) for name in names if given.get(name))
        return given


async def live(node: Node, spoken: Spoken) -> None:
    """Do everything that handles a secret, rightly and wrongly."""
    alice = await node.sign_up("alice")
    spoken.secrets |= {alice.access_token, alice.refresh_token}
    await say(alice, spoken)
    http, page = node.client(), {"Origin": node.url, **COOKIE}
    for path in ("/auth/login", "/auth/signup", "/auth/refresh", "/nowhere", "/metrics"):
        for password in (PASSWORD, WRONG, [WRONG], {WRONG: 1}):
            bad = {"username": "alice", "password": password, "refresh_token": alice.access_token}
            await spoken.call(http, "POST", path, json=bad)
        for raw in (WRONG, f'{{"{WRONG}":1,"{WRONG}":2}}', f'{{"password":"{WRONG}'):
            await spoken.call(http, "POST", path, content=raw, headers={"content-type": "application/json"})
        await spoken.call(http, "GET", f"{path}?token={alice.access_token}&password={WRONG}")
        await spoken.call(
            http, "GET", path, headers={"Authorization": f"Basic {WRONG}", "Cookie": f"a={WRONG}"}
        )
    bob = {"username": "bob", "password": PASSWORD}
    await spoken.call(http, "POST", "/auth/signup", json=bob, headers=page)
    await spoken.call(http, "POST", "/auth/login", json=bob, headers=page)
    cookie = "; ".join(f"{one.name}={one.value}" for one in http.cookies.jar)
    await spoken.call(http, "POST", "/auth/refresh", json={}, headers=page | {"Cookie": cookie})
    form = {"username": "bob", "password": PASSWORD}
    await spoken.call(http, "POST", "/auth/token", data=form)
    renewed = await spoken.call(http, "POST", "/auth/refresh", json={"refresh_token": alice.refresh_token})
    assert renewed
    change = {"current_password": WRONG, "new_password": NEW}
    await spoken.call(alice.http, "PUT", "/auth/password", json=change)
    await spoken.call(alice.http, "PUT", "/auth/password", json=change | {"current_password": PASSWORD})
    await spoken.call(alice.http, "DELETE", "/users/me", json={"password": WRONG})
    await spoken.call(node.client(Authorization=f"Bearer {METRICS}"), "GET", "/metrics")
    await spoken.call(alice.http, "POST", "/auth/logout")


async def invite(node: Node, spoken: Spoken) -> None:
    """Use the setup link, which the server has printed, and an invite, rightly and wrongly."""
    assert node.process is not None
    assert node.process.stdout is not None
    lines = [(await node.process.stdout.readline()).decode() for _ in range(2)]
    token = lines[1].rpartition("/")[2].strip()
    spoken.secrets.add(token)
    http, account = node.client(), {"username": "chief", "password": PASSWORD}
    await spoken.call(http, "POST", "/auth/setup", json={"token": token})
    await spoken.call(http, "POST", "/auth/signup", json=account | {"invite": token})
    chief = await spoken.call(http, "POST", "/auth/setup", json=account | {"token": token})
    await spoken.call(http, "POST", "/auth/setup", json=account | {"token": token})
    admin = node.client(Authorization=f"Bearer {chief['access_token']}")
    made = await spoken.call(admin, "POST", "/admin/invites", json={})
    for username in ("guest", "guest", "late"):
        body = {"username": username, "password": PASSWORD, "invite": made["code"]}
        await spoken.call(http, "POST", "/auth/signup", json=body)
    await spoken.call(admin, "DELETE", f"/admin/invites/{made['code']}?code={made['code']}")


async def say(person: Person, spoken: Spoken) -> None:
    """Send valid and invalid messages, by socket and over HTTP."""
    messages = f"/rooms/{LOBBY_ID}/messages"
    for message in (
        {"ref": "r", "body": BODY},
        {"ref": "r", "body": BODY + "!"},
        {"ref": BODY * 9, "body": BODY},
    ):
        await spoken.call(person.http, "POST", messages, json=message)
    for name in ("token", "access_token"):
        with pytest.raises(InvalidStatus):
            await connect(f"{person.node.ws_url}?{name}={person.access_token}")
    async with person.socket(by_header=False) as socket:
        for bad in (
            BODY,
            f'{{"type":"{BODY}"}}',
            f'{{"type":"send","room_id":"lobby","ref":"x","{BODY}":1}}',
        ):
            await socket.raw.send(bad)
            spoken.said.append(json.dumps(await socket.receive()))
        await socket.call(type="send", room_id=LOBBY_ID, body=BODY)
    async with connect(person.node.ws_url) as raw:
        await raw.send(json.dumps({"type": "authenticate", "token": person.access_token[:-3]}))
        with suppress(Exception):
            spoken.said.append(str(await raw.recv()))
    for written in (
        frame(TEXT, BODY.encode() + b"\xff"),
        frame(TEXT, BODY.encode(), rsv=4),
        frame(5, BODY.encode()),
    ):
        async with peer(person.node, person.access_token) as opened:
            opened.writer.write(written)
            assert await opened.is_gone()


@pytest.fixture(params=["text", "json"])
async def told(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Spoken, str]:
    """The secrets, and everything that a server logged at level debug."""
    spoken = Spoken()
    settings = {
        "TAILWIRE_PORT": "0",
        "TAILWIRE_LOG_LEVEL": "debug",
        "TAILWIRE_LOG_FORMAT": request.param,
        "TAILWIRE_METRICS_TOKEN": METRICS,
        "TAILWIRE_SECRET": SECRET,
    }
    with (tmp_path / "log").open("wb") as log:
        async with serving(settings, tmp_path, log=log) as node:
            await invite(node, spoken)
            await live(node, spoken)
    code, out, err = await result(settings | {"TAILWIRE_SECRET": WRONG}, tmp_path, "serve")
    assert code
    return spoken, (tmp_path / "log").read_text() + out + err


async def test_no_log_line_metric_or_refusal_holds_a_secret(told: tuple[Spoken, str]) -> None:
    spoken, logged = told
    assert logged.count("/auth/login") >= 5  # the log was written
    assert len(spoken.secrets) >= 12
    assert len(spoken.said) >= 40
    everything = "\n".join([logged, *spoken.said])
    assert not [secret[:12] for secret in spoken.secrets if secret and secret in everything]
    assert not re.search(r"eyJ[\w-]+\.eyJ[\w-]+", everything)  # a token that we did not collect
