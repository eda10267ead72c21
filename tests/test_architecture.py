"""The shape of the code: imports, and the length and names of files. docs/architecture.md explains the table."""

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
GROUND = ("address", "clock", "config", "errors", "failpoints", "ids", "logs")
"""These import nothing of `api`, and everybody may import them."""

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    # A folder of api/, or a file beside the folders: what it may import besides itself and GROUND. A row names
    # only rows below it, so no import goes upwards and there is no circle. A row may name one file of a folder.
    # `store` is api/store/__init__.py, which opens a store; `store.*` are the files that both stores use.
    # docs/architecture.md shows this table: run `make docs` after a change.
    "__main__": ("cli",),
    "main": EVERYTHING,
    "node": EVERYTHING,
    "cli": EVERYTHING,
    "routers": ("http", "http.bodies"),
    "http": ("http.bodies", "realtime", "rooms", "accounts", "limits", "protocol"),
    "http.bodies": ("accounts", "protocol", "models"),
    "metrics": (),
    "feed": ("realtime", "store.base", "models"),
    "server": ("realtime", "limits", "protocol"),
    "realtime": ("rooms", "accounts", "limits", "store.reads", "store.base", "protocol", "models"),
    "rooms": ("limits", "search", "files", "store.reads", "store.fold", "store.base", "models"),
    "jobs": ("links", "files", "limits", "store.base", "protocol", "models"),
    "links": ("limits", "files", "guard", "models"),
    "accounts": ("limits", "store.loader", "store.reads", "store.base", "protocol", "models"),
    "limits": ("store.base", "models"),
    "tasks": (),
    "search": ("store.base", "models"),
    "store": ("store.sqlite", "store.cluster", "store.base"),
    "store.sqlite": ("store.*", "store.base", "models"),
    "store.cluster": ("store.*", "store.base", "models"),
    "store.*": ("store.base", "models"),
    "store.base": ("models",),
    "protocol": ("models",),
    "models": (),
    "files": (),
    "guard": (),
    **dict.fromkeys(GROUND, ()),
}
MOST_PARTS, MOST_ARROWS = 33, 142
"""The greatest number of folders and files in the table, and of pairs of them that know each other."""

ONLY_THESE_MAY_USE: dict[str, tuple[str, ...]] = {
    # A library: the modules that may import it. The store and the core must run without the web framework. A
    # library that is no longer developed stays behind one file.
    "fastapi": ("main", "http.*", "routers.*"),
    "starlette": ("main", "http.*", "routers.*"),
    "uvicorn": ("server.*",),
    "websockets": ("server.websocket",),
    "jose": ("accounts.session_tokens",),
    "passlib": ("accounts.passwords",),
    "argon2": ("accounts.passwords",),
    "rethinkdb": ("store.rethinkdb",),
    "apsw": ("store.sqlite.*", "search.*"),
    "sqlite3": (),
    "prometheus_client": ("metrics.*",),
    "zxcvbn": ("accounts.weak_passwords",),
    "confusable_homoglyphs": ("accounts.names",),
    "pydantic_settings": ("config", "config.machines", "config.searching", "config.files", "config.links"),
    "httpcore": ("guard", "guard.*"),
    "obstore": ("files.s3", "files.bucket", "files.whole"),
    "idna": ("config.hosts",),
    "PIL": ("files.picture_process",),
    "typer": ("cli", "cli.*"),
}

ONLY_ONE_IMPORTS = {"main": "cli", "node": "main"}
"""What wires the parts, and the only module that imports it."""
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
    """Yield every name that a module imports, also inside functions, as (dotted name, line)."""
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


def part_of(module: str) -> str:
    """Return the row that a module belongs to: its folder, or itself beside the folders."""
    folder, _, name = module.rpartition(".")
    while folder and folder not in MAY_IMPORT:
        folder = folder.rpartition(".")[0]
    if module in MAY_IMPORT:
        return module
    return "store.*" if folder == "store" and name else folder or module


def arrows() -> dict[tuple[str, str], list[str]]:
    """Return the pairs of folders and files beside them that know each other, with the places."""
    found: dict[tuple[str, str], list[str]] = {}
    for module in MODULES:
        for target, line in imports_of_ours(module):
            pair = (part_of(module).removesuffix(".*"), part_of(target).removesuffix(".*"))
            if module != "__init__" != target and pair[0] != pair[1]:
                found.setdefault(pair, []).append(where(module, line))
    return found


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_a_module_imports_only_what_its_row_allows(module: str) -> None:
    part = part_of(module)
    row = MAY_IMPORT.get(part)
    assert row is not None, f"api/{module} has no row in MAY_IMPORT: say there what it may know"
    wrong = [
        f"{where(module, line)}: {part} must not know {target}; only {', '.join(row) or 'the ground'}"
        for target, line in imports_of_ours(module)
        if row != EVERYTHING and target != "__init__"
        if not {target, part_of(target)} & {part, *row, *(GROUND if part not in GROUND else ())}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_of_imports_goes_downwards() -> None:
    order = list(MAY_IMPORT)
    wrong = [
        f"{part} names {allowed}, which is not below it"
        for part, row in MAY_IMPORT.items()
        for allowed in row
        if row != EVERYTHING and order.index(part_of(allowed)) <= order.index(part)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_of_imports_allows_nothing_that_nobody_uses() -> None:
    used = {
        (part_of(module), name)
        for module in MODULES
        for target, _ in imports_of_ours(module)
        for name in (target, part_of(target))
    }
    unused = [
        f"{part} may import {name}, and does not"
        for part, row in MAY_IMPORT.items()
        for name in row
        if row != EVERYTHING and (part, name) not in used
    ]
    assert not unused, "\n".join(unused)


def test_the_house_stays_small_enough_to_be_read() -> None:
    found = arrows()
    parts = {part for pair in found for part in pair}
    assert len(parts) <= MOST_PARTS, sorted(parts)
    assert len(found) <= MOST_ARROWS, sorted(found)


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_used_only_where_it_belongs(module: str) -> None:
    wrong = [
        f"{where(module, line)}: {library} belongs in {', '.join(allowed) or 'no module'} alone"
        for name, line in imports(module)
        for library, allowed in ONLY_THESE_MAY_USE.items()
        if name.split(".")[0] == library and not is_any_of(module, allowed)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("module", MODULES)
def test_the_wiring_is_imported_from_above_only(module: str) -> None:
    wrong = [
        f"{where(module, line)}: only {ONLY_ONE_IMPORTS[target]} imports {target}"
        for target, line in imports_of_ours(module)
        if ONLY_ONE_IMPORTS.get(target, module) != module
    ]
    assert not wrong, "\n".join(wrong)


def test_no_imports_go_in_a_circle() -> None:
    graph = {module: {target for target, _ in imports_of_ours(module)} - {module} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        for target in sorted(graph[module]):
            # A backend is imported only when a store is opened, so that this is no circle at import.
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


@pytest.mark.parametrize("module", [name for name in MODULES if name not in {"config", "config.unknown"}])
def test_only_config_reads_the_environment(module: str) -> None:
    wrong = [
        f"{where(module, line)}: make it a setting in api/config/__init__.py"
        for line in reads_of_the_environment(module)
    ]
    if module != "cli":
        wrong += [
            f"{where(module, node.lineno)}: only cli sets variables"
            for node in ast.walk(tree(module))
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "putenv"}
        ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name != "clock" and not name.startswith("store.sqlite")]
)
def test_only_clock_reads_the_machines_clock(module: str) -> None:
    """Nodes go by the clock of the store that they share. A SQLite store has the clock of its one machine."""
    clocks = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}
    wrong = [
        f"{where(module, node.lineno)}: ask api.clock for the time"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node).replace("datetime.datetime.", "datetime.") in clocks
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

sys.modules["trio"] = None  # only the tests have it installed: httpcore imports it if it is there
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
    assert ast.get_docstring(tree(module)), f"{where(module, 1)}: begin with one sentence"


FOLDERS = [path for path in MODULES.values() if path.name == "__init__.py"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.parent.relative_to(ROOT).as_posix())
def test_a_folder_says_in_one_sentence_what_it_holds(folder: Path) -> None:
    said = ast.get_docstring(ast.parse(folder.read_text())) or ""
    assert re.fullmatch(r"[A-Z][^\n]*\.", said.split("\n\n")[0]), f"{folder}: one sentence, in one line"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_for_one_thing(module: str) -> None:
    assert not VAGUE_NAMES & set(module.split(".")), f"{module}: name the noun that it holds"


def test_no_class_has_the_name_of_another() -> None:
    seen: dict[str, str] = {}
    for module in MODULES:
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef):
                here = where(module, node.lineno)
                assert node.name not in seen, f"{here}: {node.name} stands in {seen[node.name]}, too"
                seen[node.name] = here


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
    sources = ("api/", "frontend/src/", "conformance/", "sdk/python/src/", "sdk/typescript/src/")
    wrong = [
        f"{path}: {count} lines, more than {MOST_LINES}: split it where a second reason to change appears"
        for path, text in texts()
        if path.as_posix().startswith(sources) and "generated" not in path.parts
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
                elif key != "funding":  # nothing is downloaded from there
                    yield from walk(inner, (*path, key))
        elif isinstance(value, str) and "://" in value:
            yield "/".join(path)

    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    assert list(walk(lock, ())) == []


def test_the_frontend_lock_is_whole() -> None:
    """npm leaves a package out when the registry lacks its build for another platform; `npm ci` then fails there."""
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
