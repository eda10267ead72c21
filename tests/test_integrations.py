"""Every command and program of docs/integrations/ is run, page by page, against a real server."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.node import PASSWORD
from tests.rethinkdb_server import free_port
from tests.test_docs import ROOT, blocks, served_address

__all__ = ["served_address"]  # a fixture

PAGES: Final = sorted((ROOT / "docs" / "integrations").glob("*.md"))
SAYS: Final = {
    # What running a page must print, in order.
    "README.md": [
        '"body":"Release 4711 is \\*\\*out\\*\\*\\."',
        '"items":.*"epoch":.*"token":',
        r"\d+ message Hello from Python\.",
        '"type":"/problems/not_found"',
        "It does not exist, or you may not know of it",
        '(?i)ratelimit-policy: "requests";q=500;w=5',
    ],
    "bots.md": [
        '"username":"ada"',
        '"is_bot":true',
        '"body":"Rain until noon\\."',
        '"code":"unauthorized"',
    ],
    "hooks.md": ["ok"],
    "webhooks.md": [
        r"verified message Order 4711 came in\.",
        '"outcome":"down"',
        r"(?s)(a stranger gets 401 and 401\n.*){6}",
        r"verified by node Order 4712 came in\.",
        r"verified by a library message Order 4713 came in\.",
    ],
    "mcp.md": [
        r'"is_new\\":true.*The report is ready\.',
        r"\['list_rooms', 'read_room', 'search', 'get_message', 'who', 'wait', 'send_message'\]",
        '"notice":".*untrusted.*"body":"The report is ready\\."',
    ],
    "client.md": [
        r"shown by Python: \['Message 1', 'Message 2', 'Message 3'\]",
        r'shown by JavaScript: \["Message 1","Message 2","Message 3"\]',
        '"items":.*"body":"While you were away".*"type":"live"',
    ],
    "consumers.md": ['"body":"Is there an echo\\?"', '"ref":"echo:lobby:\\d+"', '"lag":\\d'],
}
AFTER: Final = {
    "webhooks.md": r"""
stranger() {  # posts what is not signed, without the headers and with ones that make no sense
  until curl -s -o /dev/null -w 'a stranger gets %{http_code} ' http://127.0.0.1:$1/ -d '{}'; do sleep 0.2; done
  curl -s -o /dev/null -w 'and %{http_code}\n' http://127.0.0.1:$1/ -d '{}' -H 'webhook-id: 1' \
    -H "webhook-timestamp: ${2:-$(date +%s)}" -H 'webhook-signature: v2 v1,é v1,'
}
stranger $PORT
stranger $PORT soon
AT=$((PORT + 1))
curl -fsS $TAILWIRE/rooms/$ROOM/webhooks -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d "{\"url\": \"http://127.0.0.1:$AT/\", \"kinds\": [\"message\"]}" > webhook.json
export WEBHOOK_SECRET=$(python3 -c 'import json; print(json.load(open("webhook.json"))["secret"])')
node receiver.mjs $AT > by-node.txt &
stranger $AT
stranger $AT soon
curl -fsS $TAILWIRE/rooms/$ROOM/messages -H "Authorization: Bearer $TOKEN" \
  -H 'Content-Type: application/json' -d '{"ref": "2", "body": "Order 4712 came in."}'
until grep -q 'Order 4712' by-node.txt; do sleep 0.2; done
cat by-node.txt
AT=$((PORT + 2))
curl -fsS $TAILWIRE/rooms/$ROOM/webhooks -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d "{\"url\": \"http://127.0.0.1:$AT/\", \"kinds\": [\"message\"]}" > webhook.json
export WEBHOOK_SECRET=$(python3 -c 'import json; print(json.load(open("webhook.json"))["secret"])')
python3 library.py $AT > by-library.txt &
stranger $AT
stranger $AT soon
curl -fsS $TAILWIRE/rooms/$ROOM/messages -H "Authorization: Bearer $TOKEN" \
  -H 'Content-Type: application/json' -d '{"ref": "3", "body": "Order 4713 came in."}'
until grep -q 'Order 4713' by-library.txt; do sleep 0.2; done
cat by-library.txt
"""
}
"""What else is run after a page, with what it has made: the programs that it offers instead of others."""
RUN_BY: Final = {"python": "python3", "js": "node"}
FIRST: Final = "README.md"
SECONDS: Final = 90


def script_of(page: Path, directory: Path) -> str:
    """Return the commands of a page as one script.

    A program with a name in its first line is saved under it, and run by the commands; any other is run in its place.
    """
    commands = list[str]()
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
        if language in {"sh", "bash"}:
            commands.append(text)
        elif language in RUN_BY:
            named = re.match(r"(?:#|//) (\w+\.\w+)\n", text)
            name = f"program-{len(commands)}" if named is None else named[1]
            (directory / name).write_text(text)
            if named is None:
                commands.append(f"{RUN_BY[language]} {name}")
        else:
            assert language in {"text", "json", "toml"}, f"{page.name}: nothing runs ```{language}"
    commands.append(AFTER.get(page.name, ""))
    return "\n".join(["set -euo pipefail", "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT", *commands])


@pytest.fixture
def token(served_address: str) -> str:
    """The token of an account, as the first page makes one."""
    account = {"username": "ada", "password": PASSWORD}
    answer = httpx.post(f"http://{served_address}/auth/signup", json=account).raise_for_status()
    return str(answer.json()["access_token"])


@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("bash") is None, reason="the pages use curl and a shell"
)
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_can_be_followed_from_top_to_bottom(
    page: Path, served_address: str, token: str, tmp_path: Path
) -> None:
    if "node " in AFTER.get(page.name, "") + page.read_text() and shutil.which("node") is None:
        pytest.skip("a program of this page needs node")
    if "from mcp." in page.read_text() and find_spec("mcp") is None:
        pytest.skip("a program of this page needs mcp")
    place = tmp_path / "scratch"
    place.mkdir()
    environment = {
        "TAILWIRE": f"http://{served_address}",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(place),
        "PORT": str(free_port()),
        "NODE_OPTIONS": "--experimental-websocket --no-warnings",  # Node 20 has sockets by this alone
        **({} if page.name == FIRST else {"TOKEN": token}),
    }
    ran = subprocess.run(  # noqa: S603
        ["/usr/bin/env", "bash", "-c", script_of(page, place)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    for wanted in SAYS[page.name]:
        assert re.search(wanted, ran.stdout), f"{wanted} is not in:\n{ran.stdout}\n{ran.stderr}"
    assert token not in ran.stdout + ran.stderr
    if shown := [one for one in blocks(page, "text") if one.startswith("> ")]:
        require_frames(frames_in(ran.stdout), frames_in(shown[0]))


def frames_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what goes over the wire, as `client.md` writes it: what stands before the JSON of each line, and the JSON.

    The type of a frame counts as standing before it. Numbers in an address do not count.
    """
    found = []
    for line in text.splitlines():
        if line.startswith(("> ", "< ")):
            head, brace, rest = line.partition("{")
            body = json.loads(brace + rest) if brace else {}
            found.append((re.sub(r"=\d+", "=", f"{head.strip()} {body.get('type', '')}".strip()), body))
    return found


def require_frames(sent: list[tuple[str, dict[str, Any]]], shown: list[tuple[str, dict[str, Any]]]) -> None:
    """Require that programs sent and got the frames that a page shows, each of them all. They may have more fields."""
    assert len(sent) % len(shown) == 0
    for place, (head, body) in enumerate(sent):
        wanted, example = shown[place % len(shown)]
        assert head == wanted
        assert has_fields_of(body, example), f"{head} lacks fields of:\n{example}"


def has_fields_of(value: object, example: object) -> bool:
    if isinstance(example, dict):
        return isinstance(value, dict) and all(
            name in value and has_fields_of(value[name], one) for name, one in example.items()
        )
    if isinstance(example, list) and example and isinstance(value, list):
        return all(has_fields_of(one, example[0]) for one in value)
    return True


def test_every_page_is_named_on_the_first() -> None:
    first = (ROOT / "docs" / "integrations" / FIRST).read_text()
    assert [page.name for page in PAGES if page.name != FIRST and f"({page.name})" not in first] == []


MCP_PAGE: Final = ROOT / "docs" / "integrations" / "mcp.md"


def configurations_of_mcp() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address and the headers of each configuration of a client that docs/integrations/mcp.md shows."""
    read: list[Any] = [json.loads(one) for one in blocks(MCP_PAGE, "json")]
    read += [tomllib.loads(one) for one in blocks(MCP_PAGE, "toml")]
    for configuration in read:
        (servers,) = [value for name, value in configuration.items() if "servers" in name.lower()]
        server = servers["tailwire"]
        variable = server.get("bearer_token_env_var")
        yield (
            server["url"],
            server["headers"] if variable is None else {"Authorization": f"Bearer ${{{variable}}}"},
        )
    (command,) = [shlex.split(one) for one in blocks(MCP_PAGE, "text") if "mcp add" in one]
    name, _, value = command[command.index("--header") + 1].partition(": ")
    yield next(one for one in command if one.startswith("https:")), {name: value}


def test_each_configuration_of_a_client_of_mcp_reaches_the_tools(served_address: str, token: str) -> None:
    tried = 0
    for address, headers in configurations_of_mcp():
        assert address.startswith("https://chat.example.org/")
        assert list(headers) == ["Authorization"]
        filled = re.sub(r"\$(\{[\w:-]+\}|\w+)", token, headers["Authorization"])
        assert filled == f"Bearer {token}"
        answer = httpx.post(
            address.replace("https://chat.example.org", f"http://{served_address}"),
            headers={"Authorization": filled},
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        )
        assert "send_message" in answer.text
        tried += 1
    assert tried == 5
