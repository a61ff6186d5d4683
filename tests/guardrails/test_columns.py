"""Many cases at once: each gets the lane, the approvals and the four eyes that it gets when it is judged alone."""

from decimal import Decimal

import pytest
from drawn_cases import POLICIES, drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.columns import Columns, Lanes
from shiftlead.guardrails.facts import Fact, FactType
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.witnesses import judged

LANES = list(Lane)


def verdicts(policy, kind, cases):
    facts = [{**one, "currency": one["amount"].currency} if "amount" in one else one for one in cases]
    found = Lanes(policy, kind, Columns(facts, policy.known_facts))
    return [
        (LANES[rank], people, eyes)
        for rank, people, eyes in zip(found.ranks.tolist(), found.approvals.tolist(), found.four_eyes.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "kind"), [(name, action.kind) for name, policy in POLICIES.items() for action in policy.actions]
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_columns_judge_as_one_by_one(name, kind, data):
    cases = data.draw(st.lists(drawn(name, kind), min_size=1, max_size=8))
    for facts, (lane, people, eyes) in zip(cases, verdicts(POLICIES[name], kind, cases), strict=True):
        alone = judged(POLICIES[name], kind, facts)
        assert lane is alone.lane, facts
        if lane is Lane.REVIEWED:
            assert (people, eyes) == (alone.approvals, alone.four_eyes), facts


def test_amounts_of_many_digits_and_beyond_a_machine_word_stay_exact():
    text = "name: t\nversion: 1\nowner: o\nactions: {a.b: {min_confidence: 0.0}}\nrules:\n"
    rule = "  - {id: R-1, lane: allowed, actions: [a.b], when: {amount: {at_most: {EUR: 10.0051}}}, reason: r, owner: o, source: s}\n"
    policy = parse_policy(text + rule, origin="t")
    shared = {"confidence": 1.0, "reversibility": "reversible", "target_kind": "record"}
    amounts = ("10.0051", "10.0051000001", "10.00", "10.01", "99999999999999999999999999")
    cases = [{**shared, "amount": Money(amount=Decimal(one), currency="EUR")} for one in amounts]
    assert [lane.value for lane, _, _ in verdicts(policy, "a.b", cases)] == [
        "allowed", "reviewed", "allowed", "reviewed", "reviewed",
    ]  # fmt: skip
    assert [lane.value for lane, _, _ in verdicts(policy, "a.b", cases[2:4])] == ["allowed", "reviewed"]


def test_a_fact_that_the_policy_does_not_know_prohibits():
    policy = POLICIES["strange"]
    fact = Fact(name="stranger", type=FactType.FLAG, meaning="Unknown to this policy.")
    shared = {"confidence": 1.0, "reversibility": "reversible", "target_kind": "record", "exceptions": 0, "queue": "green"}
    declared = {**policy.known_facts, "stranger": fact}
    told = Columns([shared, {**shared, "stranger": True}, {**shared, "nobody": 1}], declared)
    assert Lanes(policy, "a.rest", told).ranks.tolist()[1:] == [2, 2]


def test_an_unknown_kind_is_prohibited():
    assert verdicts(POLICIES["strange"], "coffee.make", [{"confidence": 1.0}]) == [(Lane.PROHIBITED, 1, False)]
