"""The function written for one shape of proposal says what a plain walk of the rules says, and knows what it cannot take."""

import json
from collections import UserDict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftlead.core.action import Action, Proposal, Reversibility, Target
from shiftlead.core.money import Money
from shiftlead.core.noun import plain
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.facts import FACTS
from shiftlead.guardrails.instruction import Verb
from shiftlead.guardrails.lanes import EVALUATION_ERROR, KILL_SWITCH, judge
from shiftlead.guardrails.personal_data import PersonalData
from shiftlead.guardrails.policy import parse_policy

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
HEAD = """
name: test
version: 1
owner: somebody
facts:
  colour: {type: text, meaning: A closed word., values: [red, green]}
actions: {a.do: {min_confidence: 0.5}}
rules:
"""
RULES = (
    "lane: allowed, when: {amount: {at_most: {EUR: 5000, USD: 5500}}, order_found: true, exceptions: 0}",
    "lane: reviewed, when: {amount: {above: {EUR: 900, USD: 990}}}",
    "lane: reviewed, when: {any: [price_variance_percent: {above: 2.5}, late_probability: {at_least: 0.40}, exceptions: {above: 1}]}",
    "lane: prohibited, when: {all: [colour: red, not: {channel: {in: [email, sms]}}]}",
    "lane: prohibited, when: {all: [any: [disputed: true, insolvent: true], days_overdue: {below: 30}]}",
    "lane: reviewed, when: {currency: {is_not: EUR}}",
    "lane: reviewed, when: {any: [reversibility: irreversible, target_kind: letter]}",
    "lane: reviewed, when: {confidence: {below: 0.70}}",
    "lane: prohibited, when: {local_hour: {missing: true}}",
    "lane: reviewed, when: {price_effect: {at_least: 10 EUR}}",
)
LADDERS = (
    *(f"lane: reviewed, when: {{amount: {{above: {{EUR: {one}, USD: {one + 5}}}}}}}" for one in (3000, 900, 6000)),
    *(
        f"lane: prohibited, when: {{amount: {{at_least: {limits}}}}}"
        for limits in ("{EUR: 5000}", "{EUR: 1, SEK: 70}", "{EUR: 7}")
    ),
    *(
        f"lane: reviewed, when: {{all: [days_overdue: {{at_most: {n}}}, exceptions: {{above: {2 - n % 3}}}]}}"
        for n in (29, 30, 31)
    ),
    *(
        f"lane: allowed, when: {{any: [late_probability: {{below: 0.{n}}}, colour: green, local_hour: {{at_least: {n}}}]}}"
        for n in (2, 7, 5)
    ),
    *(f"lane: allowed, when: {{not: {{any: [disputed: true, price_effect: {{above: {one} EUR}}]}}}}" for one in (9, 90, 900)),
    *(["lane: allowed"] * 3),
)


def policy(rules):
    lines = (f"  - {{id: R-{n}, actions: a.do, reason: r, owner: o, source: s, {rule}}}\n" for n, rule in enumerate(rules))
    return parse_policy(HEAD + "".join(lines), origin="test.yaml")


POLICY = policy(RULES)
POLICIES = (POLICY, policy(LADDERS))
CODES = st.sampled_from(["EUR", "USD", "SEK"])
MONEY = st.builds(Money.of, st.decimals(-10, 9000, places=2), CODES)
FACTS_GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "order_found": st.booleans() | st.none(),
        "disputed": st.booleans(),
        "insolvent": st.booleans() | st.none(),
        "exceptions": st.integers(0, 3),
        "price_variance_percent": st.decimals(0, 5, places=2),
        "late_probability": st.floats(0, 1),
        "colour": st.sampled_from(["red", "green"]),
        "channel": st.sampled_from(["email", "phone"]) | st.none(),
        "days_overdue": st.integers(28, 32),
        "local_hour": st.integers(0, 23) | st.none(),
        "price_effect": MONEY,
        "language": st.just("en"),
        # what only the action itself says
        "amount": MONEY,
        "confidence": st.floats(0, 1),
        "reversibility": st.just("reversible"),
    },
)
PROPOSALS = st.builds(
    lambda facts, amount, confidence, reversibility: proposal(facts, amount, confidence, reversibility),
    FACTS_GIVEN, st.none() | MONEY, st.none() | st.sampled_from([0.5, 0.7]) | st.floats(0, 1), st.sampled_from(Reversibility),
)  # fmt: skip


USUAL = Money.of("1200.00", "EUR")


def proposal(facts, amount=USUAL, confidence=0.9, reversibility=Reversibility.REVERSIBLE):
    action = Action(kind="a.do", target=Target(system="s", kind="record", id="1"), amount=amount, reversibility=reversibility)
    return Proposal(action=action, confidence=confidence, rationale="x", facts=facts)


def judged(given, context=None, policy=POLICY):
    return judge(policy, given, context=context or {}, now=NOW)


@settings(deadline=None)
@given(
    st.sampled_from(POLICIES),
    PROPOSALS,
    st.fixed_dictionaries({}, optional={"disputed": st.booleans(), "exceptions": st.integers(0, 3)}),
)
def test_every_time_the_same_verdict_whichever_way_it_is_found(given_policy, given, context):
    fresh = given_policy.model_copy()
    first = judged(given, context, fresh)
    hits = []
    plan = fresh.plans["a.do"]
    plan.walked(plan.factsheet.filled(given, context), hits)
    told = {hit.rule: hit for hit in first.hits}
    assert [told[hit.rule] for hit in hits] == hits
    for _ in range(4):
        assert judged(given, context, fresh) == first
    assert fresh.plans["a.do"]._swept, "no function was written"
    assert judged(given, UserDict(context), fresh) == first


@settings(deadline=None)
@given(PROPOSALS)
def test_the_json_form_gives_the_same_verdict(given):
    again = Proposal.model_validate(json.loads(json.dumps(plain(given))))
    for _ in range(4):
        assert judged(again) == judged(given)


def warmed(facts, **given):
    """A policy whose functions are written for these facts."""
    fresh = POLICY.model_copy()
    for _ in range(4):
        assert judged(proposal(facts, **given), policy=fresh).hits[0].rule != EVALUATION_ERROR
    return fresh


CLEAN = {"order_found": True, "exceptions": 0, "colour": "green", "late_probability": 0.1, "price_variance_percent": Decimal(1)}


CALM = {
    "local_hour": 9, "disputed": False, "insolvent": False, "days_overdue": 40, "channel": "email",
    "price_effect": Money.of(1, "EUR"),
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_found": 1},
        {"exceptions": True},
        {"exceptions": 0.0},
        {"colour": "blue"},
        {"colour": ["red"]},
        {"late_probability": float("nan")},
        {"late_probability": 1.5},
        {"price_variance_percent": Decimal("NaN")},
        {"price_variance_percent": 1.0},
        {"undeclared": 1},
    ],
)
def test_a_wrong_value_is_an_error_also_where_the_function_is_written(wrong):
    found = judged(proposal(CLEAN | wrong), policy=warmed(CLEAN))
    assert (found.lane, [hit.rule for hit in found.hits]) == (Lane.PROHIBITED, [EVALUATION_ERROR])


def test_a_word_outside_a_closed_vocabulary_is_an_error_that_does_not_repeat_it():
    found = judged(proposal(CLEAN | {"match_type": "DE89 3704"}))
    assert (found.lane, found.hits[0].rule) == (Lane.PROHIBITED, EVALUATION_ERROR)
    assert "'match_type' is one of 3way, 2way, consignment" in found.hits[0].reason
    assert "DE89" not in found.hits[0].reason


def test_the_closed_vocabularies_are_those_of_the_code():
    assert FACTS["reversibility"].values == tuple(Reversibility)
    assert FACTS["personal_data"].values == tuple(PersonalData)
    assert FACTS["verb"].values == tuple(Verb)


@pytest.mark.parametrize("kind", ["a.do", "a.unknown"])
@pytest.mark.parametrize("from_worker", [False, True])
@pytest.mark.parametrize("times", [1, 5])
def test_a_thrown_kill_switch_prohibits_whatever_else_matches(kind, from_worker, times):
    facts = CLEAN | CALM
    given = proposal(facts | ({"stopped": True} if from_worker else {}))
    given = given.model_copy(update={"action": given.action.model_copy(update={"kind": kind, "amount": Money.of(5, "EUR")})})
    context = {} if from_worker else {"stopped": True}
    fresh = POLICY.model_copy()
    found = [judged(given, context, fresh) for _ in range(times)][-1]
    assert found.lane is Lane.PROHIBITED
    if kind == "a.do":
        assert (found.hits[0].rule, found.hits[0].field, found.hits[0].actual) == (KILL_SWITCH, "stopped", "yes")
        assert "R-0" in [hit.rule for hit in found.hits], "the rest is told too"
    assert judged(given.model_copy(update={"facts": facts}), {"stopped": False}, fresh).lane is (
        Lane.ALLOWED if kind == "a.do" else Lane.PROHIBITED
    )


def test_a_switch_that_nobody_can_read_prohibits():
    found = judged(proposal(CLEAN | {"local_hour": 9}), {"stopped": "no"})
    assert (found.lane, found.hits[0].rule) == (Lane.PROHIBITED, EVALUATION_ERROR)


def test_facts_that_are_never_twice_the_same_fill_no_memory():
    fresh = POLICY.model_copy()
    names = [name for name, fact in FACTS.items() if fact.type == "flag" and name != "stopped"]
    for number in range(700):
        few = {name: True for place, name in enumerate(names[:10]) if number >> place & 1}
        judged(proposal(few), policy=fresh)
        judged(proposal(few), policy=fresh)
        judged(proposal(few), policy=fresh)
    plan = fresh.plans["a.do"]
    assert len(plan._swept) <= 64
    assert len(plan._seen) <= 65


def test_what_is_not_told_is_no_fact_however_often_it_comes():
    """None says that nobody knows; under a name that the policy does not declare it says nothing at all."""
    fresh = POLICY.model_copy()
    first = judged(proposal(CLEAN | {"local_hour": 9, "of_another_policy": None}), policy=fresh)
    assert first.lane is not Lane.PROHIBITED
    for _ in range(4):
        assert judged(proposal(CLEAN | {"local_hour": 9, "of_another_policy": None}), policy=fresh) == first
    assert fresh.plans["a.do"]._swept, "no function was written"
