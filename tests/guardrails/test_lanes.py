"""Lanes: the table of DESIGN's semantics, and properties that must hold for any proposal."""

from collections import UserDict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shiftlead.core.action import Action, Proposal, Reversibility, Target
from shiftlead.core.errors import PolicyError
from shiftlead.core.money import Money
from shiftlead.core.noun import plain
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.lanes import judge, tightened
from shiftlead.guardrails.policy import parse_policy, shipped_policy
from shiftlead.guardrails.rules import Rule

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
POLICY = parse_policy(
    """
name: test
version: 2
owner: somebody
actions:
  invoice.post: {min_confidence: 0.8}
  invoice.hold: {min_confidence: 0.5}
  receivable.write_off: {approvals: 2, four_eyes: true, min_confidence: 0.5}
rules:
  - {id: R-1, lane: allowed, actions: invoice.post, reason: small and clean, owner: ap, source: SOP 1,
     when: {amount: {at_most: {EUR: 5000, USD: 5500}}, order_found: true}}
  - {id: R-2, lane: reviewed, actions: "invoice.*", reason: two people, owner: ap, source: SOP 2, approvals: 2, four_eyes: true,
     when: {amount: {above: {EUR: 25000, USD: 27500}}}}
  - {id: R-3, lane: prohibited, actions: "*", reason: blocked, owner: ap, source: SOP 3, when: {supplier_blocked: true}}
  - {id: R-4, lane: allowed, actions: invoice.hold, reason: harmless, owner: ap, source: SOP 4}
""",
    origin="test.yaml",
)
CLEAN = {"order_found": True, "supplier_blocked": False}


def proposal(kind="invoice.post", amount="1200.00", currency="EUR", confidence=0.9, **facts):
    action = Action(
        kind=kind,
        target=Target(system="company", kind="invoice", id="INV-1"),
        amount=None if amount is None else Money.of(amount, currency),
        reversibility=Reversibility.COMPENSABLE,
    )
    return Proposal(action=action, confidence=confidence, rationale="x", facts=facts)


def verdict(given, context=None, policy=POLICY):
    return judge(policy, given, context=context or {}, now=NOW)


@pytest.mark.parametrize(
    ("given", "lane", "rules"),
    [
        (proposal(**CLEAN), Lane.ALLOWED, ["R-1"]),
        (proposal(amount="5000.00", **CLEAN), Lane.ALLOWED, ["R-1"]),
        # no allow rule matches
        (proposal(amount="5000.01", **CLEAN), Lane.REVIEWED, ["no-allow-rule"]),
        (proposal(order_found=False, supplier_blocked=False), Lane.REVIEWED, ["no-allow-rule"]),
        (proposal(kind="receivable.write_off", supplier_blocked=False), Lane.REVIEWED, ["no-allow-rule"]),
        # strictest match
        (proposal(amount="30000.00", **CLEAN), Lane.REVIEWED, ["R-2"]),
        (proposal(order_found=True, supplier_blocked=True), Lane.PROHIBITED, ["R-3", "R-1"]),
        (proposal(kind="invoice.hold", amount="30000.00", supplier_blocked=False), Lane.REVIEWED, ["R-2", "R-4"]),
        # unknown kind
        (proposal(kind="invoice.pay_all", **CLEAN), Lane.PROHIBITED, ["unknown-action"]),
        # a missing fact is never false: the prohibiting rule needs it too
        (proposal(order_found=True), Lane.REVIEWED, ["missing-fact", "R-1"]),
        (proposal(kind="invoice.hold", amount=None, supplier_blocked=False), Lane.REVIEWED, ["missing-fact", "R-4"]),
        (proposal(currency="JPY", **CLEAN), Lane.REVIEWED, ["missing-fact"]),
        # an unsure brain goes one lane up, at the floor it does not
        (proposal(confidence=0.8, **CLEAN), Lane.ALLOWED, ["R-1"]),
        (proposal(confidence=0.79, **CLEAN), Lane.REVIEWED, ["low-confidence", "R-1"]),
        (proposal(confidence=None, **CLEAN), Lane.REVIEWED, ["low-confidence", "R-1"]),
        # one that cannot say how sure it is has not said that it is unsure: a person may still say yes
        (proposal(confidence=None, amount="30000.00", **CLEAN), Lane.REVIEWED, ["R-2", "low-confidence"]),
        (proposal(confidence=0.1, amount="30000.00", **CLEAN), Lane.PROHIBITED, ["low-confidence", "R-2"]),
        # what a worker may not supply
        (proposal(order_fund=True, **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(order_found="yes", supplier_blocked=False), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(exceptions=True, **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(exceptions=1.5, **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(price_effect=12.5, **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(price_variance_percent=2.5, **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(late_probability=float("nan"), **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(late_probability=1.2, **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
        (proposal(price_variance_percent=Decimal("NaN"), **CLEAN), Lane.PROHIBITED, ["evaluation-error"]),
    ],
)
def test_the_lane_and_its_reasons(given, lane, rules):
    found = verdict(given)
    assert (found.lane, [hit.rule for hit in found.hits]) == (lane, rules)
    assert found.policy == "test@2"
    assert found.policy_digest == POLICY.digest()
    assert found.judged_at == NOW


def test_a_hit_tells_actual_limit_and_distance():
    hit = verdict(proposal(amount="37480", **CLEAN)).hits[0]
    assert (hit.field, hit.actual, hit.limit, hit.distance) == (
        "amount",
        "37,480.00 EUR",
        "25,000.00 EUR",
        "12,480.00 EUR over",
    )
    assert (hit.reason, hit.owner, hit.source) == ("two people", "ap", "SOP 2")


def test_an_allow_rule_that_nearly_matched_is_explained():
    hit = verdict(proposal(amount="6200.00", order_found=False, supplier_blocked=False)).hits[0]
    assert hit.reason == "R-1 would allow it, but amount is 6,200.00 EUR (1,200.00 EUR over) and order_found is no."


def test_rules_that_did_not_match_are_listed_and_so_are_missing_facts():
    assert verdict(proposal(**CLEAN)).passed == ("R-3", "R-2")
    assert verdict(proposal(supplier_blocked=False)).missing == ("order_found",)
    assert verdict(proposal(currency="JPY", **CLEAN)).missing == ("amount (no limit in JPY)",)


def test_approvals_come_from_rules_and_actions_and_also_from_rules_that_could_not_be_decided():
    assert (verdict(proposal(amount="30000", **CLEAN)).approvals, verdict(proposal(amount="30000", **CLEAN)).four_eyes) == (
        2,
        True,
    )
    assert (verdict(proposal(**CLEAN)).approvals, verdict(proposal(**CLEAN)).four_eyes) == (1, False)
    assert verdict(proposal(kind="receivable.write_off", supplier_blocked=False)).approvals == 2
    assert verdict(proposal(currency="JPY", **CLEAN)).approvals == 2


def test_context_wins_over_the_worker_and_the_action_over_both():
    assert verdict(proposal(**CLEAN), {"supplier_blocked": True}).lane is Lane.PROHIBITED
    assert verdict(proposal(order_found=True, supplier_blocked=True), {"supplier_blocked": False}).lane is Lane.ALLOWED
    lied = proposal(amount="30000", **CLEAN, confidence=1.0)
    cheap = {"amount": Money.of(1, "EUR")}
    assert verdict(lied, cheap).lane is Lane.REVIEWED
    assert "no-allow-rule" not in [hit.rule for hit in verdict(lied, cheap).hits]


def test_an_amount_in_the_facts_is_no_amount_of_the_action():
    without = proposal(amount=None, **CLEAN).model_copy(update={"facts": {**CLEAN, "amount": Money.of(1, "EUR")}})
    assert verdict(without).missing == ("amount",)


def test_facts_survive_the_envelopes_json():
    given = proposal(price_effect=Money.of("3.10", "EUR"), price_variance_percent=Decimal("2.5"), late_probability=0.3, **CLEAN)
    again = Proposal.model_validate(plain(given))
    assert verdict(again) == verdict(given)


def test_a_fault_in_the_evaluation_prohibits():
    class Broken(UserDict):
        def __getitem__(self, name):
            raise RuntimeError("disk gone")

    found = judge(POLICY, proposal(**CLEAN), context=Broken(worker="invoices"), now=NOW)
    assert found.lane is Lane.PROHIBITED
    assert "RuntimeError: disk gone" in found.hits[0].reason


def test_an_error_tells_the_fact_but_not_its_value():
    found = verdict(proposal(order_found="IBAN DE89 3704 0044 0532 0130 00", supplier_blocked=False))
    assert "order_found" in found.because()
    assert "DE89" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("given", "lane"),
    [
        (proposal(confidence=None, **CLEAN), Lane.REVIEWED),
        (proposal(confidence=0.1, amount="30000.00", **CLEAN), Lane.REVIEWED),
        (proposal(confidence=0.1, order_found=True, supplier_blocked=True), Lane.PROHIBITED),
        (proposal(**CLEAN), Lane.ALLOWED),
    ],
)
def test_a_policy_may_let_people_approve_what_an_unsure_brain_proposes(given, lane):
    assert verdict(given, policy=POLICY.model_copy(update={"unsure": "reviewed"})).lane is lane


def test_a_verdict_may_only_tighten():
    free, strict = verdict(proposal(**CLEAN)), verdict(proposal(amount="30000", **CLEAN))
    assert tightened(free, strict) == strict
    kept = tightened(strict, free)
    assert (kept.lane, kept.approvals, kept.four_eyes) == (Lane.REVIEWED, 2, True)
    assert [hit.rule for hit in kept.hits] == ["R-2", "R-1"]


# --- properties, on the shipped policy ---------------------------------------------------------------------------------------

HOUSE = shipped_policy()
KINDS = sorted(action.kind for action in HOUSE.actions)
SAMPLES = {example.action: example.facts for rule in HOUSE.rules for example in rule.examples if example.lane is Lane.ALLOWED}
FLAGS = sorted(
    {leaf for facts in SAMPLES.values() for leaf, value in facts.items() if isinstance(value, bool)} - {"reversibility"}
)


@st.composite
def proposals(draw):
    kind = draw(st.sampled_from(KINDS))
    facts = dict(SAMPLES.get(kind, SAMPLES["reminder.send"]))
    facts |= draw(
        st.fixed_dictionaries({}, optional={name: st.booleans() for name in draw(st.lists(st.sampled_from(FLAGS), max_size=3))})
    )
    facts |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "exceptions": st.integers(0, 3),
                "days_since_bank_change": st.integers(0, 60),
                "reminder_level": st.integers(1, 4),
                "local_hour": st.integers(0, 23),
                "contacts_last_7_days": st.integers(0, 8),
            },
        )
    )
    action = Action(
        kind=kind,
        target=Target(system="s", kind=str(facts.pop("target_kind", "record")), id="1"),
        amount=Money.of(draw(st.integers(1, 60000)), draw(st.sampled_from(["EUR", "USD", "SEK"]))),
        reversibility=Reversibility(facts.pop("reversibility", "irreversible")),
    )
    for name in ("amount", "confidence"):
        facts.pop(name, None)
    return Proposal(action=action, confidence=draw(st.none() | st.floats(0, 1)), rationale="x", facts=facts)


def lane(given, policy=HOUSE):
    return verdict(given, policy=policy).lane.rank


def changed(given, **fields):
    return given.model_copy(update=fields)


@given(proposals())
def test_nothing_in_these_proposals_is_an_error(given):
    assert "evaluation-error" not in [hit.rule for hit in verdict(given, policy=HOUSE).hits]


@given(proposals(), st.integers(1, 60000))
def test_more_money_is_never_freer(given, more):
    amount = given.action.amount
    action = given.action.model_copy(update={"amount": Money(amount=amount.amount + more, currency=amount.currency)})
    assert lane(changed(given, action=action)) >= lane(given)


@given(proposals(), st.floats(0, 1))
def test_less_confidence_is_never_freer(given, less):
    if given.confidence is not None:
        assert lane(changed(given, confidence=min(less, given.confidence))) >= lane(given)


@given(proposals())
def test_a_brain_that_cannot_say_how_sure_it_is_never_runs_alone(given):
    assert verdict(changed(given, confidence=None), policy=HOUSE).lane is not Lane.ALLOWED


@given(proposals(), st.data())
def test_removing_a_fact_never_makes_a_reviewed_or_prohibited_action_run_alone(given, data):
    assume(given.facts)
    gone = data.draw(st.sampled_from(sorted(given.facts)))
    without = changed(given, facts={name: value for name, value in given.facts.items() if name != gone})
    before, after = verdict(given, policy=HOUSE), verdict(without, policy=HOUSE)
    assert after.lane is not Lane.ALLOWED or before.lane is Lane.ALLOWED
    if gone in after.missing:
        assert after.lane is not Lane.ALLOWED


@given(proposals(), st.text("abcdefgh._", min_size=1))
def test_an_unknown_kind_is_never_anything_but_prohibited(given, kind):
    unknown = changed(given, action=given.action.model_copy(update={"kind": "x" + kind}))
    assert verdict(unknown, policy=HOUSE).lane is Lane.PROHIBITED


@settings(max_examples=50, deadline=None)
@given(proposals(), st.sampled_from([Lane.REVIEWED, Lane.PROHIBITED]), st.sampled_from(HOUSE.rules))
def test_adding_a_rule_that_allows_nothing_never_loosens(given, stricter, like):
    added = Rule(id="X-1", lane=stricter, actions=("*",), when=like.when, reason="r", owner="o", source="s", approvals=2)
    more = HOUSE.model_copy(update={"rules": (*HOUSE.rules, added)})
    before, after = verdict(given, policy=HOUSE), verdict(given, policy=more)
    assert after.lane.rank >= before.lane.rank
    assert after.approvals >= before.approvals


@given(proposals())
def test_allowed_always_has_an_allow_rule_and_nothing_missing_or_stricter(given):
    found = verdict(given, policy=HOUSE)
    if found.lane is Lane.ALLOWED:
        assert found.hits
        assert all(hit.lane is Lane.ALLOWED for hit in found.hits)
        assert found.missing == ()
        assert given.confidence is not None


# --- properties, on policies whose rules never ask for less of what is bad --------------------------------------------------------

FEWER = settings(max_examples=50, deadline=None)
GOOD, BAD = ("order_found", "authority_from_records", "bank_matches_master"), ("disputed", "supplier_blocked", "insolvent")
LIMITS = st.integers(1, 9000)


def amounts(op):
    return LIMITS.map(lambda limit: f"amount: {{{op}: {{EUR: {limit}, USD: {limit + 100}}}}}")


def sure(op):
    return st.integers(1, 99).map(lambda percent: f"confidence: {{{op}: 0.{percent:02}}}")


def flags(names, value):
    return st.sampled_from(names).map(lambda name: f"{name}: {value}")


def trees(leaves):
    return st.recursive(
        leaves.map(lambda leaf: "{" + leaf + "}"),
        lambda parts: st.builds(
            lambda word, some: f"{{{word}: [{', '.join(some)}]}}",
            st.sampled_from(["all", "any"]),
            st.lists(parts, min_size=1, max_size=3),
        ),
        max_leaves=4,
    )


CALM = trees(st.one_of(amounts("at_most"), amounts("below"), sure("at_least"), flags(GOOD, "true"), flags(BAD, "false")))
ALARM = trees(st.one_of(amounts("at_least"), amounts("above"), sure("below"), flags(GOOD, "false"), flags(BAD, "true")))


@st.composite
def monotone_policies(draw):
    """Any policy that allows only below and prohibits only above."""
    rules = draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("allowed"), CALM | ALARM.map(lambda when: f"{{not: {when}}}")),
                st.tuples(st.sampled_from(["reviewed", "prohibited"]), ALARM | CALM.map(lambda when: f"{{not: {when}}}")),
            ),
            min_size=1,
            max_size=6,
        )
    )
    unsure = draw(st.sampled_from(["one_lane_up", "reviewed"]))
    text = "".join(
        f"  - {{id: R-{n}, lane: {lane}, actions: a.do, reason: r, owner: o, source: s, when: {when}}}\n"
        for n, (lane, when) in enumerate(rules)
    )
    head = f"name: any\nversion: 1\nowner: o\nunsure: {unsure}\nactions: {{a.do: {{min_confidence: 0.5}}}}\nrules:\n"
    try:
        return parse_policy(head + text, origin="any.yaml")
    except PolicyError as error:
        assume("never be true" not in str(error))
        raise


FACTS_OF_ANY = st.fixed_dictionaries({}, optional={name: st.booleans() for name in (*GOOD, *BAD)})
ANY = st.builds(
    lambda facts, amount, currency, confidence: proposal("a.do", amount, currency, confidence, **facts),
    FACTS_OF_ANY, LIMITS, st.sampled_from(["EUR", "USD", "SEK"]), st.floats(0, 1),
)  # fmt: skip


@FEWER
@given(monotone_policies(), ANY, st.integers(1, 5000))
def test_under_any_such_policy_more_money_is_never_freer(policy, given, more):
    amount = given.action.amount
    action = given.action.model_copy(update={"amount": Money(amount=amount.amount + more, currency=amount.currency)})
    assert lane(changed(given, action=action), policy) >= lane(given, policy)


@FEWER
@given(monotone_policies(), ANY, st.floats(0, 1))
def test_under_any_such_policy_less_confidence_is_never_freer(policy, given, less):
    assert lane(changed(given, confidence=min(less, given.confidence)), policy) >= lane(given, policy)


@FEWER
@given(monotone_policies(), ANY, st.data())
def test_under_any_such_policy_less_trust_is_never_freer(policy, given, data):
    assume(given.facts)
    name = data.draw(st.sampled_from(sorted(given.facts)))
    assert lane(changed(given, facts=given.facts | {name: name in BAD}), policy) >= lane(given, policy)


@FEWER
@given(monotone_policies(), ANY, st.data())
def test_under_any_such_policy_a_fact_less_never_lets_it_run_alone(policy, given, data):
    gone = set(data.draw(st.lists(st.sampled_from(sorted((*GOOD, *BAD, "amount", "confidence"))), min_size=1)))
    action = given.action.model_copy(update={"amount": None}) if "amount" in gone else given.action
    confidence = None if "confidence" in gone else given.confidence
    facts = {name: value for name, value in given.facts.items() if name not in gone}
    after = verdict(changed(given, action=action, confidence=confidence, facts=facts), policy=policy)
    assert after.lane is not Lane.ALLOWED or lane(given, policy) == 0
    assert after.lane is not Lane.ALLOWED or not after.missing


@FEWER
@given(monotone_policies(), ANY)
def test_under_any_policy_the_written_functions_say_what_a_walk_says(policy, given):
    plan = policy.plans["a.do"]
    walked = []
    matched = plan.walked(plan.factsheet.filled(given, {}), walked)
    for _ in range(4):
        hits = []
        found = plan.outcome(given, {}, hits)
        assert hits == walked
        assert found == plan._combined(matched)
