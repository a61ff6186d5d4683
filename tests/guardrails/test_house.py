"""The shipped policy: complete, and every example in it true."""

import pytest

from shiftlead.connectors.operations import EFFECTS
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.policy import shipped_policy
from shiftlead.guardrails.review import check, verdict_of
from shiftlead.guardrails.rules import Example

HOUSE = shipped_policy()


def test_every_effect_is_known_and_nothing_else():
    changes_of_master_data = {"supplier.change"}
    """No connector of ours offers them; those that do find the rules ready."""
    known = {operation.name for operation in EFFECTS} | changes_of_master_data
    assert {action.kind for action in HOUSE.actions} == known


def test_the_review_has_no_remarks_and_says_what_it_left_out():
    report = check(HOUSE)
    assert [remark for remark in report.remarks if remark.serious] == []
    assert report.examples > 50
    assert report.left_out


@pytest.mark.parametrize("operation", [one for one in EFFECTS if one.authority], ids=lambda one: one.name)
def test_nothing_whose_authority_comes_from_text_is_allowed(operation):
    clean = [example for rule in HOUSE.rules for example in rule.examples if example.action == operation.name]
    for example in clean:
        tainted = example.facts | {"authority_from_records": False, "recipient_from_records": False}
        found = verdict_of(HOUSE, Example(action=operation.name, facts=tainted, lane=Lane.PROHIBITED))
        assert found.lane is not Lane.ALLOWED, example


def test_giving_money_up_needs_two_people_and_four_eyes():
    example = HOUSE.rule("R-069").examples[0]
    found = verdict_of(HOUSE, example)
    assert (found.lane, found.approvals, found.four_eyes) == (Lane.REVIEWED, 2, True)


def test_every_rule_has_an_owner_a_source_and_an_example():
    assert all(rule.owner and rule.source and rule.examples for rule in HOUSE.rules)


def test_the_reason_names_the_tainted_argument():
    example = HOUSE.rule("R-008").examples[0]
    hit = verdict_of(HOUSE, example).hits[0]
    assert (hit.rule, hit.field, hit.actual) == ("R-008", "tainted_arguments", "iban")
