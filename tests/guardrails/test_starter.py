"""The starter policy: passes its own check, knows the common verbs, and never frees what nobody asked for."""

from itertools import product

import pytest

from shiftlead.core.action import Action, Proposal, Target
from shiftlead.core.clock import FrozenClock
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.gateway import starter_policy
from shiftlead.guardrails.instruction import Verb
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.review import check

POLICY = starter_policy()
GOOD = {
    "authority_traced": True,
    "authority_named": True,
    "authority_from_instruction": True,
    "tainted_arguments": "",
    "untraced_arguments": "",
    "verb_requested": True,
    "egress_unrequested": False,
    "dictated_text": False,
    "lookalike_domain": False,
}


def lane(verb, facts, now):
    action = Action(kind=verb, target=Target(system="gateway", kind=verb, id="1"))
    return judge(POLICY, Proposal(action=action, confidence=1.0, rationale=""), context=facts, now=now).lane


def test_it_passes_its_own_check():
    report = check(POLICY)
    assert report.ok, report.remarks


def test_it_knows_every_class_of_verb_and_no_tool():
    assert set(POLICY.plans) == {verb.value for verb in Verb}


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.UNKNOWN])
def test_what_was_asked_for_and_traced_runs(verb, clock: FrozenClock):
    assert lane(verb.value, GOOD, clock.now()) is Lane.ALLOWED


def test_what_nobody_knows_is_reviewed(clock: FrozenClock):
    assert lane("unknown", GOOD, clock.now()) is Lane.REVIEWED


@pytest.mark.parametrize(("verb", "fact"), list(product(Verb, GOOD)))
def test_a_missing_fact_never_frees(verb, fact, clock: FrozenClock):
    without = {name: value for name, value in GOOD.items() if name != fact}
    assert lane(verb.value, without, clock.now()).rank >= lane(verb.value, GOOD, clock.now()).rank


WORSE = {
    **{name: not value for name, value in GOOD.items() if isinstance(value, bool)},
    "tainted_arguments": "to",
    "untraced_arguments": "to",
}


@pytest.mark.parametrize(("verb", "fact"), list(product(Verb, WORSE)))
def test_a_worse_fact_never_frees_and_nothing_is_made_impossible(verb, fact, clock: FrozenClock):
    found = lane(verb.value, {**GOOD, fact: WORSE[fact]}, clock.now())
    assert found.rank >= lane(verb.value, GOOD, clock.now()).rank
    assert found is not Lane.PROHIBITED


@pytest.mark.parametrize("verb", ["send", "pay", "create", "update", "share", "export"])
@pytest.mark.parametrize(
    "fact", ["authority_traced", "verb_requested", "egress_unrequested", "dictated_text", "lookalike_domain"]
)
def test_each_doubt_about_a_write_asks_a_person(verb, fact, clock: FrozenClock):
    assert lane(verb, {**GOOD, fact: WORSE[fact]}, clock.now()) is Lane.REVIEWED


@pytest.mark.parametrize(
    ("verb", "fact"), [("pay", "authority_named"), ("share", "authority_named"), ("delete", "authority_from_instruction")]
)
def test_what_cannot_be_taken_back_must_be_named_by_the_operator(verb, fact, clock: FrozenClock):
    assert lane(verb, {**GOOD, fact: False}, clock.now()) is Lane.REVIEWED
