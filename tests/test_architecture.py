"""The shape of the code, held by one walk over its imports. docs/architecture.md explains the table."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EVERYTHING = ("*",)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # who: whom of api, from the top down. Every module has a row; a new one gets its row when it is made.
    # docs/architecture.md shows this table: run `make docs` after a change.
    "cli": EVERYTHING,
    "main": EVERYTHING,
    "doctor": ("config", "server", "secret", "store", "store.base", "models", "errors", "clock"),
    "server": ("protocol", "transport"),
    "routers.*": (
        *("deps", "commands", "connection", "http", "metrics", "schemas", "protocol", "models"),
        *("errors", "clock", "ids", "sink", "strict_json", "surface", "account_schemas", "export"),
        *("cookies", "limits", "policy", "openapi"),
    ),
    "deps": (
        *("accounts", "commands", "connection", "feed", "hub", "limits", "metrics", "pulse"),
        *("reads", "revocation", "security", "store.base", "models", "errors", "admin", "erasure"),
        *("address", "caps", "throttles", "policy", "schemas", "memory"),
    ),
    "surface": ("http", "errors", "address"),
    "schemas": ("accounts", "names", "protocol", "models"),
    "http": ("protocol", "strict_json", "errors", "ids"),
    "accounts": (
        *("security", "names", "weak_passwords", "store.base", "models", "errors", "clock", "ids"),
        *("audit",),
    ),
    "commands": (
        *("connection", "frames", "hub", "reads", "security", "sink", "store.base", "protocol"),
        *("failpoints", "models", "errors", "clock", "throttles", "policy", "memory"),
    ),
    "reads": ("loader", "replay", "store.base", "models"),
    "replay": ("store.base", "frames", "protocol"),
    "loader": ("errors",),
    "feed": ("hub", "revocation", "store.base", "protocol", "failpoints", "models", "errors", "clock"),
    "metrics": ("feed", "hub", "reads"),
    "revocation": ("hub", "store.base", "errors"),
    "pulse": ("connection", "hub", "protocol", "clock", "memory"),
    "hub": ("connection", "frames", "protocol", "models"),
    "connection": ("frames", "sink", "protocol", "models"),
    "sink": ("frames",),
    "limits": ("errors", "address", "memory"),
    "secret": ("store.base",),
    "security": ("protocol", "models", "errors", "ids"),
    "protocol": ("frames", "strict_json", "names", "models", "errors"),
    "store": ("store.base", "store.sqlite", "store.cluster", "errors"),
    "store.base": ("models", "errors"),
    "store.sqlite*": (
        *("store.sqlite*", "store.base", "store.fold", "store.paging", "store.shape", "failpoints"),
        *("models", "errors", "store.attempts"),
    ),
    "store.cluster*": (
        *("store.cluster*", "store.rethinkdb", "store.base", "store.fold", "store.paging"),
        *("store.shape", "failpoints", "models", "errors", "store.attempts"),
    ),
    "store.rethinkdb": ("models", "errors"),
    "store.fold": ("models", "errors"),
    "store.shape": ("models", "errors"),
    "store.paging": ("models", "errors"),
    "weak_passwords": ("names", "errors"),
    "names": ("models", "errors"),
    "strict_json": ("errors",),
    "transport": ("frames", "sink", "waits", "limits", "protocol"),
    "waits": (),
    "frames": (),
    "__init__": (),
    "routers": (),
    "config": (),
    "logs": (),
    "models": (),
    "errors": (),
    "clock": (),
    "failpoints": (),
    "ids": (),
    "account_schemas": ("models", "protocol", "schemas"),
    "admin": ("accounts", "audit", "clock", "errors", "models", "security", "store.base", "weak_passwords"),
    "audit": ("clock", "errors", "ids", "models", "store.base"),
    "erasure": ("clock", "errors", "models", "store.base"),
    "export": ("models", "protocol", "store.base", "errors"),
    "cookies": ("accounts", "deps", "errors", "http", "openapi"),
    "openapi": ("errors", "schemas"),
    "address": (),
    "caps": ("errors", "models", "store.base"),
    "store.attempts": (),
    "throttles": ("address", "clock", "errors", "limits", "names", "security", "store.base"),
    "policy": ("errors", "models"),
    "memory": ("errors",),
}

ONLY_THESE_MAY_USE: dict[str, tuple[str, ...]] = {
    # a library: the modules that know it. Storage and the core must run without the web framework, and a
    # library that is no longer developed stays behind one file.
    "fastapi": ("main", "cookies", "deps", "http", "routers.*"),
    "starlette": ("main", "deps", "http", "surface", "routers.*"),
    "uvicorn": ("server", "transport"),
    "websockets": ("transport",),
    "jose": ("security",),
    "passlib": ("security",),
    "argon2": ("security",),
    "rethinkdb": ("store.rethinkdb",),
    "apsw": ("store.sqlite*",),
    "sqlite3": (),
    "prometheus_client": ("metrics",),
    "zxcvbn": ("weak_passwords",),
    "confusable_homoglyphs": ("names",),
    "pydantic_settings": ("config",),
    "typer": ("cli",),
}

ONLY_CLI_IMPORTS = ("main",)
VAGUE_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "managers",
    "manager",
    "base_utils",
    "crud",
}
MOST_LINES = 400


def module_name(path: Path) -> str:
    """Name a file as the table does: `api/store/base/store.py` is store.base, `api/store/__init__.py` is store."""
    parts = list(path.relative_to(ROOT / "api").with_suffix("").parts)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    return ".".join(parts)


MODULES = {module_name(path): path for path in sorted((ROOT / "api").rglob("*.py"))}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[tuple[str, int]]:
    """Yield every name that a module imports, wherever in it, as (dotted name, line)."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{MODULES[module]}:{node.lineno}: say `from api...`, not `from .`"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def imports_of_ours(module: str) -> Iterator[tuple[str, int]]:
    """Yield the modules of api that a module imports, as the table names them."""
    for name, line in imports(module):
        if name.split(".")[0] != "api":
            continue
        parts = name.split(".")[1:]
        # `from api.store import paging` is an import of store.paging, not of store.
        while parts and ".".join(parts) not in MODULES:
            parts.pop()
        yield ".".join(parts) or "__init__", line


def is_any_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def where(module: str, line: int) -> str:
    return f"{MODULES[module].relative_to(ROOT)}:{line}"


def row_of(module: str) -> tuple[str, ...] | None:
    if module in MAY_IMPORT:
        return MAY_IMPORT[module]
    return next((row for pattern, row in MAY_IMPORT.items() if fnmatchcase(module, pattern)), None)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_row_allows(module: str) -> None:
    row = row_of(module)
    assert row is not None, f"api/{module} has no row in MAY_IMPORT: say there what it may know"
    wrong = [
        f"{where(module, line)}: {module} must not know {target}; only {', '.join(row) or 'nothing of api'}"
        for target, line in imports_of_ours(module)
        if target != module and not is_any_of(target, row)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_used_only_where_it_belongs(module: str) -> None:
    wrong = [
        f"{where(module, line)}: {library} belongs in {', '.join(allowed) or 'no module'} alone"
        for name, line in imports(module)
        for library, allowed in ONLY_THESE_MAY_USE.items()
        if name.split(".")[0] == library and not is_any_of(module, allowed)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", [name for name in MODULES if name != "cli"])
def test_only_the_command_line_imports_the_wiring(module: str) -> None:
    wrong = [
        f"{where(module, line)}: only cli imports {target}"
        for target, line in imports_of_ours(module)
        if target in ONLY_CLI_IMPORTS
    ]
    assert not wrong, "\n".join(wrong)


def test_the_import_table_names_no_circle() -> None:
    graph = {module: {target for target, _ in imports_of_ours(module)} - {module} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for target in sorted(graph[module]):
            # A package's __init__ opens its backends lazily, which is no circle at import.
            if not (module == "store" and target.startswith("store.")):
                visit(target, (*path, module))
        done.add(module)

    for module in graph:
        visit(module, ())


def reads_of_the_environment(module: str) -> Iterator[int]:
    """Yield the lines that read the environment; setting a TAILWIRE_ variable is not a read."""
    for node in ast.walk(tree(module)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Attribute) and child.attr in {"environ", "environb", "getenv"}:
                is_set = (
                    isinstance(node, ast.Subscript)
                    and isinstance(node.ctx, ast.Store)
                    and isinstance(node.slice, ast.Constant)
                    and str(node.slice.value).startswith("TAILWIRE_")
                )
                if not is_set:
                    yield child.lineno
    yield from (line for name, line in imports(module) if name in {"os.environ", "os.environb", "os.getenv"})


@pytest.mark.parametrize("module", [name for name in MODULES if name != "config"])
def test_only_config_reads_the_environment(module: str) -> None:
    wrong = [
        f"{where(module, line)}: make it a setting in api/config.py"
        for line in reads_of_the_environment(module)
    ]
    if module != "cli":
        wrong += [
            f"{where(module, node.lineno)}: only cli sets variables"
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "putenv"}
        ]
    assert not wrong, "\n".join(wrong)


def test_importing_any_module_touches_nothing() -> None:
    """Import everything in a process that refuses writing to files, sockets, processes and threads."""
    watch = """
import importlib, sys, threading

def hook(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise RuntimeError(f"opened for writing at import: {arguments[0]}")
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.fork", "os.mkdir", "os.remove"):
        raise RuntimeError(f"{event} at import")

sys.addaudithook(hook)
for name in sys.argv[1:]:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
"""
    names = ["api" if name == "__init__" else f"api.{name}" for name in MODULES]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-B", "-c", watch, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    is_empty_package = MODULES[module].name == "__init__.py" and not tree(module).body
    assert is_empty_package or ast.get_docstring(tree(module)), f"{where(module, 1)}: begin with one sentence"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_for_one_thing(module: str) -> None:
    assert not VAGUE_NAMES & set(module.split(".")), f"{module}: name the noun that it holds"


# -- files of every kind


def tracked_files() -> list[Path]:
    """List what git tracks, or would track; without git, everything that is not made by a tool."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout.decode()  # noqa: S603
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("not a git work tree")
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_of_code_is_too_long_to_read() -> None:
    wrong = [
        f"{path}: {count} lines, more than {MOST_LINES}: split it where a second reason to change appears"
        for path, text in texts()
        if path.parts[0] == "api" or path.parts[:2] == ("frontend", "src")
        if (count := len(text.splitlines())) > MOST_LINES
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_python_lock_names_no_address_and_has_every_hash(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    unhashed = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line) and not line.endswith("\\")]
    assert not unhashed, unhashed


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_python_lock_has_every_requirement(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    if name == "requirements-dev.lock":
        needed += project["dependency-groups"]["dev"]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / name).read_text(), re.MULTILINE))
    missing = {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in needed} - locked
    assert not missing, f"{name} lacks {missing}: run `make lock`"


def test_the_frontend_lock_names_no_address() -> None:
    def walk(value: object, path: tuple[str, ...]) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "resolved":
                    yield "/".join((*path, key))
                elif key != "funding":  # where the authors ask for money, which nothing downloads from
                    yield from walk(inner, (*path, key))
        elif isinstance(value, str) and "://" in value:
            yield "/".join(path)

    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    assert list(walk(lock, ())) == []


def test_the_frontend_lock_is_whole() -> None:
    """A registry that lacks a build for some other platform makes npm leave it out, and `npm ci` fails."""
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    locked = {name.rpartition("node_modules/")[2] for name in packages}
    needed = {
        name
        for package in packages.values()
        for kind in ("dependencies", "optionalDependencies")
        for name in package.get(kind, {})
    }
    assert sorted(needed - locked) == []


def test_no_tracked_file_holds_a_path_of_one_machine() -> None:
    machine = re.compile(r"(?<![\w.*/-])/(?:home|root|Users|work|mnt)/\w")
    wrong = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if machine.search(line) or (len(ROOT.parts) > 2 and str(ROOT) in line)
    ]
    assert not wrong, "\n".join(wrong)
