"""The kit finds each rule of clients that is broken on purpose."""

from typing import Final

import pytest

from conformance.client.trial import RULES, tried
from conformance.outcome import Verdict
from tests.conformance.clients import MUTANT, PACE, terms

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
    "shows_again_what_it_has_asked_for": "missed",
    "takes_one_page_for_all": "missed_pages",
    "takes_a_reset_in_an_answer_for_a_position": "missed_reset",
    "forgets_rooms_that_are_gone": "missed_gone",
    "takes_an_answer_for_now": "missed_meanwhile",
    "ends_where_an_answer_fails": "missed_fails",
    "steps_over_gaps_in_answers": "missed_gap",
}
"""Each mutant of `mutant_client.py`, and the rule by which the kit finds it."""
PACES: Final = {"overload": 1.0}
"""Where a rule is of waits, they are so long that a busy machine adds little to them."""
SECONDS: Final = 5.0
"""A mutant that hangs is found so soon; the client itself keeps each of these rules in less."""


@pytest.mark.parametrize(("mutant", "rule"), MUTANTS.items())
async def test_a_client_that_breaks_a_rule_is_found(mutant: str, rule: str) -> None:
    (found,) = [one for one in RULES if one.name == rule]
    outcome = await tried(found, terms(*MUTANT, mutant, pace=PACES.get(rule, PACE), seconds=SECONDS))
    assert outcome.verdict is Verdict.BROKEN, outcome.line
    assert outcome.expected
    assert outcome.seen
