"""The review of a policy, and verdicts in words."""

from datetime import UTC, datetime

import pytest

from shiftlead.core.verdict import Lane, RuleHit, Verdict
from shiftlead.guardrails import review
from shiftlead.guardrails.conditions import AllOf, Op
from shiftlead.guardrails.policy import parse_policy, shipped_policy
from shiftlead.guardrails.review import because, check, explain, explain_rule, lane_of, verdict_of

HEAD = "name: t\nversion: 1\nowner: o\nactions: {a.b: {}, a.c: {}}\nrules:\n"
RULE = "  - {{id: {id}, lane: {lane}, actions: {actions}, reason: r, owner: o, source: s{rest}}}\n"


def remarks(*rules):
    rows = [RULE.format(**({"lane": "reviewed", "actions": "a.b", "rest": ""} | rule)) for rule in rules]
    return [(one.rule, one.serious, one.text) for one in check(parse_policy(HEAD + "".join(rows), origin="t")).remarks]


def test_an_example_that_is_not_true_is_serious():
    found = remarks({"id": "R-1", "rest": ", when: {exceptions: {above: 1}}, examples: [{exceptions: 2, lane: allowed}]"})
    assert found[0] == ("R-1", True, "example 1 (a.b) should be allowed, but is reviewed: R-1: r")


def test_a_rule_that_matches_in_none_of_its_examples_is_serious():
    found = remarks({"id": "R-1", "rest": ", when: {exceptions: {above: 1}}, examples: [{exceptions: 0, lane: reviewed}]"})
    assert ("R-1", True, "matches in none of its examples; it may be dead") in found


def test_a_rule_without_an_example_is_remarked():
    assert ("R-1", False, "has no example, so nothing shows that it works") in remarks({"id": "R-1"})


def test_twins_are_serious_however_they_are_written():
    found = remarks(
        {"id": "R-1", "rest": ", when: {not: {exceptions: {above: 1}}}"},
        {"id": "R-2", "rest": ", when: {exceptions: {at_most: 1}}"},
    )
    assert ("R-2", True, "says the same as R-1 for the same actions") in found


def test_allowing_everything_is_serious():
    assert ("R-1", True, "allows without any condition") in remarks({"id": "R-1", "lane": "allowed", "actions": '"*"'})


def test_rules_that_can_never_decide_and_actions_without_rules_are_remarked():
    found = remarks({"id": "R-1", "lane": "prohibited"}, {"id": "R-2", "rest": ", when: {disputed: true}"})
    assert ("R-2", False, "never decides for a.b, because R-1 always prohibits it") in found
    assert ("a.c", False, "no rule is about this action; it is always reviewed") in found


def test_a_verdict_in_words():
    house = shipped_policy()
    lines = explain(house, verdict_of(house, house.rule("R-003").examples[0]))
    assert lines[0] == "Reviewed by house@1."
    assert (
        "R-003, reviewed: Above this amount two people approve, and neither of them made it. "
        "(amount: 31,000.00 EUR; limit 25,000.00 EUR; 6,000.00 EUR over) [delegation of authority; SOX 404; controller]"
    ) in lines
    assert "Needs 2 people, none of whom made or edited it." in lines
    assert lines[-1].startswith("Did not match: R-004, ")


def test_a_brain_that_cannot_say_how_sure_it_is_leaves_no_gap_in_the_words():
    unsure = RuleHit(rule="low-confidence", lane=Lane.REVIEWED, reason="It cannot say.", field="confidence", limit="0.30")
    verdict = Verdict(
        lane=Lane.REVIEWED, policy="house@1", policy_digest="0", judged_at=datetime(2026, 1, 1, tzinfo=UTC), hits=(unsure,)
    )
    assert "low-confidence, reviewed: It cannot say. (confidence: missing; limit 0.30)" in explain(shipped_policy(), verdict)
    assert because(verdict) == "reviewed: low-confidence (confidence missing; limit 0.30)"


def test_a_verdict_under_another_policy_says_so():
    house = shipped_policy()
    old = Verdict(lane=Lane.ALLOWED, policy="house@0", policy_digest="0", judged_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert "another text of the policy" in explain(house, old)[1]


def test_a_rule_in_words():
    assert explain_rule(shipped_policy().rule("R-021")) == (
        "R-021, reviewed, invoice.issue: discount_percent above 10 and not (approved_discount is yes)"
    )


def test_rules_that_can_never_match_are_serious():
    # A file with such a rule does not load; a program can still put one together.
    pytest.importorskip("z3")
    house = shipped_policy()
    first = house.rule("R-002")
    clash = AllOf(every=(first.when, first.when.model_copy(update={"op": Op.BELOW})))
    dead = first.model_copy(update={"when": clash, "examples": ()})
    found = check(house.model_copy(update={"rules": tuple(dead if one.id == "R-002" else one for one in house.rules)}))
    assert ("R-002", True, "can never match: no facts make its condition true") in [
        (one.rule, one.serious, one.text) for one in found.remarks
    ]


def test_a_rule_that_another_covers_is_remarked():
    pytest.importorskip("z3")
    found = remarks(
        {"id": "R-1", "lane": "allowed", "rest": ", when: {disputed: false}"},
        {"id": "R-2", "rest": ", when: {exceptions: {above: 2}}"},
        {"id": "R-3", "rest": ", when: {exceptions: {above: 5}}"},
        {"id": "R-4", "rest": ", approvals: 2, when: {exceptions: {above: 5}}"},
    )
    told = [text for rule, _, text in found if rule == "R-3" and "never decides" in text]
    assert told == ["never decides anything: wherever it matches, R-2 does, and asks for as much"]
    assert not [text for rule, _, text in found if rule == "R-4" and "never decides" in text]


def test_the_same_in_other_words_is_remarked():
    pytest.importorskip("z3")
    found = remarks(
        {"id": "R-1", "lane": "allowed", "rest": ", when: {disputed: false}"},
        {"id": "R-2", "rest": ", when: {exceptions: {above: 2}}"},
        {"id": "R-3", "rest": ", when: {exceptions: {at_least: 3}}"},
    )
    assert any(rule == "R-2" and "R-3 does, which says the same in other words" in text for rule, _, text in found)


def test_an_allow_rule_that_lets_nothing_run_is_remarked():
    pytest.importorskip("z3")
    found = remarks(
        {"id": "R-1", "lane": "allowed", "rest": ", when: {disputed: true}"},
        {"id": "R-2", "rest": ", when: {disputed: true}"},
    )
    assert any(rule == "R-1" and text.startswith("lets nothing run") for rule, _, text in found)
    assert ("a.b", False, "never runs alone, although a rule allows it") in found


def test_the_report_says_what_never_runs_alone_and_which_rules_only_say_why():
    pytest.importorskip("z3")
    report = check(shipped_policy())
    assert "invoice.credit_memo" in report.never_alone
    assert "invoice.post" not in report.never_alone
    assert {"R-002", "R-022"} <= set(report.only_explain)
    assert "R-003" not in report.only_explain


def test_without_the_solver_the_rest_is_checked_and_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(review, "available", lambda: False)
    report = check(shipped_policy())
    assert report.ok
    assert (report.never_alone, report.only_explain) == ((), ())
    assert any("shiftlead[prove]" in line for line in report.left_out)


def test_people_and_reasons_in_one_line():
    house = shipped_policy()
    verdict = verdict_of(house, house.rule("R-003").examples[0])
    assert lane_of(verdict) == "reviewed (2 approvals, four eyes)"
    assert because(verdict).startswith("reviewed (2 approvals, four eyes): R-002 (amount 31,000.00 EUR; limit 5,000.00 EUR; ")
