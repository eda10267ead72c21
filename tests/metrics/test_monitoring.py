"""The dashboard and the alert rules of docs/monitoring: everything that they name exists."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from api.models.rooms import LOBBY_ID
from tests.node import Node
from tests.test_docs import all_errors

pytestmark = pytest.mark.anyio

ROOT: Final = Path(__file__).parents[2]
ALERTS: Final = ROOT / "docs" / "monitoring" / "alerts.yaml"
OPERATIONS: Final = ROOT / "docs" / "operations.md"
DASHBOARD: Final = ROOT / "docs" / "monitoring" / "dashboard.json"
NAME: Final = re.compile(r"\btailwire_\w+")
PROMTOOL: Final = shutil.which("promtool")
WINDOW: Final = "$__rate_interval"
"""Grafana puts a duration in its place."""


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> list[str]:
    shown = [target["expr"].replace(WINDOW, "5m") for panel in panels() for target in panel["targets"]]
    return shown + [rule["expr"] for rule in rules()]


async def test_every_metric_that_a_panel_or_a_rule_names_exists(sqlite_node: Node) -> None:
    alice = await sqlite_node.sign_up("alice")
    async with alice.socket() as socket:
        await socket.call(type="send", room_id=LOBBY_ID, body="Hello!")
        await socket.call(type="send", room_id="nowhere", body="Hello!")
    text = (await sqlite_node.client().get("/metrics")).text
    known = set(NAME.findall("\n".join(line for line in text.splitlines() if not line.startswith("#"))))
    # A metric without a value so far has its name in a comment, without the endings of its samples.
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        known |= {name} | {f"{name}_{ending}" for ending in ("bucket", "sum", "count") if kind == "histogram"}
    named = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(named) > 20
    assert named <= known, named - known


async def test_the_table_of_metrics_has_every_metric_and_no_other(sqlite_node: Node) -> None:
    text = (await sqlite_node.client().get("/metrics")).text
    known = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    table = OPERATIONS.read_text().split("## Metrics")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in NAME.findall(row.split("|")[1])}
    every = {name for name in known if not name.startswith("tailwire_process_")}
    assert len(every) > 20
    assert named - {"tailwire_process_"} == every


def test_every_code_that_a_rule_names_exists() -> None:
    codes = {error.code for error in all_errors()} | {"4420"}
    named = {code for rule in rules() for code in re.findall(r'code="(\w+)"', rule["expr"])}
    assert {"storage_full", "4420"} <= named <= codes


def test_rules_have_what_prometheus_needs_and_panels_do_not_overlap() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels()}) == len(places)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules_and_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    recorded = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(expressions())]
    every = tmp_path / "every.yaml"
    every.write_text(yaml.safe_dump({"groups": [{"name": "every", "rules": recorded}]}))
    done = subprocess.run(  # noqa: S603
        [str(PROMTOOL), "check", "rules", str(ALERTS), str(every)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
