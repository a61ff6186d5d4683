"""A policy as Cedar: another engine gives the same lane on every case."""

from decimal import Decimal
from functools import cache

import pytest
from drawn_cases import POLICIES, drawn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.cedar import context, export, lane
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.witnesses import judged

cedarpy = pytest.importorskip("cedarpy")


@cache
def exported(name):
    made = export(POLICIES[name])
    return made, cedarpy.PolicySet.from_str(made.policy), cedarpy.Schema.from_str(made.schema_text)


def asked(name, kind, facts):
    """The lane that Cedar gives."""
    made, policies, schema = exported(name)
    told = context(POLICIES[name], facts, made.scale)
    requests = [
        {"principal": 'Worker::"invoices"', "action": f'Action::"{action}"', "resource": f'Kind::"{kind}"', "context": told}
        for action in ("run", "propose")
    ]
    answers = cedarpy.is_authorized_batch(requests, policies, [], schema)
    assert not [one for answer in answers for one in answer.diagnostics.errors]
    return lane(run=answers[0].allowed, propose=answers[1].allowed)


@pytest.mark.parametrize("name", POLICIES)
def test_the_export_is_valid_against_its_schema(name):
    made, _, _ = exported(name)
    found = cedarpy.validate_policies(made.policy, made.schema_text)
    assert found.validation_passed, found.errors


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, action.kind) for name, policy in POLICIES.items() for action in policy.actions],
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_cedar_gives_the_lane_that_judging_gives(name, kind, data):
    facts = data.draw(drawn(name, kind))
    if isinstance(facts.get("amount"), Money):
        facts["currency"] = facts["amount"].currency
    assert asked(name, kind, facts) is judged(POLICIES[name], kind, facts).lane


@pytest.mark.parametrize("policy", POLICIES["house"].rules, ids=lambda rule: rule.id)
def test_cedar_agrees_on_the_examples_of_the_house(policy):
    for example in policy.examples:
        facts = {"confidence": 1.0, "target_kind": "record", "reversibility": "irreversible", **example.facts}
        if "amount" in facts:
            facts["currency"] = facts["amount"].currency
        assert asked("house", example.action, facts) is example.lane


def test_an_amount_between_two_steps_keeps_its_side_of_every_limit():
    house = POLICIES["house"]
    clean = dict(house.rule("R-001").examples[0].facts)
    for amount, expected in (("5000.00000001", Lane.REVIEWED), ("4999.99999999", Lane.ALLOWED), ("5000", Lane.ALLOWED)):
        money = Money(amount=Decimal(amount), currency="EUR")
        assert asked("house", "invoice.post", {"confidence": 0.97, "currency": "EUR", **clean, "amount": money}) is expected


def test_a_kind_that_the_policy_does_not_know_is_prohibited():
    assert asked("house", "coffee.make", {"confidence": 1.0}) is Lane.PROHIBITED


def test_nothing_in_a_policy_can_break_out_of_its_string_or_comment():
    evil = 'x")\npermit (principal, action, resource);\n//'
    text = """
name: {evil}
version: 1
owner: o
actions: {{a.b: {{}}}}
rules:
  - {{id: R-1, lane: reviewed, actions: [a.b], when: {{queue: {{is: {evil}}}}}, reason: {evil}, owner: {evil}, source: {evil}}}
"""
    quoted = '"' + evil.replace('"', '\\"').replace("\n", "\\n") + '"'
    made = export(parse_policy(text.format(evil=quoted), origin="t"))
    assert cedarpy.validate_policies(made.policy, made.schema_text).validation_passed
    statements = [line for line in made.policy.splitlines() if line.startswith("permit (principal, action, resource)")]
    assert statements == []


def test_the_header_says_what_cedar_cannot_express():
    head = export(POLICIES["house"]).policy.partition("\n\n")[0]
    assert "no floats" in head
    assert "@approvals" in head


def test_no_word_of_a_policy_is_read_as_cedar():
    text = 'name: x\nversion: 1\nowner: o\nactions: {"a\\npermit(principal, action, resource);\\n//": {}}\n'
    made = export(parse_policy(text, origin="test.yaml"))
    assert not [one for one in made.policy.splitlines() if one.startswith("permit(")]
