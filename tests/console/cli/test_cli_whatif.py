"""`policy explain --policy`: the verdict under another policy file, beside the one that stands."""

from datetime import timedelta

import pytest

from shiftlead.console.cli_whatif import compared
from shiftlead.core import actions, exposure, outbox, queue
from shiftlead.core.clock import FrozenClock
from shiftlead.core.money import Money
from shiftlead.core.receipt import EffectState
from shiftlead.core.store import Ledger
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.gate import Guard
from shiftlead.guardrails.limits import worth
from shiftlead.guardrails.policy import load_policy, parse_policy


@pytest.fixture
def stricter(worked, tmp_path):
    """The policy of the workspace, with invoices reviewed from one euro on."""
    text = (worked / "policy.yaml").read_text().replace("EUR: 5000,", "EUR: 1,").replace("version: 1", "version: 2", 1)
    path = tmp_path / "next.yaml"
    path.write_text(text)
    return path


def posted(told):
    """A case in which an invoice in euro was posted without asking."""
    for case in told("case", "list", "--worker", "invoices", "--state", "closed", "--limit", "500"):
        for one in told("policy", "explain", case["id"]):
            summary = one["summary"]
            if one["verdict"]["lane"] == "allowed" and "invoice.post" in summary and summary.endswith(" EUR"):
                return case["id"], one["action"]
    raise AssertionError("the demo posts no invoice")


def test_another_policy_judges_beside_the_stored_verdict(worked, stricter, told, run):
    case, action = posted(told)
    before = run("audit", "verify").stdout
    [found] = [one for one in told("policy", "explain", case, "--policy", str(stricter)) if one["action"] == action]
    assert (found["verdict"]["lane"], found["under"]["lane"], found["differs"]) == ("allowed", "reviewed", True)
    assert found["verdict"]["policy"] == "house@1"
    assert found["under"]["policy"] == "house@2"
    hit = next(one for one in found["under"]["hits"] if one["rule"] == "R-002")
    assert hit["distance"].endswith(" over")
    result = run("policy", "explain", action, "--policy", str(stricter))
    assert "allowed -> reviewed\n  as judged\n    Allowed by house@1.\n" in result.stdout
    assert f"  under {stricter}\n    Reviewed by house@2.\n" in result.stdout
    assert result.stderr == "1 of 1 would be judged otherwise; nothing was changed.\n"
    assert run("audit", "verify").stdout == before


def test_the_same_policy_judges_as_before(worked, told, run):
    _, action = posted(told)
    result = run("policy", "explain", action, "--policy", str(worked / "policy.yaml"))
    assert ": allowed, as it was judged\n" in result.stdout
    assert result.stderr.startswith("0 of 1 ")


def test_rules_are_those_of_the_named_policy(worked, stricter, run):
    assert "1.00 EUR" in run("policy", "explain", "R-002", "--policy", str(stricter)).stdout
    assert "5,000.00 EUR" in run("policy", "explain", "R-002").stdout


def test_a_policy_with_a_mistake_is_refused(worked, tmp_path, run):
    (tmp_path / "bad.yaml").write_text("name: [\n")
    assert "bad.yaml" in run("policy", "explain", "R-002", "--policy", str(tmp_path / "bad.yaml"), code=2).stderr


def test_more_people_are_another_verdict_too(worked, told, run, tmp_path):
    text = (worked / "policy.yaml").read_text()
    two = text.replace("invoice.request_correction: {", "invoice.request_correction: {approvals: 2, four_eyes: true, ", 1)
    assert two != text
    (tmp_path / "two.yaml").write_text(two)
    request = next(one for one in told("inbox", "list", "--limit", "500") if one["action_kind"] == "invoice.request_correction")
    result = run("policy", "explain", request["action_id"], "--policy", str(tmp_path / "two.yaml"))
    assert "reviewed -> reviewed (2 approvals, four eyes)" in result.stdout


def test_an_action_of_today_is_not_counted_twice(worked):
    ledger = Ledger.open(f"sqlite:///{worked}/ledger.db")
    policy = load_policy(worked / "policy.yaml")
    with ledger.reading() as reading:
        sealed = next(
            one
            for case in queue.listed(reading, worker="invoices", limit=500)
            for one in actions.of_case(reading, case.id)
            if one.kind == "invoice.post" and one.lane is Lane.ALLOWED
        )
        [effect] = [one for one in outbox.of_case(reading, sealed.case_id) if one.action_id == sealed.id]
        action, now = sealed.envelope.proposal.action, effect.sent_at
        (spent,) = exposure.totals(reading, [f"party:{action.party}"]).values()
        limit = worth(spent.within(timedelta(hours=24), now).money, action.amount.currency, policy.rates)
        other = parse_policy(
            (worked / "policy.yaml").read_text()
            + "  - id: L-900\n    actions: [invoice.post]\n    per: party\n"
            + f"    amount: {{{action.amount.currency}: {limit}}}\n"
            + "    reason: As much as was committed.\n    owner: tests\n    source: tests\n",
            origin="test",
        )
        found = compared(policy, Guard(other, FrozenClock(now)), sealed, reading, named="other")
    ledger.close()
    assert effect.state is EffectState.DONE
    assert isinstance(action.amount, Money)
    assert "L-900" not in {hit.rule for hit in found.under.hits}
    assert found.under.lane is Lane.ALLOWED


def test_a_misspelt_rule_is_told_the_nearest_one(worked, run):
    assert "Did you mean 'R-002'" in run("policy", "explain", "R-0002", code=3).stderr
    assert "case list" in run("policy", "explain", "case_nobody", code=3).stderr
