"""The documents say what the code says. `make docs` renews what is generated."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from types import NoneType
from typing import get_args, get_type_hints

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from starlette.routing import BaseRoute
from websockets.asyncio.client import connect

import api
from api import errors
from api.accounts.scopes import LOG_IN, MANAGE, MANAGE_ALL, READ, READ_OR_WRITE, WRITE, Needs
from api.config import Settings, all_settings
from api.http.bodies.accounts import Me
from api.http.bodies.messages import MessageOut
from api.http.bodies.rooms import MemberOut, RoomOut
from api.http.bodies.server import LimitsOut
from api.http.bodies.sessions import SessionOut
from api.http.bodies.tokens import BotOut, MadeTokenOut
from api.http.caller import identify_caller
from api.http.scopes import needs_of
from api.http.tools import TOOLS
from api.main import create_app
from api.models.accounts import Audited, Scope
from api.models.kinds import KINDS
from api.models.rooms import Role
from api.protocol.close_codes import CLOSINGS, CloseCode
from api.protocol.commands import Command
from api.protocol.events import ClientLimits, OtherEvent
from api.rooms import policy
from api.rooms.operations import Operation
from tests.contract import documents as contracts
from tests.contract import typescript
from tests.node import PASSWORD, Node, Socket
from tests.rethinkdb_server import free_port
from tests.test_architecture import EVERYTHING, GROUND, MAY_IMPORT, MODULES

ROOT = Path(__file__).parent.parent
CONFIGURATION = ROOT / "docs" / "configuration.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PERMISSIONS = ROOT / "docs" / "permissions.md"
PROTOCOL = ROOT / "docs" / "protocol.md"
OPERATIONS = ROOT / "docs" / "operations.md"


def documents() -> list[Path]:
    return sorted(
        [
            *ROOT.glob("*.md"),
            *(ROOT / "docs").rglob("*.md"),
            *(ROOT / "sdk").glob("*/*.md"),
            ROOT / "conformance" / "README.md",
        ]
    )


def shown_default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        raise TypeError("a secret has no default")
    if value is None or value == ():
        return "unset"
    return f"`{value}`"


def table_of_settings() -> str:
    """Return the table of docs/configuration.md, made from the fields of `Settings`."""
    lines = ["| variable | default | what |", "|---|---|---|"]
    for name, field in all_settings().items():
        assert field.description, f"api/config/__init__.py: describe {name}"
        lines.append(f"| `TAILWIRE_{name.upper()}` | {shown_default(field)} | {field.description} |")
    return "\n".join(lines)


def tree_of_folders() -> str:
    """Return the tree of docs/architecture.md, made from the first sentence of every folder's and file's docstring."""
    folders = sorted(path.parent for path in MODULES.values() if path.name == "__init__.py")
    lines = ["```"]
    for folder in folders:
        depth = len(folder.relative_to(ROOT).parts) - 1
        lines.append(_line_of_tree(folder / "__init__.py", f"{folder.name}/", depth))
        files = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        lines += [_line_of_tree(path, path.name, depth + 1) for path in files]
    return "\n".join([*lines, "```"])


def _line_of_tree(path: Path, name: str, depth: int) -> str:
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    return f"{'  ' * depth + name:<24} {' '.join(said.split(chr(10) * 2)[0].split())}"


def table_of_imports() -> str:
    """Return the table of imports of docs/architecture.md, made from `MAY_IMPORT`."""
    lines = ["| folder or file | may import, besides itself and the ground |", "|---|---|"]
    for part, row in MAY_IMPORT.items():
        if part not in GROUND:
            allowed = "everything" if row == EVERYTHING else ", ".join(row) or "nothing"
            lines.append(f"| {part} | {allowed} |".replace("*", r"\*"))
    lines.append(f"| the ground: {', '.join(GROUND)} | nothing |")
    return "\n".join(lines)


def tables_of_permissions() -> str:
    """Return the tables of docs/permissions.md: who may do what, and which roles a role gives and takes."""
    relations: list[policy.Relation] = [*Role, *policy.Insider, *policy.Outsider]

    def answer(operation: Operation, relation: policy.Relation) -> str:
        if relation in policy.WHO_MAY[operation]:
            return "yes"
        is_hidden = isinstance(relation, policy.Outsider) and relation is not policy.Outsider.BANNED
        return "404" if is_hidden else "403"

    lines = [f"| | {' | '.join(relations)} |", f"|---|{'---|' * len(relations)}"]
    lines += [
        f"| {operation} | {' | '.join(answer(operation, relation) for relation in relations)} |"
        for operation in Operation
    ]
    lines += ["", "| role | gives, and takes from those who have them |", "|---|---|"]
    for role, governed in policy.GOVERNS.items():
        lines.append(f"| {role} | {', '.join(one for one in Role if one in governed) or 'none'} |")
    return "\n".join(lines)


def table_of_scopes() -> str:
    """Return the table of docs/permissions.md that says which scope the token of a program needs for what."""
    routes: dict[Needs, list[str]] = {}
    for route in routes_of_callers(create_app(Settings(store="sqlite:///unused"))):
        needs = needs_of(route.endpoint)
        assert needs is not None, (
            f"{route.path}: say beside the route what a token needs (api/http/scopes.py)"
        )
        routes.setdefault(needs, []).append(f"{' '.join(sorted(route.methods or ()))} {route.path}")
    commands: dict[frozenset[Scope], list[str]] = {}
    for command in get_args(Command):
        commands.setdefault(command.scopes, []).extend(get_args(command.model_fields["type"].annotation))
    tools: dict[Needs, list[str]] = {}
    for tool in TOOLS.values():
        tools.setdefault(tool.needs, []).append(f"`{tool.name}`")
    lines = ["| needs | over HTTP | commands | tools of /mcp |", "|---|---|---|---|"]
    for needs in (READ, WRITE, READ_OR_WRITE, MANAGE, MANAGE_ALL, LOG_IN):
        name = " or ".join(f"`{one}`" for one in sorted(needs.scopes)) or "a log-in"
        paths = "<br>".join(sorted(routes.pop(needs), key=lambda one: one.split()[::-1]))
        sent = [] if needs.all_rooms else commands.pop(needs.scopes, [])
        used = ", ".join(tools.pop(needs, []))
        lines.append(
            f"| {name}{', for all rooms' if needs.all_rooms else ''} | {paths} |"
            f" {', '.join(f'`{one}`' for one in sent)} | {used} |"
        )
    assert not routes
    assert not tools
    (sent,) = commands.values()
    lines.append(f"| any token | | {', '.join(f'`{one}`' for one in sent)} | |")
    return "\n".join(lines)


def routes_of_callers(app: FastAPI) -> list[APIRoute]:
    """Return the routes that only a caller with a token may use."""

    def asks_who(dependant: Dependant) -> bool:
        return dependant.call is identify_caller or any(map(asks_who, dependant.dependencies))

    def all_of(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
        for one in routes:
            if isinstance(one, APIRoute):
                yield one
            elif (router := getattr(one, "original_router", None)) is not None:
                yield from all_of(router.routes)

    return [one for one in all_of(app.routes) if asks_who(one.dependant)]


def test_the_frontend_offers_the_roles_that_the_server_lets_give() -> None:
    text = (ROOT / "frontend" / "src" / "rooms" / "permissions.ts").read_text()
    rows = re.findall(r"^  (\w+): \[(.*)\],$", text, re.MULTILINE)
    offered = {role: set(re.findall(r"'(\w+)'", roles)) for role, roles in rows}
    assert offered == {role: set(governed) for role, governed in policy.GOVERNS.items()}


WORDS = {
    str: "text",
    int: "whole number",
    bool: "true or false",
    list: "list",
    dict: "object",
    NoneType: "null",
}


def table_of_kinds() -> str:
    """Return the table of docs/protocol.md, made from the kinds of entries."""
    lines = ["| kind | its own fields | what it says |", "|---|---|---|"]
    for kind, shape in KINDS.items():
        fields = ["`ref`: text or null"] if shape.sends_ref else []
        fields += [
            f"`{name}`: {' or '.join(WORDS[one] for one in field.types)}"
            for name, field in shape.fields.items()
        ]
        lines.append(f"| `{kind}` | {', '.join(fields)} | {shape.what} |")
    return "\n".join(lines)


def table_of_close_codes() -> str:
    """Return the table of docs/protocol.md, made from the close codes."""
    lines = ["| code | meaning | what a client does |", "|---|---|---|"]
    lines += [f"| {int(code)} | {one.meaning} | {one.client} |" for code, one in CLOSINGS.items()]
    return "\n".join(lines)


def test_the_frontend_has_words_for_every_event_of_the_audit_log() -> None:
    text = (ROOT / "frontend" / "src" / "admin" / "audit_words.ts").read_text()
    assert [event.value for event in Audited if f"['{event.value}', [" not in text] == []


def file_of_deploy(name: str) -> tuple[str, Callable[[], str]]:
    """Return the source and the block of a file that docs/operations.md shows whole."""
    language = {".conf": "nginx", ".service": "ini"}.get(Path(name).suffix, "")
    path = ROOT / "docs" / "deploy" / name
    return f"docs/deploy/{name}", lambda: f"```{language}\n{path.read_text()}```"


def test_every_file_of_deploy_is_shown() -> None:
    shown = {source.removeprefix("docs/deploy/") for source in GENERATED[OPERATIONS]}
    assert shown == {path.name for path in (ROOT / "docs" / "deploy").iterdir()}


GENERATED: dict[Path, dict[str, Callable[[], str]]] = {
    # A document: for each generated part its source, as the comment before it says, and the function that makes it.
    CONFIGURATION: {"api/config/__init__.py": table_of_settings},
    ARCHITECTURE: {"the docstrings of api/": tree_of_folders, "tests/test_architecture.py": table_of_imports},
    PERMISSIONS: {
        "api/rooms/policy.py": tables_of_permissions,
        "api/routers/ and api/protocol/commands.py": table_of_scopes,
    },
    PROTOCOL: {"api/models/kinds.py": table_of_kinds, "api/protocol/close_codes.py": table_of_close_codes},
    OPERATIONS: dict(
        file_of_deploy(name)
        for name in (
            "nginx.conf",
            "nginx-behind-a-proxy.conf",
            "nginx-path.conf",
            "Caddyfile",
            "Caddyfile-path",
            "tailwire.service",
        )
    ),
}


def with_fresh_parts(path: Path) -> str:
    """Return a document with its generated parts made anew."""
    text = path.read_text()
    for source, make in GENERATED[path].items():
        begin = f"<!-- made by `make docs` from {source} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{make()}\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    return text


def blocks(path: Path, language: str) -> list[str]:
    """Return a document's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def links(path: Path) -> Iterator[str]:
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
    yield from re.findall(r'(?:src|srcset|href)="([^"]+)"', text)


def all_errors(
    root: type[errors.TailwireError] = errors.TailwireError,
) -> Iterator[type[errors.TailwireError]]:
    yield root
    for child in root.__subclasses__():
        yield from all_errors(child)


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_every_generated_part_is_fresh(path: Path) -> None:
    assert path.read_text() == with_fresh_parts(path), f"docs/{path.name} is behind: run `make docs`"


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    for link in links(path):
        target = link.split("#")[0]
        if target and "://" not in target:
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} points to {link}"


def test_the_list_for_language_models_has_every_document_that_users_read() -> None:
    named = set(re.findall(r"\]\(([^)]+)\)", (ROOT / "llms.txt").read_text()))
    assert [one for one in named if not (ROOT / one).exists()] == []
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "integrations").glob("*.md")]
    assert {path.relative_to(ROOT).as_posix() for path in pages} - named == set()


@pytest.mark.anyio
async def test_the_list_of_a_server_for_language_models_names_what_is_there(sqlite_node: Node) -> None:
    named = re.findall(r"\]\(([^)]+)\)", (ROOT / "frontend" / "public" / "llms.txt").read_text())
    found = {one: (await sqlite_node.client().get(f"/{one}")).status_code for one in named}
    assert found == {"openapi.json": 200, "asyncapi.json": 200, "server": 200, "mcp": 405}


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_variable_that_a_document_names_exists(path: Path) -> None:
    compose = "".join(path.read_text() for path in ROOT.glob("compose*.yaml"))
    known = {f"TAILWIRE_{name.upper()}" for name in Settings.model_fields} | {"TAILWIRE_ADMIN"}
    known |= set(re.findall(r"\$\{(TAILWIRE_\w+)", compose))
    assert set(re.findall(r"TAILWIRE_[A-Z_]*[A-Z]", path.read_text())) <= known


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_make_target_that_a_document_names_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^ *|&& )make ([a-z]+)\b", path.read_text(), re.MULTILINE))
    assert named <= targets


def test_every_error_code_is_in_the_protocol() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    missing = [error.code for error in all_errors() if f"`{error.code}`" not in text]
    assert not missing


def served() -> str:
    """Return docs/protocol.md without the reserved names."""
    return (ROOT / "docs" / "protocol.md").read_text().split("## Reserved")[0]


def test_every_close_code_is_in_the_protocol() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", served(), re.MULTILINE)
    documented = {int(code) for row in rows for code in row.split(",")}
    assert {int(code) for code in CloseCode} - {1000} <= documented


def test_the_protocol_has_the_commands_that_are_served_and_their_fields() -> None:
    table = served().split("### Commands")[1].split("### Events")[0]
    documented = {
        name: set(re.findall(r"`(\w+)`", fields))
        for name, fields in re.findall(r"^\| `(\w+)` \|([^|]*)\|", table, re.MULTILINE)
    }
    commands = {
        name: set(model.model_fields) - {"type"}
        for model in get_args(Command)
        for name in model.model_fields["type"].annotation.__args__
    }
    assert set(documented) == set(commands)
    for name, fields in commands.items():
        assert documented[name] | {"ref"} == fields | {"ref"}, name


def test_the_protocol_has_the_events_that_are_served_and_their_fields() -> None:
    table = served().split("### Events")[1].split("`error` has the codes")[0]
    documented = {
        name: set(re.findall(r"`(\w+)`", fields))
        for name, fields in re.findall(r"^\| `(\w+)` \|([^|]*)\|", table, re.MULTILINE)
    }
    events = {get_args(get_type_hints(event)["type"])[0]: event for event in get_args(OtherEvent)}
    assert documented.keys() == events.keys()
    for name, event in events.items():
        assert event.__required_keys__ <= documented[name] | {"type"} <= set(event.__annotations__), name


def test_the_protocol_has_the_routes_that_are_served() -> None:
    paths = create_app(Settings(store="sqlite:///unused")).openapi()["paths"]
    real = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    http = served().split("## HTTP")[1].split("## WebSocket")[0]
    documented = set(re.findall(r"^\| ((?:GET|POST|PUT|PATCH|DELETE) /[^ |,?]*)", http, re.MULTILINE))
    assert documented - {"GET /openapi.json"} == real


def rows_of_fields() -> dict[str, set[str]]:
    """Return the table of fields of docs/protocol.md."""
    table = served().split("### Fields")[1].split("### The server")[0]
    return {
        what: set(re.findall(r"`(\w+)`", fields))
        for what, fields in re.findall(r"^\| ([^|]+) \| ([^|]*) \|$", table, re.MULTILINE)
    }


def test_the_protocol_has_the_fields_of_what_it_answers_with() -> None:
    documented = rows_of_fields()
    models: dict[str, type[BaseModel]] = {
        "user": Me,
        "room": RoomOut,
        "member": MemberOut,
        "message": MessageOut,
        "session": SessionOut,
        "token": MadeTokenOut,
        "bot": BotOut,
        "`limits` of `ready` and GET /server": LimitsOut,
    }
    for what, model in models.items():
        assert documented[what] == set(model.model_fields), what
    assert set(get_type_hints(ClientLimits)) == set(LimitsOut.model_fields)


def conversation() -> list[tuple[str, dict[str, object]]]:
    """Return the example of docs/protocol.md: who sends, and what."""
    (text,) = blocks(PROTOCOL, "text")
    return [(line[0], json.loads(line[2:])) for line in text.splitlines()]


def shape(value: object) -> object:
    """Return the names of all fields, also of inner objects, without their values."""
    return {name: shape(one) for name, one in value.items()} if isinstance(value, dict) else None


@pytest.mark.anyio
async def test_the_conversation_of_the_protocol_is_one_that_the_server_holds(sqlite_node: Node) -> None:
    ada = await sqlite_node.sign_up("ada")
    said = conversation()
    async with connect(sqlite_node.ws_url) as raw:
        socket = Socket(raw)
        for place, (who, frame) in enumerate(said):
            if who == "<":
                continue
            real = {"token": ada.access_token} if frame["type"] == "authenticate" else {}
            if frame["type"] == "read":
                del frame["epoch"]  # the example's is not the room's
            await socket.send(**frame | real)
            answers = list(takewhile(lambda one: one[0] == "<", said[place + 1 :]))
            got = [await socket.receive() for _ in answers]
            by_type = itemgetter("type")
            expected = sorted((answer for _, answer in answers), key=by_type)
            assert [(one["type"], shape(one)) for one in sorted(got, key=by_type)] == [
                (one["type"], shape(one)) for one in expected
            ]


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert versions[0] == project["version"] == api.__version__


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_piece_of_python_is_python(path: Path) -> None:
    for block in blocks(path, "python"):
        compile(block, str(path), "exec")


@pytest.fixture
def served_address(tmp_path: Path) -> Iterator[str]:
    """Run `tailwire serve` as a newcomer would, on a free port, and return host and port."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TAILWIRE_")},
        "TAILWIRE_PORT": str(free_port()),  # links have it
        "TAILWIRE_STORE": f"sqlite:///{tmp_path / 'tailwire.db'}",
        "TAILWIRE_WEBHOOK_ALLOW": "127.0.0.0/8",
    }
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            lines = (re.search(r"http://(\S+)", line) for line in server.stdout)
            found = next((match for match in lines if match), None)
            assert found is not None, (tmp_path / "log").read_text()
            yield found[1]
        finally:
            server.terminate()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's tour uses curl")
def test_the_tour_of_the_readme_works_and_ends_with_ctrl_c(served_address: str, tmp_path: Path) -> None:
    sign_up, history = (
        block.replace("127.0.0.1:8000", served_address) for block in blocks(ROOT / "README.md", "sh")
    )
    (tour,) = blocks(ROOT / "README.md", "python")
    for name in ("ada", "bob"):  # those whom the picture shows: a reader may have taken their names
        taken = {"username": name, "password": PASSWORD}
        httpx.post(f"http://{served_address}/auth/signup", json=taken).raise_for_status()
    (tmp_path / "tour.py").write_text(tour.replace("127.0.0.1:8000", served_address))
    environment = {**os.environ, "PYTHON": sys.executable}
    script = f'set -eu\n{sign_up}\necho "$TOKEN"; exec "$PYTHON" -u tour.py'
    with subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as touring:
        assert touring.stdout is not None
        environment["TOKEN"] = touring.stdout.readline().strip()
        events = [json.loads(touring.stdout.readline()) for _ in range(5)]
        touring.send_signal(signal.SIGINT)
        _, err = touring.communicate(timeout=60)
    assert (touring.returncode, err) == (0, "")
    assert [event["type"] for event in events[:3]] == ["ready", "ack", "live"]
    assert sorted(event["type"] for event in events[3:]) == ["ack", "message"]
    page = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", history], env=environment, capture_output=True, check=True, timeout=60
    )
    assert [item["body"] for item in json.loads(page.stdout)["items"]] == ["Hello!"]


def test_the_readme_needs_no_option_of_curl_that_is_younger_than_2020() -> None:
    """`--json` came with curl 7.82, in 2022; Debian 11 and RHEL 8 have older ones."""
    asked = [line for path in documents() for block in blocks(path, "sh") for line in block.splitlines()]
    assert any(line.startswith("curl") or "$(curl" in line for line in asked)
    assert not [line for line in asked if re.search(r" --(json|url-query|variable|fail-with-body)\b", line)]


if __name__ == "__main__":
    for document in GENERATED:
        document.write_text(with_fresh_parts(document))
    contracts.renew()
    typescript.renew()
