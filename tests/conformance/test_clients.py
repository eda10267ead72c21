"""The project's own clients keep every rule of the conformance kit."""

import pytest

from conformance.client.trial import RULES, trial
from conformance.outcome import Verdict
from tests.conformance.clients import PYTHON_CLIENT, terms

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]


async def test_the_python_client_keeps_every_rule() -> None:
    outcomes = [one async for one in trial(RULES, terms(*PYTHON_CLIENT, seconds=40), 4)]
    wrong = [f"{one.line}\n{one.details}" for one in outcomes if one.verdict is not Verdict.KEPT]
    assert not wrong, "\n".join(wrong)
    assert len(outcomes) == len(RULES)
