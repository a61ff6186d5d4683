"""Many processes at once on one ledger, on either database: one decision, one effect, one case, and no limit passed."""

from decimal import Decimal

from shiftlead.core.approval import DecisionKind
from shiftlead.core.case import CaseState


def test_eight_approve_at_once_and_one_decides(shared_stage, troupe):
    shared_stage.open(amount="9000.00")
    shared_stage.work()
    told = troupe("approve", 8)
    (winner,) = [one["won"] for one in told if "won" in one]
    late = [one for one in told if "won" not in one]
    assert {one["error"] for one in late} == {"AlreadyDecided"}
    assert all(winner in one["message"] for one in late)
    assert len(shared_stage.events("decision.approve")) == 1
    troupe("work", 4)
    assert shared_stage.journal() == ["invoice.post"]
    assert (shared_stage.case().state, shared_stage.case().outcome) == (CaseState.CLOSED, "done")
    assert shared_stage.ledger.verify() == []


def test_two_approvals_are_two_people_even_when_eight_press_at_once(shared_stage, troupe):
    shared_stage.open(plan="invoice.credit_memo")
    shared_stage.work()
    told = troupe("approve", 8)
    assert len([one for one in told if "won" in one]) == 2
    with shared_stage.ledger.reading() as session:
        from shiftlead.core import inbox

        given = inbox.decisions(session, case_id=shared_stage.case().id, kinds=[DecisionKind.APPROVE])
    assert len({one.operator for one in given}) == len(given) == 2
    shared_stage.work()
    assert shared_stage.journal() == ["invoice.credit_memo"]


def test_four_processes_never_pass_a_limit_together(shared_stage, troupe):
    for number in range(100):
        shared_stage.open(f"I-{number}", "99.00", party="S-1")
    shifts = troupe("work", 4)
    assert sum(one["failed"] for one in shifts) == 0
    posted = [Decimal(entry.arguments["amount"]) for entry in shared_stage.connector.journal]
    assert sum(posted) == Decimal("4950.00"), "50 of them fit under 5,000.00, one more does not"
    assert shared_stage.connector.duplicates() == {}
    states = [shared_stage.case(f"I-{number}").state for number in (0, 50, 99)]
    assert set(states) <= {CaseState.CLOSED, CaseState.WAITING}
    assert len(shared_stage.waiting()) == 50
    assert all("L-1" in request.reason for request in shared_stage.waiting())
    assert shared_stage.ledger.verify() == []


def test_people_decide_while_workers_work(shared_stage, troupe):
    for number in range(40):
        shared_stage.open(f"I-{number}", "9000.00")
    shared_stage.work()
    first, second, *workers = troupe("mixed", 5)
    assert first["decided"] + second["decided"] == 40
    assert workers == [{"failed": 0}] * 3
    shared_stage.work()
    assert len(shared_stage.journal()) == 40
    assert shared_stage.connector.duplicates() == {}
    assert shared_stage.rows("select count(*) from case_ where state <> 'closed'") == [(0,)]
    assert shared_stage.ledger.verify() == []


def test_four_intakes_of_the_same_tickets_open_each_case_once(shared_stage, troupe):
    told = troupe("intake", 4)
    assert sum(one["opened"] for one in told) == 30
    assert sum(one["known"] for one in told) == 90
    assert len(shared_stage.events("case.opened")) == 30
    assert shared_stage.ledger.verify() == []
