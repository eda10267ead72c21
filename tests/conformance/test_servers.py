"""Tailwire keeps every rule of the conformance kit, on both stores; and a server that breaks one is found."""

from pathlib import Path
from typing import Any, Final

import pytest

from api.config import Settings
from api.main import create_app
from conformance.outcome import Outcome, Verdict
from conformance.server.trial import CHECKS, Accounts, examination
from tests.conformance.mutant_server import Mutant
from tests.conformance.server_mutants import MUTANTS
from tests.node import Node, running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

ROOMY: Final[dict[str, Any]] = {
    "signup": "open",
    "sends_per_second": 200,
    "sends_burst": 500,
    "misses_per_minute": 1_000,
    "searches_per_minute": 1_000,
}
"""The throttles are tried elsewhere, and the kit would wait for them here."""


@pytest.mark.settings(
    sends_per_second=200, sends_burst=500, misses_per_minute=1_000, searches_per_minute=1_000
)
async def test_tailwire_keeps_every_rule(node: Node) -> None:
    outcomes = [one async for one in examination(CHECKS, node.url, Accounts())]
    wrong = [f"{one.line}\n{one.details}" for one in outcomes if one.verdict is not Verdict.KEPT]
    assert not wrong, "\n".join(wrong)
    assert len(outcomes) == len(CHECKS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
async def test_a_server_that_breaks_a_rule_is_found(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mutated(*arguments: Any) -> Any:
        return mutant.around(create_app(*arguments))

    monkeypatch.setattr("tests.node.create_app", mutated)
    settings = Settings(store=f"sqlite:///{tmp_path / 'tailwire.db'}", **ROOMY)
    async with running(settings) as node:
        (outcome,) = await _tried(mutant.rule, node)
    assert outcome.verdict is Verdict.BROKEN, outcome.line
    assert outcome.expected
    assert outcome.seen


async def _tried(rule: str, node: Node) -> list[Outcome]:
    checks = [one for one in CHECKS if one.name == rule]
    return [one async for one in examination(checks, node.url, Accounts())]
