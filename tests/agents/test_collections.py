import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shiftlead.agents.collections import Collections
from shiftlead.agents.playbook import Playbook, shipped_playbook
from shiftlead.agents.worker import Assessment
from shiftlead.connectors.base import Connector
from shiftlead.connectors.operations import offered
from shiftlead.connectors.records import Activity, Contact, Customer, Payment, Receivable, Record
from shiftlead.core.action import Proposal
from shiftlead.core.case import TicketItem
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import NotFound, SettingsError
from shiftlead.core.evidence import Trust
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.conditions import leaves
from shiftlead.guardrails.facts import FACTS
from shiftlead.guardrails.factsheet import Factsheet
from shiftlead.guardrails.lanes import judge
from shiftlead.guardrails.policy import Policy, shipped_policy
from shiftlead.tools.desk import Desk

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
LATE = {"late_share": 0.9, "mean_days_late": 20, "invoices": 30}
PROMPT = {"late_share": 0.0, "mean_days_late": 0, "invoices": 30}
PLAYBOOK = shipped_playbook("collections")
OPERATIONS = offered(PLAYBOOK.operations)
CONTACTS = {"reminder.send", "plan.offer", "task.call"}


class Memory(Connector):
    """Records in a dict; reads only."""

    name = "memory"

    def __init__(self, *records: Record) -> None:
        self.records = list(records)

    @classmethod
    def from_settings(cls, settings, clock):
        return cls()

    def operations(self):
        return OPERATIONS

    def read(self, operation: str, arguments: Mapping[str, Any]) -> Sequence[Record]:
        kind = operation.split(".")[0]
        of_kind = [record for record in self.records if record.kind == kind]
        if operation.endswith(".get"):
            found = [record for record in of_kind if record.id == arguments["id"]]
            if not found:
                raise NotFound(f"no {kind} {arguments['id']!r}")
            return found
        wanted = arguments.get("customer_id") or arguments["party_id"]
        return [record for record in of_kind if wanted in (getattr(record, "customer_id", ""), getattr(record, "party_id", ""))]


def customer(**more: Any) -> Customer:
    given = {"id": "C-1", "version": "v3", "name": "Brandt AG", "email": "office@brandt.example", "phone": "+49 30 55",
             "timezone": "Europe/Berlin", "facts": LATE} | more  # fmt: skip
    return Customer(**given)


def owed(number: str, amount: str, days: int, currency: str = "EUR", **more: Any) -> Receivable:
    due = TODAY - timedelta(days=days)
    given = {"id": f"R-{number}", "customer_id": "C-1", "invoice_number": number, "issue_date": due - timedelta(days=30),
             "due_date": due, "amount": Decimal(amount), "open_amount": Decimal(amount), "currency": currency} | more  # fmt: skip
    return Receivable(**given)


def happened(kind: str, hours_ago: float, body: str = "", at: datetime = NOW) -> Activity:
    return Activity(id=f"A-{kind}-{hours_ago}", party_id="C-1", type=kind, at=at - timedelta(hours=hours_ago), body=body)


def item(kind: str = "overdue_account", **payload: Any) -> TicketItem:
    return TicketItem(
        source="memory.receivables", external_id="C-1", kind=kind, subject="overdue", received_at=NOW,
        payload={"ref": "C-1", "body": "", "requester": ""} | payload,
    )  # fmt: skip


def worked(
    *records: Record, ticket: TicketItem | None = None, now: datetime = NOW, worker: Collections | None = None
) -> tuple[Assessment, Desk]:
    worker = worker or Collections(PLAYBOOK)
    operations = frozenset(worker.playbook.operations)
    desk = Desk(ticket or item(), Memory(*records), operations=operations, clock=FrozenClock(now))
    assessment = worker.assess(desk, worker.investigate(desk))
    for proposal in assessment.proposals:
        Factsheet(FACTS).filled(proposal, {})
        assert proposal.steps
        assert all(worker.playbook.step(step) for step in proposal.steps)
        assert proposal.confidence is not None
    return assessment, desk


def kinds(assessment: Assessment) -> list[str]:
    return [proposal.action.kind for proposal in assessment.proposals]


def test_a_first_reminder_says_only_what_the_records_say() -> None:
    contact = Contact(id="P-1", party_id="C-1", name="Ida Kern", email="ap@brandt.example", role="Accounts Payable")
    assessment, desk = worked(customer(language="de"), contact, owed("INV-7", "1840.00", 12), owed("INV-8", "99.50", -4))
    (proposal,) = assessment.proposals
    arguments, facts = proposal.action.arguments, proposal.facts
    assert (arguments["to"], arguments["amount"], arguments["currency"]) == ("ap@brandt.example", "1840.00", "EUR")
    assert (arguments["receivable_ids"], arguments["level"], arguments["template"]) == (["R-INV-7"], 1, "reminder_friendly")
    assert "Guten Tag Ida Kern" in arguments["body"]
    assert "1.840,00" in arguments["body"]
    assert "INV-8" not in arguments["body"]
    assert (proposal.action.target.id, proposal.action.target.version) == ("C-1", "v3")
    assert facts["amounts_match_records"] is True
    assert (facts["local_hour"], facts["contacts_last_7_days"], facts["days_overdue"], facts["channel"]) == (11, 0, 12, "email")
    assert facts["late_probability"] > 0.8
    assert "days_since_last_contact" not in facts
    cited = {one.value: one for one in desk.evidence if one.trust is Trust.RECORD and isinstance(one.value, str)}
    assert cited["ap@brandt.example"].source == "memory:contact/P-1"
    assert cited["1840.00"].source in {"memory:receivable/R-INV-7", "computed"}


@pytest.mark.parametrize(
    ("days", "level", "operation", "template"),
    [
        (12, 0, "reminder.send", "reminder_friendly"),
        (16, 1, "reminder.send", "reminder_firm"),
        (33, 2, "reminder.send", "final_notice"),
        (40, 3, "task.call", ""),
        (61, 3, "account.escalate", ""),
        (90, 0, "reminder.send", "reminder_friendly"),
    ],
)
def test_the_ladder(days: int, level: int, operation: str, template: str) -> None:
    assessment, _ = worked(customer(), owed("INV-7", "400.00", days, reminder_level=level))
    assert kinds(assessment) == [operation]
    assert assessment.proposals[0].action.arguments.get("template", "") == template


@pytest.mark.parametrize(
    ("records", "now", "why"),
    [
        pytest.param([customer(), owed("I", "5.00", 9)], NOW.replace(hour=5), "It is 07:00", id="before eight there"),
        pytest.param([customer(), owed("I", "5.00", 9)], NOW.replace(hour=19), "It is 21:00", id="from nine there"),
        pytest.param([customer(), owed("I", "5.00", 9)], NOW - timedelta(days=2), "Sunday", id="weekend"),
        pytest.param(
            [customer(), owed("I", "5.00", 9), *(happened("call", h) for h in (100, 120, 140))], NOW, "3 contacts", id="cap"
        ),
        pytest.param([customer(), owed("I", "5.00", 9), happened("email_out", 71)], NOW, "2 days ago", id="too soon"),
        pytest.param([customer(), owed("I", "5.00", 9, reminder_level=1)], NOW, "14 days past due", id="rung not due"),
        pytest.param([customer(facts=PROMPT), owed("I", "5.00", 3)], NOW, "hardly ever pays late", id="reliable"),
        pytest.param([customer(), owed("I", "5.00", 9, on_hold=True)], NOW, "on hold", id="held"),
        pytest.param([customer(), owed("I", "5.00", 9, on_hold=True, disputed=True)], NOW, "on hold", id="dispute held"),
        pytest.param(
            [customer(vulnerable=True), owed("I", "5000.00", 9), happened("plan", 200)],
            NOW,
            "offered in the last 14",
            id="plan out",
        ),
    ],
)
def test_not_now(records: list[Record], now: datetime, why: str) -> None:
    assessment, _ = worked(*records, now=now)
    assert (assessment.proposals, assessment.outcome) == ((), "not_now")
    assert why in assessment.summary


@pytest.mark.parametrize(
    ("records", "role", "label"),
    [
        ([customer(insolvent=True)], "legal", "insolvent"),
        ([customer(do_not_contact=True)], "credit_manager", "do_not_contact"),
        ([customer(), happened("email_in", 3000, "STOP")], "credit_manager", "do_not_contact"),
        ([customer(), happened("email_in", 30, "Please unsubscribe me")], "credit_manager", "do_not_contact"),
        ([customer(extra={"deceased": True})], "legal", "deceased"),
        ([customer(), Contact(id="P", party_id="C-1", name="L", role="External Counsel")], "legal", "represented"),
    ],
)
def test_who_must_not_be_contacted_goes_to_a_person_at_any_hour(records: list[Record], role: str, label: str) -> None:
    assessment, _ = worked(*records, owed("I", "900.00", 40, reminder_level=1), now=NOW.replace(hour=2))
    (proposal,) = assessment.proposals
    assert (proposal.action.kind, proposal.action.arguments["to_role"], proposal.labels) == ("account.escalate", role, (label,))
    assert proposal.facts["do_not_contact"] is (label != "insolvent")


def test_an_escalated_account_is_left_to_whoever_has_it() -> None:
    escalated = happened("task", 24 * 13).model_copy(update={"subject": "Escalated to credit_manager"})
    for who in (customer(), customer(do_not_contact=True)):
        assessment, _ = worked(who, owed("I", "900.00", 20), escalated)
        assert (assessment.proposals, assessment.outcome) == ((), "not_now")
    earlier = escalated.model_copy(update={"at": NOW - timedelta(days=14)})
    assert kinds(worked(customer(), owed("I", "900.00", 20), earlier)[0]) == ["reminder.send"]
    disputed = owed("I", "900.00", 20, disputed=True)
    assert kinds(worked(customer(), disputed, escalated)[0]) == ["dunning.hold"]


def test_a_mail_that_only_mentions_the_end_of_the_month_is_no_opt_out() -> None:
    assessment, _ = worked(
        customer(), owed("I", "900.00", 9), happened("email_in", 30, "We pay at the end of the month,\nthe usual day.")
    )
    assert kinds(assessment) == ["reminder.send"]


def test_what_is_disputed_is_held_and_the_rest_goes_on() -> None:
    assessment, _ = worked(
        customer(), owed("I-1", "70.00", 20, disputed=True, dispute_reason="short"), owed("I-2", "30.00", 10)
    )
    reminder, hold = assessment.proposals
    assert (hold.action.kind, hold.action.arguments["receivable_ids"], hold.facts["disputed"]) == (
        "dunning.hold",
        ["R-I-1"],
        True,
    )
    assert hold.action.arguments["until"] == "2026-10-15"
    assert "short" in hold.rationale
    assert (reminder.action.arguments["receivable_ids"], reminder.action.arguments["amount"]) == (["R-I-2"], "30.00")
    assert reminder.facts["disputed"] is False
    assert "I-1" not in reminder.action.arguments["body"]


def test_an_open_promise_is_held_until_its_grace_is_over() -> None:
    promised = {"promised_on": TODAY - timedelta(days=2), "promised_amount": Decimal("70.00")}
    assessment, _ = worked(customer(), owed("I-1", "70.00", 20, **promised))
    (hold,) = assessment.proposals
    assert (hold.action.kind, hold.action.arguments["until"], hold.facts["promise_open"]) == (
        "dunning.hold",
        TODAY.isoformat(),
        True,
    )


def test_a_broken_promise_is_called_about_then_reminded_of() -> None:
    broken = owed("I-1", "70.00", 20, reminder_level=1, promised_on=TODAY - timedelta(days=3))
    called, _ = worked(customer(), broken)
    assert (kinds(called), called.proposals[0].facts["promise_broken"]) == (["task.call"], True)
    assert called.proposals[0].action.arguments["phone"] == "+49 30 55"
    written, _ = worked(customer(), broken, happened("call", 24 * 6))
    assert (kinds(written), written.proposals[0].action.arguments["level"]) == (["reminder.send"], 2)
    waiting, _ = worked(customer(), broken, happened("task", 24))
    assert kinds(waiting) == ["reminder.send"], "no second call task while one waits"


def test_unallocated_money_stops_dunning() -> None:
    paid = Payment(id="P-1", party_id="C-1", date=TODAY - timedelta(days=3), amount=Decimal("70.00"), currency="EUR")
    assessment, _ = worked(customer(), owed("I-1", "70.00", 20), paid)
    assert kinds(assessment) == ["dunning.hold"]
    allocated = paid.model_copy(update={"invoice_id": "AR-1"})
    assert kinds(worked(customer(), owed("I-1", "70.00", 20), allocated)[0]) == ["reminder.send"]


def test_already_paid_holds_and_a_wish_for_time_gets_an_offer() -> None:
    held, _ = worked(customer(), owed("I-1", "70.00", 20), ticket=item("promise_to_pay", intent="already_paid", body="paid!"))
    assert kinds(held) == ["dunning.hold"]
    offered_, _ = worked(customer(), owed("I-1", "3000.01", 20), ticket=item(intent="payment_plan_request"))
    (plan,) = offered_.proposals
    assert (plan.action.kind, plan.action.arguments["instalments"], plan.facts["instalments"]) == ("plan.offer", 3, 3)
    assert (plan.action.amount.amount, plan.facts["amounts_match_records"]) == (Decimal("3000.01"), True)
    small, _ = worked(customer(vulnerable=True), owed("I-1", "80.00", 20))
    assert kinds(small) == ["account.escalate"]


def test_one_reminder_per_currency_within_the_contact_limit() -> None:
    records = [customer(), owed("I-1", "90.00", 20), owed("I-2", "40.00", 20, "USD"), owed("I-3", "30.00", 20, "GBP")]
    both, _ = worked(*records, happened("letter", 24 * 5))
    assert [(p.action.arguments["currency"], p.facts["contacts_last_7_days"]) for p in both.proposals] == [
        ("EUR", 1),
        ("USD", 2),
    ]
    for proposal in both.proposals:
        assert proposal.action.arguments["body"].count(" I-") == 1


def test_much_at_stake_or_a_key_account_is_called_after_the_first_reminder() -> None:
    assert kinds(worked(customer(), owed("I", "90000.00", 20, reminder_level=1))[0]) == ["task.call"]
    assert kinds(worked(customer(key_account=True), owed("I", "90.00", 20, reminder_level=1))[0]) == ["task.call"]
    assert kinds(worked(customer(), owed("I", "90000.00", 20))[0]) == ["reminder.send"]


def test_an_unknown_time_zone_is_a_missing_fact_and_no_guess() -> None:
    for zone in ("Mars/Olympus", "", "../etc/passwd"):
        assessment, desk = worked(customer(timezone=zone), owed("I", "90.00", 20))
        assert "local_hour" not in assessment.proposals[0].facts
        assert any(one.name == "Local time of the customer" and one.value == "unknown" for one in desk.evidence)


def test_no_mail_address_means_a_call_and_no_number_either_a_person() -> None:
    assert kinds(worked(customer(email=""), owed("I", "90.00", 20))[0]) == ["task.call"]
    assert kinds(worked(customer(email="", phone=""), owed("I", "90.00", 20))[0]) == ["account.escalate"]


def test_a_consumer_is_never_written_to_at_work() -> None:
    work = Contact(id="P-1", party_id="C-1", name="X", email="x@employer.example", role="billing")
    assert (
        worked(customer(segment="consumer"), work, owed("I", "9.00", 20))[0].proposals[0].action.arguments["to"]
        == "office@brandt.example"
    )


def test_the_last_resorts_are_rare_and_only_proposed() -> None:
    old = {"reminder_level": 3, "promised_on": TODAY - timedelta(days=60)}
    written_off, _ = worked(customer(), owed("I", "12.00", 200, reminder_level=3))
    assert (kinds(written_off), written_off.proposals[0].action.amount.amount) == (["receivable.write_off"], Decimal("12.00"))
    agency, _ = worked(customer(), owed("I", "900.00", 130, **old))
    assert (kinds(agency), agency.proposals[0].action.arguments["agency"]) == (["receivable.agency"], "Harbour Receivables Ltd")
    assert kinds(worked(customer(), owed("I", "900.00", 119, **old))[0]) == ["task.call"]
    assert kinds(worked(customer(vulnerable=True), owed("I", "12.00", 200, reminder_level=3))[0]) == ["account.escalate"]


def test_nothing_overdue_and_an_unknown_customer() -> None:
    clear, _ = worked(customer(), owed("I", "9.00", 0))
    assert (clear.outcome, clear.proposals) == ("no_action", ())
    unknown, _ = worked(ticket=item(ref="C-404"))
    assert "No customer 'C-404'" in unknown.question
    assert "No customer ''" in worked(ticket=item(ref=""))[0].question


def noted_hold(days_ago: int, reason: str) -> Activity:
    at = NOW - timedelta(days=days_ago)
    return Activity(id=f"A-hold-{days_ago}", party_id="C-1", type="note", at=at, subject="Dunning on hold", body=reason)


PAID = item(intent="already_paid")
WAITED = noted_hold(8, "The customer says it is paid. It may pay what is open.")


def test_who_says_again_that_it_is_paid_gets_no_second_hold_but_a_person() -> None:
    debt = owed("I", "90.00", 40, reminder_level=1)
    assert kinds(worked(customer(), debt, ticket=PAID)[0]) == ["dunning.hold"]
    again, _ = worked(customer(), debt, WAITED, ticket=PAID)
    (proposal,) = again.proposals
    assert (proposal.action.kind, proposal.labels) == ("account.escalate", ("unallocated_again",))
    assert "held for that on 2026-09-07, and no payment has come since" in proposal.rationale
    # A person has it now, so that it is neither held nor handed over again.
    handed = happened("task", 24).model_copy(update={"subject": "Escalated to credit_manager"})
    assert kinds(worked(customer(), debt, WAITED, handed, ticket=PAID)[0]) == []


@pytest.mark.parametrize(
    ("between", "kind"),
    [
        pytest.param(Payment(id="P", party_id="C-1", invoice_id="X", date=TODAY - timedelta(days=3), amount=Decimal(5),
                             currency="EUR"), "dunning.hold", id="paid since"),
        pytest.param(Payment(id="P", party_id="C-1", invoice_id="X", date=TODAY - timedelta(days=8), amount=Decimal(5),
                             currency="EUR"), "account.escalate", id="paid on the day of the hold"),
        pytest.param(Payment(id="P", party_id="C-1", invoice_id="X", date=TODAY + timedelta(days=3), amount=Decimal(5),
                             currency="EUR"), "account.escalate", id="only promised by a date"),
    ],
)  # fmt: skip
def test_only_a_payment_in_between_allows_a_second_hold(between: Payment, kind: str) -> None:
    assert kinds(worked(customer(), owed("I", "90.00", 40), WAITED, between, ticket=PAID)[0]) == [kind]


@pytest.mark.parametrize("reason", ["Disputed: I.", "Promised by 2026-09-05: I."])
def test_a_hold_for_another_reason_is_no_first_one(reason: str) -> None:
    assert kinds(worked(customer(), owed("I", "90.00", 40), noted_hold(8, reason), ticket=PAID)[0]) == ["dunning.hold"]


def test_money_that_is_not_allocated_during_the_hold_goes_to_a_person_too() -> None:
    arrived = Payment(id="P", party_id="C-1", date=TODAY - timedelta(days=9), amount=Decimal("90.00"), currency="EUR")
    assert kinds(worked(customer(), owed("I", "90.00", 40), arrived)[0]) == ["dunning.hold"]
    assert kinds(worked(customer(), owed("I", "90.00", 40), arrived, WAITED)[0]) == ["account.escalate"]


def test_a_contact_carries_the_facts_that_the_packs_ask_for() -> None:
    assessment, _ = worked(customer(country="DE"), owed("I", "90.00", 9))
    facts = assessment.proposals[0].facts
    expected = {
        "country": "DE", "region": "", "consumer": False, "sole_trader": False, "guarantor": False, "quiet_day": False,
        "local_hour_earliest": 11, "local_hour_latest": 11, "calls_last_7_days": 0, "conversations_last_7_days": 0,
        "opted_out": False, "opt_out_offered": True, "counsel": False, "deceased": False, "identity_theft_claim": False,
        "fraud_flag": False, "moratorium": False, "complaint_open": False, "third_party_recipient": False,
        "threat_in_text": False, "admission_in_text": False, "charges_claimed": False, "language_matches": True,
        "time_barred": False, "payment_in_transit": False, "unapplied_cash": False, "credit_note_pending": False,
        "delivery_unproven": False,
    }  # fmt: skip
    assert {name: facts.get(name) for name in expected} == expected
    assert facts["owed_amount"] == {"amount": "90.00", "currency": "EUR"}
    assert "written_consent" not in facts
    assert "validation_notice_sent" not in facts
    plan = worked(customer(vulnerable=True), owed("I", "1000.01", 9))[0].proposals[0]
    assert plan.facts["instalments_sum_matches"] is True


def sent(*records: Record, **more: Any) -> tuple[Proposal, Collections]:
    worker = Collections(PLAYBOOK)
    (proposal,) = worked(*records, worker=worker)[0].proposals
    action = proposal.action.model_copy(update={"arguments": {**proposal.action.arguments, **more}})
    return proposal.model_copy(update={"action": action}), worker


def rechecked(proposal: Proposal, worker: Collections, *records: Record, now: datetime = NOW) -> Mapping[str, Any]:
    desk = Desk(item(), Memory(*records), operations=frozenset(PLAYBOOK.operations), clock=FrozenClock(now))
    facts = worker.recheck(desk, proposal)
    Factsheet(FACTS).filled(proposal, facts)
    return facts


DEBT = owed("I", "90.00", 9)


@pytest.mark.parametrize(
    ("records", "fact"),
    [
        ([customer(), DEBT.model_copy(update={"disputed": True})], "disputed"),
        ([customer(), DEBT.model_copy(update={"promised_on": TODAY})], "promise_open"),
        ([customer(), DEBT, happened("email_in", 1, "STOP")], "opted_out"),
        ([customer(insolvent=True), DEBT], "insolvent"),
        ([customer(extra={"complaint_open": True}), DEBT], "complaint_open"),
        ([customer(email="new@brandt.example"), DEBT], "third_party_recipient"),
    ],
)
def test_what_happened_since_counts_when_it_is_sent(records: list[Record], fact: str) -> None:
    proposal, worker = sent(customer(), DEBT)
    assert proposal.facts[fact] is False
    assert rechecked(proposal, worker, customer(), DEBT)[fact] is False
    assert rechecked(proposal, worker, *records)[fact] is True


def test_what_was_paid_since_is_not_demanded() -> None:
    proposal, worker = sent(customer(), DEBT)
    assert "amounts_match_records" not in rechecked(proposal, worker, customer(), DEBT)
    for paid in (DEBT.model_copy(update={"open_amount": Decimal("40.00")}), DEBT.model_copy(update={"status": "paid"})):
        assert rechecked(proposal, worker, customer(), paid)["amounts_match_records"] is False


def test_an_edited_text_is_read_anew() -> None:
    proposal, worker = sent(customer(), DEBT)
    body = proposal.action.arguments["body"]
    assert rechecked(proposal, worker, customer(), DEBT)["threat_in_text"] is False
    threat, worker = sent(customer(), DEBT, body=body + "\nOtherwise we see you in c\u200bourt.")
    assert rechecked(threat, worker, customer(), DEBT)["threat_in_text"] is True
    silent, worker = sent(customer(), DEBT, body=body.replace("reply with STOP", "call us"))
    assert rechecked(silent, worker, customer(), DEBT)["opt_out_offered"] is False


OPEN = (owed("I-1", "70.00", 20), owed("I-2", "30.00", 5), owed("I-3", "55.00", -9))
SOON = (TODAY + timedelta(days=4)).isoformat()


@pytest.mark.parametrize(
    ("payload", "ids", "amount", "labels"),
    [
        ({"amount": "100.00", "currency": "EUR"}, ["R-I-1", "R-I-2"], "100.00", ("promise_to_pay",)),
        ({"amount": "155", "currency": "EUR"}, ["R-I-1", "R-I-2", "R-I-3"], "155", ("promise_to_pay",)),
        ({"amount": "55.00", "currency": "EUR"}, ["R-I-3"], "55.00", ("promise_to_pay",)),
        ({"receivable_ids": ["R-I-2"]}, ["R-I-2"], "30.00", ("promise_to_pay",)),
        ({"receivable_ids": "I-2", "amount": "30.00", "currency": "eur"}, ["R-I-2"], "30.00", ("promise_to_pay",)),
        ({}, ["R-I-1", "R-I-2"], "100.00", ("promise_to_pay",)),
        ({"amount": "40.00", "currency": "EUR"}, ["R-I-1"], "40.00", ("promise_to_pay", "partial_promise")),
    ],
)
def test_a_promise_that_the_records_bear_out_is_noted(payload: dict, ids: list, amount: str, labels: tuple) -> None:
    assessment, desk = worked(customer(), *OPEN, ticket=item("promise_to_pay", body="I pay!", promised_on=SOON, **payload))
    (proposal,) = assessment.proposals
    assert (proposal.action.kind, proposal.labels) == ("promise.log", labels)
    assert (proposal.action.arguments["receivable_ids"], proposal.action.arguments["amount"]) == (ids, amount)
    assert proposal.facts["amounts_match_records"] is ("partial_promise" not in labels)
    assert any(one.trust is Trust.UNTRUSTED and one.value == "I pay!" for one in desk.evidence)


@pytest.mark.parametrize(
    ("payload", "question"),
    [
        ({"promised_on": None}, "names no day"),
        ({"promised_on": "next Friday"}, "names no day"),
        ({"promised_on": "2026-09-14"}, "has passed"),
        ({"promised_on": "2027-09-14"}, "more than 45 days away"),
        ({"amount": "1000000.00", "currency": "EUR"}, "only 155.00 EUR is open"),
        ({"amount": "100.00", "currency": "USD"}, "fits no open amount"),
        ({"amount": "a lot", "currency": "EUR"}, "'a lot' is no amount"),
        ({"amount": "-5", "currency": "EUR"}, "is no amount"),
        ({"amount": 70.0, "currency": "EUR"}, "is no amount"),
        ({"receivable_ids": ["R-OTHER"]}, "'R-OTHER', which is no open receivable"),
        ({"receivable_ids": ["R-I-2"], "amount": "70.00", "currency": "EUR"}, "only 30.00 EUR is open"),
    ],
)
def test_a_promise_in_doubt_is_a_question(payload: dict, question: str) -> None:
    ticket = item("promise_to_pay", **{"promised_on": SOON} | payload)
    assessment, _ = worked(customer(), *OPEN, ticket=ticket)
    assert assessment.proposals == ()
    assert question in assessment.question


def test_a_promise_of_an_insolvent_customer_or_with_nothing_open_is_a_question() -> None:
    ticket = item("promise_to_pay", promised_on=SOON)
    assert "insolvent" in worked(customer(insolvent=True), *OPEN, ticket=ticket)[0].question
    assert "nothing is open" in worked(customer(), ticket=ticket)[0].question
    two = worked(customer(), OPEN[0], owed("I-9", "5.00", 3, "USD"), ticket=ticket)[0]
    assert "EUR, USD" in two.question


def test_a_setting_that_is_wrong_is_named() -> None:
    broken = loosened(contacts_per_7_days="many")
    with pytest.raises(SettingsError, match=r"collections@1: settings.contacts_per_7_days"):
        worked(customer(), worker=Collections(broken))
    shuffled = loosened(ladder=[{"level": 2, "from_days": 3, "template": "reminder_firm"}])
    with pytest.raises(SettingsError, match="levels must run 1, 2, 3"):
        worked(customer(), worker=Collections(shuffled))


def loosened(**settings: Any) -> Playbook:
    return PLAYBOOK.model_copy(update={"settings": PLAYBOOK.settings | settings})


# --- 10,000 simulated debtor-days; the rules are written down a second time here, from the regulation ---------------------


@dataclass
class Debtor:
    """One debtor's life; what really holds is kept here, what the creditor knows is in the records."""

    customer: Customer
    contacts: list[Contact]
    receivables: list[Receivable]
    activities: list[Activity] = field(default_factory=list)
    sent: list[datetime] = field(default_factory=list)
    called: list[datetime] = field(default_factory=list)
    stopped_at: datetime | None = None
    held_until: dict[str, date] = field(default_factory=dict)


HOUSE = shipped_policy()
RUNTIME = {
    "recipient_from_records": True, "authority_from_records": True, "tainted_arguments": "", "instructions_in_text": False,
    "done_before": 0, "personal_data": "none",
}  # fmt: skip
"""What the runtime adds to a worker's facts."""
COUNTS = sorted(
    {leaf.field for rule in HOUSE.every_rule if rule.when for leaf in leaves(rule.when) if leaf.field.startswith("actions_")}
)
COUNTRIES = {
    "DE": ("Europe/Berlin",),
    "JP": ("Asia/Tokyo",),
    "US": ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage", "America/Adak",
           "Pacific/Honolulu"),
}  # fmt: skip

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "UTC",
    "Nowhere/Land",
)


MARKS = (
    "deceased", "identity_theft", "fraud_flag", "moratorium", "complaint_open", "payment_in_transit", "credit_note_pending",
)  # fmt: skip


def born(rng: Random, number: int, today: date) -> Debtor:
    share = rng.betavariate(0.38, 0.69)
    who = customer(
        id=f"C-{number}", name=f"Debtor {number} Ltd", email=f"d{number}@example.com", phone=f"+1 555 {number:04}",
        timezone=rng.choice(ZONES), language=rng.choice(("en", "de", "fr", "it")), segment=rng.choice(("", "small", "consumer")),
        facts={"late_share": share, "mean_days_late": 12, "invoices": rng.randrange(0, 40)}, do_not_contact=rng.random() < 0.03,
        insolvent=rng.random() < 0.03, vulnerable=rng.random() < 0.05, key_account=rng.random() < 0.05,
    )  # fmt: skip
    chance = Random(f"place and marks of {number}")
    where = chance.choice(("", "", "", *COUNTRIES))
    marks = {name: True for name in MARKS if chance.random() < 0.02}
    who = who.model_copy(update={"country": where, "extra": marks})
    people = [Contact(id=f"P-{number}", party_id=who.id, name="Kim", email=f"ap{number}@example.com", role="accounts payable")]
    if rng.random() < 0.06:
        people.append(Contact(id=f"L-{number}", party_id=who.id, name="Lex", role="lawyer"))
    owes = [
        Receivable(
            id=f"R-{number}-{n}", customer_id=who.id, invoice_number=f"INV-{number}-{n}", issue_date=today - timedelta(days=60),
            due_date=today + timedelta(days=rng.randrange(-50, 20)), amount=amount, open_amount=amount,
            currency=rng.choice(("EUR", "EUR", "USD")),
        )
        for n in range(rng.randrange(1, 5))
        for amount in [Decimal(round(rng.lognormvariate(6.5, 1.3) * 100) + 1).scaleb(-2)]
    ]  # fmt: skip
    return Debtor(customer=who, contacts=people, receivables=owes)


def life_goes_on(rng: Random, debtor: Debtor, now: datetime) -> None:
    """Disputes, promises, payments, opt-outs and insolvencies happen, and holds run out."""
    for index, one in enumerate(debtor.receivables):
        chance = rng.random()
        if one.on_hold and now.date() > debtor.held_until[one.id]:
            debtor.receivables[index] = one = one.model_copy(update={"on_hold": False})
        if chance < 0.01:
            debtor.receivables[index] = one.model_copy(update={"disputed": True, "dispute_reason": "damaged"})
        elif chance < 0.03:
            debtor.receivables[index] = one.model_copy(
                update={"promised_on": now.date() + timedelta(days=rng.randrange(1, 10))}
            )
        elif chance < 0.045:
            debtor.receivables[index] = one.model_copy(update={"open_amount": Decimal(0), "status": "paid"})
        elif chance < 0.06:
            debtor.receivables[index] = one.model_copy(update={"disputed": False})
    if debtor.stopped_at is None and debtor.sent and rng.random() < 0.01:
        debtor.stopped_at = now
        debtor.activities.append(
            noted(debtor, "email_in", now, rng.choice(("STOP", "Please stop emailing us.", "unsubscribe")))
        )
    if rng.random() < 0.002:
        debtor.customer = debtor.customer.model_copy(update={"insolvent": True})


def noted(debtor: Debtor, kind: str, at: datetime, body: str = "", subject: str = "") -> Activity:
    number = f"A-{debtor.customer.id}-{len(debtor.activities)}"
    return Activity(id=number, party_id=debtor.customer.id, type=kind, at=at, body=body, subject=subject)


def violations(debtor: Debtor, kind: str, arguments: Mapping[str, Any], now: datetime, facts: Mapping[str, Any]) -> list[str]:
    """The rules broken by contacting this debtor now, by C1 to C12 of Regulation F and the New York City cap."""
    known = {one.id: one for one in debtor.receivables}
    about = [known[one] for one in arguments.get("receivable_ids") or [arguments["about"].removeprefix("receivable/")]]
    week = now - timedelta(days=7)
    hours, certain = hours_there(debtor.customer, now)
    addresses = {debtor.customer.email} | {one.email for one in debtor.contacts if debtor.customer.segment != "consumer"}
    body = arguments.get("body", "")
    broken = {
        "C1 hour": any(not 8 <= hour <= 20 for hour in hours),
        "C1 unknown zone told as known": not certain and "local_hour" in facts,
        "C2 call soon after a call": kind == "task.call" and any(at > week for at in debtor.called),
        "C2 more than seven calls": kind == "task.call" and sum(at > week for at in debtor.called) >= 7,
        "C3 more than three in seven days": sum(at > week for at in debtor.sent + debtor.called) >= 3,
        "C4 no opt-out": kind != "task.call" and not re.search(r"STOPP?\b", body),
        "C5 cease request": debtor.customer.do_not_contact or debtor.stopped_at is not None,
        "C6 counsel": any(one.role == "lawyer" for one in debtor.contacts),
        "C7 disputed": any(one.disputed for one in about),
        "C8 insolvent": debtor.customer.insolvent,
        "C8 moratorium": bool(debtor.customer.extra.get("moratorium")),
        "C10 dead, robbed or fraud": any(
            debtor.customer.extra.get(one) for one in ("deceased", "identity_theft", "fraud_flag")
        ),
        "C13 threat": bool(re.search(r"court|lawyer|Gericht|Anwalt|tribunal|avocat|Inkasso", body)),
        "C9 promise open": any(one.promised_on and now.date() <= one.promised_on + timedelta(days=2) for one in about),
        "C11 third party": kind != "task.call" and arguments["to"] not in addresses,
        "C11 other number": kind == "task.call" and arguments["phone"] != debtor.customer.phone,
        "C12 amount": kind != "task.call" and Decimal(arguments["amount"]) != sum(one.open_amount for one in about),
        "C12 currency": any(one.currency != arguments.get("currency", one.currency) for one in about),
        "C12 invoices in the text": kind != "task.call"
        and sorted(re.findall(r"INV-\d+-\d+", body)) != sorted(one.invoice_number for one in about),
        "paid or not due": any(one.open_amount <= 0 or one.due_date >= now.date() for one in about),
        "text differs from records": kind != "task.call" and facts.get("amounts_match_records") is not True,
    }
    return [rule for rule, is_broken in broken.items() if is_broken]


def hours_there(who: Customer, now: datetime) -> tuple[list[int], bool]:
    """The hour wherever the debtor may be, and whether that is one place for certain."""
    named = [] if who.timezone == "Nowhere/Land" else [now.astimezone(ZoneInfo(who.timezone))]
    country = [now.astimezone(ZoneInfo(zone)) for zone in COUNTRIES.get(who.country, ())]
    agreed = bool(named) and (not country or named[0].utcoffset() in {one.utcoffset() for one in country})
    places = named if agreed else [*named, *country]
    return [one.hour for one in places], agreed


def needs_a_person(debtor: Debtor, arguments: Mapping[str, Any], now: datetime) -> list[str]:
    """The rules for which such a message may not go out alone, by C9 and C15 to C18."""
    about = [one for one in debtor.receivables if one.id in arguments["receivable_ids"]]
    who = debtor.customer
    places = [ZoneInfo(one) for one in (who.timezone, *COUNTRIES.get(who.country, ())) if one != "Nowhere/Land"]
    broken = {
        "C9 broken promise": any(one.promised_on for one in about),
        "C15 payment or credit under way": bool(who.extra.get("payment_in_transit") or who.extra.get("credit_note_pending")),
        "C16 in need, key account or complaint": who.vulnerable or who.key_account or bool(who.extra.get("complaint_open")),
        "C16 stage": arguments.get("level", 0) >= 3,
        "C18 weekend": hours_there(who, now)[1] and now.astimezone(places[0]).weekday() >= 5,
        "C18 language": who.language not in ("en", "de", "fr"),
    }
    return [rule for rule, is_broken in broken.items() if is_broken]


def lane_of(proposal: Proposal, policy: Policy, now: datetime) -> Lane:
    """The lane where nothing was committed yet that day."""
    return judge(policy, proposal, context=RUNTIME | dict.fromkeys(COUNTS, 1), now=now).lane


def simulated(
    worker: Collections, *, debtors: int, days: int, seed: int, policy: Policy | None = None
) -> tuple[dict[str, int], list[str]]:
    """How often each action was proposed, and every rule that a contact broke; everything proposed is done at once.

    Under a policy nothing happens that it prohibits, and what it lets run alone is told as `alone`.
    """
    rng = Random(seed)
    start = datetime(2026, 9, 7, tzinfo=UTC)
    people = [born(rng, number, start.date()) for number in range(debtors)]
    done: dict[str, int] = {}
    wrong: list[str] = []
    for day in range(days):
        for debtor in people:
            now = start + timedelta(days=day, minutes=rng.randrange(24 * 60))
            life_goes_on(rng, debtor, now)
            records = [debtor.customer, *debtor.contacts, *debtor.receivables, *debtor.activities]
            ticket = item(ref=debtor.customer.id)
            assessment, _ = worked(*records, ticket=ticket, now=now, worker=worker)
            for proposal in assessment.proposals:
                kind, arguments = proposal.action.kind, proposal.action.arguments
                lane = lane_of(proposal, policy, now) if policy else Lane.REVIEWED
                told = "blocked" if lane is Lane.PROHIBITED else kind
                done[told] = done.get(told, 0) + 1
                if lane is Lane.PROHIBITED:
                    continue
                if lane is Lane.ALLOWED and kind == "reminder.send":
                    done["alone"] = done.get("alone", 0) + 1
                    wrong += needs_a_person(debtor, arguments, now)
                if kind in CONTACTS:
                    wrong += violations(debtor, kind, arguments, now, proposal.facts)
                happens(debtor, kind, arguments, now)
    return done, wrong


def happens(debtor: Debtor, kind: str, arguments: Mapping[str, Any], now: datetime) -> None:
    touched = set(arguments.get("receivable_ids") or ())
    if kind == "account.escalate":
        debtor.activities.append(noted(debtor, "task", now, subject=f"Escalated to {arguments['to_role']}"))
    elif kind == "task.call":
        debtor.called.append(now)
        debtor.activities.append(noted(debtor, "call", now))
    elif kind in CONTACTS:
        debtor.sent.append(now)
        debtor.activities.append(noted(debtor, "plan" if kind == "plan.offer" else "email_out", now))
    for index, one in enumerate(debtor.receivables):
        if one.id in touched and kind == "reminder.send":
            debtor.receivables[index] = one.model_copy(update={"reminder_level": arguments["level"]})
        if one.id in touched and kind == "dunning.hold":
            debtor.held_until[one.id] = date.fromisoformat(arguments["until"])
            debtor.receivables[index] = one.model_copy(update={"on_hold": True})


def test_ten_thousand_debtor_days_without_a_contact_against_a_rule() -> None:
    done, wrong = simulated(Collections(PLAYBOOK), debtors=200, days=50, seed=11, policy=HOUSE)
    assert wrong == []
    assert done["reminder.send"] >= 120, "a worker that never writes breaks no rule either"
    assert done["alone"] >= 60, "a policy that lets nothing run breaks no rule either"
    assert {"task.call", "plan.offer", "dunning.hold", "account.escalate"} <= done.keys()


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"hours": {"from": 0, "until": 24}}, "C1 hour"),
        ({"contacts_per_7_days": 99, "days_between_contacts": 0, "days_between_calls": 0, "ladder": [
            {"level": level, "from_days": 1, "template": "reminder_firm"} for level in (1, 2, 3, 4)
        ]}, "C3 more than three in seven days"),
        ({"counsel_roles": []}, "C6 counsel"),
        ({"promise_grace_days": 0}, "C9 promise open"),
    ],
)  # fmt: skip
def test_the_simulation_notices_a_loosened_limit(settings: dict[str, Any], rule: str) -> None:
    _, wrong = simulated(Collections(loosened(**settings)), debtors=60, days=25, seed=11)
    assert rule in wrong


def test_the_policy_stops_what_a_loosened_worker_would_do() -> None:
    anytime = loosened(
        hours={"from": 0, "until": 24}, weekdays_only=False, contacts_per_7_days=99, days_between_contacts=0, days_between_calls=0,
        counsel_roles=[], stop_flags=[],
    )  # fmt: skip
    free, wrong = simulated(Collections(anytime), debtors=60, days=25, seed=11)
    assert {"C1 hour", "C6 counsel"} <= set(wrong)
    done, wrong = simulated(Collections(anytime), debtors=60, days=25, seed=11, policy=HOUSE)
    # Who counsel is stands in the playbook, so that a playbook without such roles hides it from the policy too.
    assert set(wrong) <= {"C6 counsel"}
    assert done["blocked"] > 30
    assert done["reminder.send"] < free["reminder.send"]
