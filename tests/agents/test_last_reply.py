"""No reminder goes over a mail that nobody has answered, whatever it says; what it says can only slow collections down."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shiftlead.agents.collections import Collections
from shiftlead.agents.worker import Assessment
from shiftlead.connectors.records import Activity, Customer, Receivable
from shiftlead.connectors.testing import MemoryConnector
from shiftlead.core.case import TicketItem
from shiftlead.core.clock import FrozenClock
from shiftlead.tools.desk import Desk

NOW = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


def customer(**more: Any) -> Customer:
    return Customer(
        id="C-1",
        version="1",
        name="Brandt AG",
        email="office@brandt.example",
        phone="+49 30 55",
        timezone="Europe/Berlin",
        **more,
    )


def overdue(**more: Any) -> Receivable:
    """An invoice that is nine days past due."""
    return Receivable(
        id="R-1", customer_id="C-1", invoice_number="INV-1", issue_date=date(2026, 8, 1), due_date=date(2026, 9, 6),
        amount=Decimal("900.00"), open_amount=Decimal("900.00"), currency="EUR", **more,
    )  # fmt: skip


def happened(kind: str, hours_ago: float, body: str) -> Activity:
    return Activity(id=f"A-{hours_ago}", party_id="C-1", type=kind, at=NOW - timedelta(hours=hours_ago), body=body)


def worked(*records: Any) -> tuple[Assessment, Desk]:
    worker = Collections()
    item = TicketItem(
        source="memory.receivables", external_id="C-1", kind="overdue_account", subject="overdue", received_at=NOW,
        payload={"ref": "C-1"},
    )  # fmt: skip
    desk = Desk(item, MemoryConnector(list(records)), operations=frozenset(worker.playbook.operations), clock=FrozenClock(NOW))
    return worker.assess(desk, worker.investigate(desk)), desk


def kinds(assessment: Assessment) -> list[str]:
    return [proposal.action.kind for proposal in assessment.proposals]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("The goods on INV-I never arrived, we dispute the invoice.", "dispute"),
        ("We filed for insolvency, an administrator has been appointed.", "bankruptcy"),
        ("This was paid last week, see the attached bank confirmation.", "paid_already"),
        ("You have the wrong person, I no longer work there.", "wrong_contact"),
        ("Could you send me a copy of the invoice?", "question"),
        ("Wir haben bereits bezahlt, bitte prüfen Sie das.", "person"),
    ],
)
def test_a_person_answers_before_the_next_reminder(body: str, kind: str) -> None:
    assessment, desk = worked(customer(), overdue(), happened("email_in", 30, body))
    assert kinds(assessment) == []
    assert "nobody has answered" in assessment.question
    (read,) = [one for one in desk.evidence if one.name == "It reads as"]
    assert (read.value, "reply-" in read.note) == (kind, True)


@pytest.mark.parametrize("body", ["We will pay on 30 September.", "I am out of the office until Monday."])
def test_a_promise_or_an_absence_stops_nothing(body: str) -> None:
    assert kinds(worked(customer(), overdue(), happened("email_in", 30, body))[0]) == ["reminder.send"]


def test_what_was_answered_is_not_asked_again() -> None:
    mail = happened("email_in", 300, "The goods never arrived, we dispute the invoice.")
    note = happened("note", 200, "Called back, it was another order.")
    assert kinds(worked(customer(), overdue(), mail, note)[0]) == ["reminder.send"]
    later = mail.model_copy(update={"id": "A-later", "at": NOW - timedelta(hours=1)})
    assert kinds(worked(customer(), overdue(), mail, note, later)[0]) == []


def test_holds_and_escalations_go_on() -> None:
    mail = happened("email_in", 30, "The goods never arrived, we dispute the invoice.")
    assert kinds(worked(customer(), overdue(disputed=True), mail)[0]) == ["dunning.hold"]
    assert kinds(worked(customer(insolvent=True), overdue(), mail)[0]) == ["account.escalate"]
