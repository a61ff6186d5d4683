"""The past under another policy: what would change lane, at what error and money."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shiftlead.core.action import Action, Envelope, Proposal, Target
from shiftlead.core.actions import ActionState, SealedAction
from shiftlead.core.approval import DecisionKind
from shiftlead.core.errors import BadInput
from shiftlead.core.money import Money
from shiftlead.core.past import PastAction
from shiftlead.core.verdict import Lane, RuleHit
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.policy import parse_policy
from shiftlead.guardrails.replay import Remembered, Said, parse_since, replayed, said

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
POLICY = """
name: office
version: 1
owner: tests
actions:
  invoice.post: {min_confidence: 0.5}
  invoice.hold: {min_confidence: 0.5}
rules:
  - {id: S-1, lane: allowed, actions: [invoice.post], when: {amount: {at_most: {EUR: 5000}}}, reason: r, owner: t, source: t}
  - {id: S-2, lane: reviewed, actions: [invoice.post], when: {amount: {above: {EUR: 5000}}}, reason: r, owner: t, source: t}
  - {id: S-3, lane: allowed, actions: [invoice.hold], reason: r, owner: t, source: t}
  - {id: S-4, lane: reviewed, actions: [invoice.post], when: {done_before: {above: 0}}, four_eyes: true, reason: r, owner: t, source: t}
limits:
  - {id: L-1, actions: [invoice.post], per: party, amount: {EUR: 8000}, reason: r, owner: t, source: t}
"""
OLD = parse_policy(POLICY, origin="old")
APPROVE, EDIT, REJECT = DecisionKind.APPROVE, DecisionKind.EDIT, DecisionKind.REJECT


def past(number, amount, *answers, minutes=0, kind="invoice.post", record=None, sent=False, party="S-1", facts=None, told=None):
    """An action proposed so many minutes after nine, and judged by the old policy with what was counted then (`told`)."""
    at = AT + timedelta(minutes=minutes)
    money = Money.of(amount, "EUR") if amount else None
    action = Action(
        kind=kind, target=Target(system="erp", kind="invoice", id=record or f"I-{number}"), party=party, amount=money,
        arguments={},
    )  # fmt: skip
    proposal = Proposal(action=action, confidence=0.9, rationale="Because.", facts=facts or {})
    context = {"worker": "invoices"}
    counted = {"exposure_party_24h": money, "done_before": 0} | (told or {})
    verdict = judge(OLD, proposal, context=context | counted, now=at)
    envelope = Envelope(
        tenant="main", case_id=f"case_{number}", action_id=f"act_{number}", worker="invoices", playbook="p@1", brain="b@1",
        proposal=proposal,
    )  # fmt: skip
    sealed = SealedAction(
        id=f"act_{number}", case_id=f"case_{number}", seq=1, state=ActionState.DONE, envelope=envelope, digest=envelope.digest(),
        verdict=verdict, context=context,
    )  # fmt: skip
    return PastAction(sealed=sealed, proposed_at=at, answers=answers, sent_at=at + timedelta(seconds=30) if sent else None)


def replay(items, new, **options):
    return replayed(Remembered(items, (new, OLD), **options), new)


def changed(*pairs):
    text = POLICY
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return parse_policy(text, origin="new")


def test_the_same_policy_judges_as_before_also_what_limits_counted():
    eur = Money.of("9000", "EUR")
    items = [
        past(1, "3000", minutes=0, sent=True),
        past(2, "3000", minutes=1, sent=True, told={"exposure_party_24h": Money.of("6000", "EUR")}),
        past(3, "3000", minutes=2, told={"exposure_party_24h": eur}),
        past(4, "100", minutes=3, record="I-1", told={"done_before": 1, "exposure_party_24h": Money.of("6100", "EUR")}),
        past(5, "9000", APPROVE, minutes=4, party="S-2"),
        past(6, None, minutes=5, kind="invoice.hold"),
    ]
    assert [one.sealed.lane.value for one in items] == ["allowed", "allowed", "reviewed", "reviewed", "reviewed", "allowed"]
    found = replay(items, OLD)
    assert (found.actions, found.same, found.moves) == (6, 6, ())


def test_what_was_not_sent_was_not_counted():
    items = [past(1, "3000"), past(2, "3000", minutes=1), past(3, "3000", minutes=2)]
    assert replay(items, OLD).same == 3


def test_what_would_run_alone_is_held_against_what_people_said():
    items = [
        past(1, "6000", APPROVE),
        past(2, "7000", REJECT, party="S-2"),
        past(3, "7500", EDIT, APPROVE, party="S-3"),
        past(4, "7600", party="S-4"),
        past(5, "9000", REJECT, party="S-5"),
    ]
    found = replay(items, changed(("EUR: 5000", "EUR: 8000")))
    [move] = found.moves
    assert (move.before, move.after, move.freer, move.count) == ("reviewed", "allowed", True, 4)
    assert move.money == {"EUR": Decimal(28100)}
    assert move.said == {"approved": 1, "rejected": 1, "edited": 1, "undecided": 1}
    assert (found.same, found.unattended, found.confirmed, found.errors) == (1, 4, 1, 2)
    assert found.error_rate == pytest.approx(2 / 3)
    assert found.error_cases == ("case_2", "case_3")
    assert found.error_money == {"EUR": Decimal(14500)}


def test_tightening_and_other_people_are_told_too():
    items = [past(1, "3000"), past(2, "6000", APPROVE, party="S-2"), past(3, None, kind="invoice.hold")]
    new = changed(
        ("{id: S-2, lane: reviewed,", "{id: S-2, lane: reviewed, approvals: 2,"),
        ("{id: S-3, lane: allowed,", "{id: S-3, lane: prohibited,"),
    )
    moves = {(one.before, one.after): one for one in replay(items, new).moves}
    assert set(moves) == {("reviewed", "reviewed (2 approvals)"), ("allowed", "prohibited")}
    assert not any(one.freer for one in moves.values())


def test_what_people_approved_and_would_never_run_is_counted():
    items = [past(1, "6000", APPROVE), past(2, "7000", REJECT, party="S-2")]
    new = changed(("{id: S-2, lane: reviewed,", "{id: S-2, lane: prohibited,"))
    assert replay(items, new).blocked_good == 1


def test_a_kind_that_the_new_policy_does_not_know_is_prohibited():
    new = changed(("  invoice.hold: {min_confidence: 0.5}\n", ""), ("actions: [invoice.hold]", "actions: [invoice.post]"))
    [move] = replay([past(1, None, kind="invoice.hold")], new).moves
    assert move.after == "prohibited"


def test_since_leaves_out_what_came_before_and_still_counts_it():
    items = [past(1, "6000", sent=True), past(2, "3000", minutes=60, told={"exposure_party_24h": Money.of("9000", "EUR")})]
    found = replay(items, OLD, since=AT + timedelta(minutes=30))
    assert (found.actions, found.same) == (1, 1)
    assert parse_since("2026-09-15") == datetime(2026, 9, 15, tzinfo=UTC)
    with pytest.raises(BadInput, match="is no day"):
        parse_since("yesterday")


def test_a_moved_record_keeps_its_person():
    one = past(1, "3000")
    hit = RuleHit(rule="record-moved", lane=Lane.REVIEWED, reason="It moved.")
    verdict = one.sealed.verdict.model_copy(update={"lane": Lane.REVIEWED, "hits": (hit, *one.sealed.verdict.hits)})
    moved = one.model_copy(update={"sealed": one.sealed.model_copy(update={"verdict": verdict})})
    assert replay([moved], OLD).same == 1


def test_facts_from_their_stored_form_are_typed():
    price = "{id: S-5, lane: reviewed, actions: [invoice.post], when: {price_effect: {above: 10 EUR}}, reason: r, owner: t, source: t}"
    new = changed(("limits:", f"  - {price}\nlimits:"))
    items = [
        past(number, "3000", facts={"price_effect": {"amount": amount, "currency": "EUR"}}, party=f"S-{number}")
        for number, amount in enumerate(("9.99", "10.01"))
    ]
    found = replay(items, new)
    assert (found.same, found.moves[0].cases) == (1, ("case_1",))


def test_a_stored_fact_of_another_type_prohibits_as_judging_does():
    broken = past(1, "3000", facts={"exceptions": "many"})
    assert broken.sealed.lane is Lane.PROHIBITED
    assert replay([broken, past(2, "3000", party="S-2")], OLD).same == 2


@pytest.mark.parametrize(
    ("answers", "expected"),
    [((), Said.NOTHING), ((APPROVE,), Said.YES), ((EDIT, APPROVE), Said.CHANGED), ((EDIT, REJECT), Said.NO),
     ((DecisionKind.SNOOZE, APPROVE), Said.YES), ((DecisionKind.ESCALATE,), Said.NOTHING)],
)  # fmt: skip
def test_what_people_said_in_the_end(answers, expected):
    assert said(answers) is expected


def test_no_past_at_all():
    found = replay([], OLD)
    assert (found.actions, found.error_rate, found.moves) == (0, None, ())
