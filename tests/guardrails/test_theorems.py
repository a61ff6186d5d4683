"""Theorems: refused where they say nothing, proved for every case, refuted by one; those of the house hold."""

import pytest

from shiftlead.core.errors import PolicyError
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.policy import parse_policy, policy_text, shipped_policy
from shiftlead.guardrails.theorems import house_theorems, parse_theorems, prove, theorems_of

HOUSE = shipped_policy()
TEXT = policy_text(None)
ONE = """
theorems:
  - id: T-1
    claim: It is so.
    actions: [invoice.post]
    {claims}
    owner: me
    source: SOP
"""


def theorems(claims, policy=HOUSE):
    return parse_theorems(ONE.replace("{claims}", claims), policy, origin="theorems.yaml")


def changed(*pairs):
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse_policy(text, origin="changed")


@pytest.mark.parametrize("theorem", house_theorems(HOUSE), ids=lambda one: one.id)
def test_the_theorems_of_the_house_hold(theorem):
    pytest.importorskip("z3")
    [proof] = prove(HOUSE, (theorem,))
    assert proof.holds, (proof.example, proof.verdict)
    assert proof.kinds


@pytest.mark.parametrize(
    ("pairs", "refuted"),
    [
        ((("    when: {bank_matches_master: false}\n", "    when: {bank_matches_master: false, disputed: true}\n"),), "T-006"),
        ((("days_since_bank_change: {at_most: 30}", "days_since_bank_change: {at_most: 29}"),), "T-007"),
        ((("receivable.write_off: {min_confidence: 0.50, approvals: 2, four_eyes: true}", "receivable.write_off: {min_confidence: 0.50}"),
          ("actions: [receivable.write_off, receivable.agency]\n    approvals: 2\n    four_eyes: true", "actions: [receivable.write_off, receivable.agency]\n    approvals: 2")), "T-010"),
        ((("  - id: R-022\n    lane: reviewed", "  - id: R-022\n    lane: allowed"),), "T-002"),
        ((("    approvals: 2\n    four_eyes: true\n    reason: Above this amount two", "    reason: Above this amount two"),), "T-011"),
    ],
)  # fmt: skip
def test_a_hole_in_the_policy_refutes_its_theorem_by_a_case(pairs, refuted):
    pytest.importorskip("z3")
    policy = changed(*pairs)
    found = {proof.theorem: proof for proof in prove(policy, house_theorems(policy)) if not proof.holds}
    assert refuted in found
    assert found[refuted].example
    assert found[refuted].verdict


def test_the_counterexample_is_told_with_its_verdict():
    pytest.importorskip("z3")
    [proof] = prove(HOUSE, theorems("given: {exceptions: {is: 0}}\n    never: allowed"))
    assert (proof.holds, proof.action, proof.facts["exceptions"]) == (False, "invoice.post", "0")
    assert proof.example.startswith("invoice.post with amount 1.00 EUR, confidence 0.96, ")
    assert proof.verdict.startswith("allowed: R-001 (amount 1.00 EUR; limit 5,000.00 EUR; ")


@pytest.mark.parametrize(
    ("claims", "lanes"),
    [
        ("never: allowed", {Lane.REVIEWED, Lane.PROHIBITED}),
        ("always: prohibited", {Lane.PROHIBITED}),
        ("at_least: reviewed", {Lane.REVIEWED, Lane.PROHIBITED}),
        ("approvals: 2", {Lane.REVIEWED, Lane.PROHIBITED}),
        ("never: prohibited", {Lane.ALLOWED, Lane.REVIEWED}),
    ],
)
def test_the_lanes_a_claim_leaves_open(claims, lanes):
    [theorem] = theorems(claims)
    assert set(theorem.lanes) == lanes


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("given: {amonut: {above: 1 EUR}}\n    never: allowed", "'amonut' is not a declared fact. Did you mean 'amount'?"),
        ("given: {order_found: yes}\n    never: allowed", "order_found is true or false, but the value is 'yes'"),
        ("given: {all: [exceptions: {above: 3}, exceptions: {below: 2}]}\n    never: allowed", "no case is like this"),
        ("never: alowed", "'alowed' is no lane. Did you mean 'allowed'?"),
        ("nevr: allowed", "'nevr' is not a known field. Did you mean 'never' or"),
        ("unsure: true", "it claims nothing"),
        ("at_least: allowed", "it is true of every policy"),
        ("always: allowed\n    approvals: 2", "leave no lane open"),
        ("approvals: 9", "approvals: input should be less than or equal to 5"),
    ],
)
def test_the_mistakes_of_an_author_are_refused_with_the_right_word(claims, said):
    with pytest.raises(PolicyError) as caught:
        theorems(claims)
    assert str(caught.value).startswith("theorems.yaml, line ")
    assert "theorem 'T-1'" in str(caught.value)
    assert said in str(caught.value)


def test_an_action_that_the_policy_does_not_know_is_refused():
    with pytest.raises(PolicyError, match=r"'invoice\.pots' is no action of this policy.*'invoice\.post'"):
        parse_theorems(ONE.replace("{claims}", "never: allowed").replace("invoice.post", "invoice.pots"), HOUSE, origin="t")


def test_two_theorems_with_one_id_and_a_file_without_any_are_refused():
    twice = ONE.replace("{claims}", "never: allowed")
    with pytest.raises(PolicyError, match="two theorems have this id"):
        parse_theorems(twice + twice.split("theorems:\n")[1], HOUSE, origin="t")
    with pytest.raises(PolicyError, match="there are no theorems in it"):
        parse_theorems("theorems: []\n", HOUSE, origin="t")


def test_a_policy_names_its_theorems_beside_it(tmp_path):
    own = parse_policy("theorems: mine.yaml\n" + TEXT, origin="t")
    with pytest.raises(PolicyError, match=r"mine\.yaml.*cannot be read"):
        theorems_of(own, tmp_path)
    (tmp_path / "mine.yaml").write_text(ONE.replace("{claims}", "never: allowed"))
    assert [one.id for one in theorems_of(own, tmp_path)] == ["T-1"]
    other = parse_policy(TEXT.replace("name: house", "name: other", 1), origin="t")
    with pytest.raises(PolicyError, match="names no theorems"):
        theorems_of(other, tmp_path)


def test_the_house_theorems_hold_for_a_house_that_dropped_a_kind_of_action():
    pytest.importorskip("z3")
    lines = [line for line in TEXT.splitlines() if not line.startswith("  account.escalate:")]
    text = "\n".join(lines).replace(', "account.*"', "")
    start = text.index("  - id: R-068")
    policy = parse_policy(text[:start] + text[text.index("  - id: ", start + 10) :], origin="t")
    assert all(proof.holds for proof in prove(policy, house_theorems(policy)))
