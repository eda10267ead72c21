"""The kit finds each rule of clients that is broken on purpose."""

from typing import Final

import pytest

from conformance.client.trial import RULES, tried
from conformance.outcome import Verdict
from tests.conformance.clients import MUTANT, terms

pytestmark = pytest.mark.anyio

MUTANTS: Final = {
    "steps_over_gaps": "gap",
    "shows_twice": "duplicates",
    "begins_anew_after_a_close": "resumes",
    "takes_no_reset": "reset",
    "stops_at_unknown_kinds": "unknown_kinds",
    "always_comes_back": "final_close",
    "leaves_after_a_close": "other_close",
    "never_waits_longer": "overload",
    "ignores_expiring": "expiring",
    "refreshes_side_by_side": "one_refresh",
    "logs_in_again": "session_ended",
    "keeps_no_new_pair": "pair_kept",
    "takes_another_ref_for_each_try": "ack_lost",
    "gives_up_without_an_ack": "ack_lost",
    "sends_side_by_side": "order",
    "keeps_no_messages": "kept_messages",
    "ignores_retry_after": "retry_after",
    "repeats_everything": "not_twice",
    "answers_anew": "consumer",
}
"""Each mutant of `mutant_client.py`, and the rule by which the kit finds it."""
SECONDS: Final = 5.0
"""A mutant that hangs is found so soon; the client itself keeps each of these rules in less."""


@pytest.mark.parametrize(("mutant", "rule"), MUTANTS.items())
async def test_a_client_that_breaks_a_rule_is_found(mutant: str, rule: str) -> None:
    (found,) = [one for one in RULES if one.name == rule]
    outcome = await tried(found, terms(*MUTANT, mutant, seconds=SECONDS))
    assert outcome.verdict is Verdict.BROKEN, outcome.line
    assert outcome.expected
    assert outcome.seen
