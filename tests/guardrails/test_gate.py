"""The gate: what was committed counts at every door, and nothing a worker says about it does."""

from datetime import timedelta
from decimal import Decimal

import pytest
from stage import IBAN

from shiftlead.core.action import Action, Envelope, Proposal, Target
from shiftlead.core.actions import ActionState, SealedAction
from shiftlead.core.money import Money
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.gate import Guard
from shiftlead.guardrails.policy import parse_policy

RULES = """
name: gate
version: 1
owner: tests
actions: {invoice.post: {}}
rates: {EUR: 1, USD: 1.10}
rates_checked_on: 2026-09-01
rules:
  - {id: G-1, lane: allowed, actions: [invoice.post], reason: fine, owner: t, source: t}
  - {id: G-2, lane: prohibited, actions: [invoice.post], when: {iban_valid: false}, reason: no such account, owner: t, source: t}
limits:
  - {id: L-1, actions: [invoice.post], per: party, amount: {EUR: 100, USD: 110}, reason: a day, owner: t, source: t}
  - {id: L-2, actions: [invoice.post], per: account, within: 1h, amount: {EUR: 80, USD: 88}, reason: an hour, owner: t, source: t}
  - {id: L-3, actions: [invoice.post], per: all, within: 1m, count: 3, lane: prohibited, reason: a minute, owner: t, source: t}
"""
CONTEXT = {"worker": "w"}


def proposal(amount="60.00", currency="EUR", party="S-1", iban=IBAN, **facts):
    action = Action(
        kind="invoice.post",
        target=Target(system="erp", kind="invoice", id="I-1"),
        party=party,
        arguments={"iban": iban},
        amount=Money.of(amount, currency),
    )
    return Proposal(action=action, confidence=0.99, rationale="It agrees.", facts=facts)


def sealed(proposed, verdict):
    envelope = Envelope(
        tenant="main", case_id="case_1", action_id="act_1", worker="w", playbook="p@1", brain="b", proposal=proposed
    )
    return SealedAction(
        id="act_1", case_id="case_1", seq=1, state=ActionState.PROPOSED, envelope=envelope, digest=envelope.digest(),
        verdict=verdict, context=CONTEXT,
    )  # fmt: skip


@pytest.fixture
def guard(clock):
    return Guard(parse_policy(RULES, origin="gate.yaml"), clock)


@pytest.fixture
def judge(guard, ledger):
    def asked(proposed):
        with ledger.reading() as session:
            return guard.judge(session, proposed, CONTEXT)

    return asked


@pytest.fixture
def admit(guard, ledger, judge):
    def asked(proposed, verdict=None):
        with ledger.transaction() as tx:
            return guard.admit(tx, sealed(proposed, verdict or judge(proposed)), {})

    return asked


def rules(verdict):
    return {hit.rule for hit in verdict.hits if hit.lane is not Lane.ALLOWED}


def test_judging_counts_nothing_and_admitting_does(judge, admit):
    assert [judge(proposal()).lane for _ in range(3)] == [Lane.ALLOWED] * 3
    assert admit(proposal()).lane is Lane.ALLOWED
    again = judge(proposal())
    assert (again.lane, rules(again)) == (Lane.REVIEWED, {"L-1", "L-2"})


def test_every_limit_tells_what_it_is_and_how_far_it_is_passed(judge, admit):
    admit(proposal())
    found = {hit.rule: hit for hit in judge(proposal()).hits}
    assert (found["L-1"].actual, found["L-1"].limit, found["L-1"].distance) == ("120.00 EUR", "100.00 EUR", "20.00 EUR over")
    assert found["L-2"].field == "exposure_account_1h"
    assert found["L-2"].distance == "40.00 EUR over"
    assert found["L-1"].owner == found["L-1"].source == "t"


def test_a_count_tells_it_too(judge, admit):
    for number in range(3):
        admit(proposal("1.00", party=f"S-{number}"))
    verdict = judge(proposal("1.00", party="S-9"))
    assert verdict.lane is Lane.PROHIBITED
    (hit,) = [one for one in verdict.hits if one.rule == "L-3"]
    assert (hit.actual, hit.limit, hit.distance) == ("4", "3", "1 over")


def test_each_window_has_its_own_end(judge, admit, clock):
    admit(proposal())
    clock.advance(timedelta(minutes=62))
    assert rules(judge(proposal())) == {"L-1"}
    clock.advance(timedelta(hours=25))
    assert rules(judge(proposal())) == set()


def test_what_a_worker_says_was_committed_does_not_count(judge, admit):
    admit(proposal())
    small = {"amount": "1", "currency": "EUR"}
    lie = proposal(exposure_party_24h=small, exposure_account_1h=small, actions_all_1m=1, iban_valid=True)
    assert rules(judge(lie)) == {"L-1", "L-2"}


def test_what_a_worker_says_about_an_account_does_not_count(judge):
    verdict = judge(proposal(iban="DE02120300000000202052", iban_valid=True))
    assert (verdict.lane, rules(verdict)) == (Lane.PROHIBITED, {"G-2"})


def test_without_party_or_account_a_person_decides(judge):
    verdict = judge(proposal(party="", iban="", iban_valid=True))
    assert verdict.lane is Lane.REVIEWED
    assert set(verdict.missing) == {"exposure_party_24h", "exposure_account_1h", "iban_valid"}


def test_another_currency_is_part_of_the_sum(judge, admit):
    admit(proposal("60.00", party="S-1"))
    hit = next(one for one in judge(proposal("50.00", "USD")).hits if one.rule == "L-1")
    assert (hit.actual, hit.limit) == ("116.00 USD", "110.00 USD")


def test_a_verdict_only_tightens_at_the_door(judge, admit):
    allowed = judge(proposal())
    admit(proposal())
    verdict = admit(proposal(), allowed)
    assert (verdict.lane, rules(verdict)) == (Lane.REVIEWED, {"L-1", "L-2"})


def test_what_is_given_back_makes_room(guard, ledger, judge, admit, clock):
    at = clock.now()
    admit(proposal())
    clock.advance(timedelta(minutes=5))
    with ledger.transaction() as tx:
        guard.give_back(tx, sealed(proposal(), judge(proposal())), at)
    assert judge(proposal()).lane is Lane.ALLOWED


def test_what_happened_late_counts_when_it_happened(guard, ledger, judge, clock):
    with ledger.transaction() as tx:
        guard.count(tx, sealed(proposal(), judge(proposal())), clock.now() - timedelta(hours=2))
    assert rules(judge(proposal())) == {"L-1"}, "two hours ago is within a day and not within an hour"


def test_judged_again_an_action_is_not_counted_twice(guard, ledger, judge, admit, clock):
    action, at = sealed(proposal(), judge(proposal())), clock.now()
    admit(proposal())
    clock.advance(timedelta(minutes=1))
    with ledger.reading() as session:
        assert guard.again(session, action, counted=at).lane is Lane.ALLOWED
        assert rules(guard.again(session, action, counted=None)) == {"L-1", "L-2"}


def test_what_a_policy_does_not_look_at_is_counted_all_the_same(ledger, clock, admit):
    """A limit that is added today holds for what was committed before it was."""
    admit(proposal())
    later = (
        RULES
        + "  - {id: L-4, actions: [invoice.post], per: connector, within: 8h, amount: {EUR: 70}, reason: r, owner: t, source: t}\n"
    )
    guard = Guard(parse_policy(later, origin="later.yaml"), clock)
    with ledger.reading() as session:
        found = guard.judge(session, proposal("11.00", party="S-2", iban="GB33BUKB20201555555555"), CONTEXT)
    assert rules(found) == {"L-4"}
    assert Decimal(found.hits[0].actual.split()[0]) == Decimal("71.00")
