"""Every noun of `api/store/base/` has a file of its name in each store, and a test of its name."""

import ast
import inspect
from abc import ABC
from pathlib import Path

import pytest

from api.store.base.store import Store

ROOT = Path(__file__).parents[2]
BASE = ROOT / "api" / "store" / "base"
NOUNS = sorted(path.stem for path in BASE.glob("*.py") if path.stem not in {"__init__", "store"})


def classes(path: Path) -> dict[str, list[str]]:
    """Return the classes of a file and their base classes."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: [ast.unparse(base) for base in node.bases]
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def test_a_store_has_a_part_for_each_noun_and_no_other() -> None:
    parts = [name for name in inspect.signature(Store.__init__).parameters if name != "self"]
    assert sorted(parts) == NOUNS


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_is_one_promise_and_each_store_keeps_it_in_a_file_of_its_name(noun: str) -> None:
    (promise,) = [name for name, bases in classes(BASE / f"{noun}.py").items() if bases == [ABC.__name__]]
    for store in ("sqlite", "cluster"):
        path = BASE.parent / store / f"{noun}.py"
        assert path.is_file(), f"there is no {path.relative_to(ROOT)}"
        kept = [name for name, bases in classes(path).items() if promise in bases]
        assert kept == [f"{store.capitalize()}{noun.capitalize()}"], f"{path.relative_to(ROOT)}: {kept}"


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_is_tested_on_every_store_in_a_file_of_its_name(noun: str) -> None:
    path = ROOT / "tests" / "store" / f"test_{noun}.py"
    assert path.is_file(), f"there is no {path.relative_to(ROOT)}"
