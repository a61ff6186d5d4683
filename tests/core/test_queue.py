"""The queue: one case per ticket, one holder per case, and nothing that is not due."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shiftlead.core import queue
from shiftlead.core.case import CaseState, TicketItem
from shiftlead.core.errors import LeaseLost, NotFound
from shiftlead.core.noun import digest

LEASE = timedelta(seconds=60)
AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


def item(ref="T-1", **fields):
    given = {"source": "desk.tickets", "external_id": ref, "kind": "ticket", "subject": f"Ticket {ref}", "received_at": AT}
    return TicketItem(**(given | fields))


def opened(ledger, *items, worker="triage"):
    with ledger.transaction() as tx:
        return [queue.open_case(tx, one, worker=worker) for one in items]


def claimed(ledger, owner="w1", workers=("triage",), limit=10):
    return queue.claim(ledger, owner=owner, workers=workers, limit=limit, lease=LEASE)


def released(ledger, held, state=CaseState.READY, **how):
    with ledger.transaction() as tx:
        queue.release(tx, held, state, **how)


def test_a_ticket_becomes_one_case_with_everything_it_said(ledger):
    given = item(party="Nordwind", amount=Decimal("12.50"), currency="EUR", priority=1, payload={"body": "Grüße\n"})
    (case,) = opened(ledger, given)
    with ledger.reading() as session:
        assert queue.get(session, case.id) == case
        assert queue.item_of(session, case.id) == given
    assert (case.state, case.amount, case.party, case.opened_at) == (CaseState.READY, Decimal("12.50"), "Nordwind", AT)
    (event,) = ledger.events(case_id=case.id)
    assert (event.kind, event.data["ticket"]) == ("case.opened", digest(given))


@pytest.mark.parametrize(
    ("other", "fresh"),
    [
        ({}, False),
        # another word for the same ticket changes nothing
        ({"subject": "Renamed", "priority": 1}, False),
        # a new revision, another source or another ticket is a case of its own
        ({"revision": "2"}, True),
        ({"source": "mail.tickets"}, True),
        ({"external_id": "T-2"}, True),
    ],
)
def test_the_same_ticket_is_one_case(ledger, other, fresh):
    opened(ledger, item())
    (second,) = opened(ledger, item(**other))
    assert (second is not None) is fresh
    assert len(ledger.events()) == 1 + fresh


def test_the_most_urgent_comes_first_then_what_is_due_first(ledger):
    opened(
        ledger,
        item("late", priority=3, due_at=AT + timedelta(hours=9)),
        item("soon", priority=3, due_at=AT + timedelta(hours=1)),
        item("urgent", priority=1, due_at=AT + timedelta(hours=5)),
    )
    assert [one.case.external_id for one in claimed(ledger)] == ["urgent", "soon", "late"]


def test_a_worker_takes_only_its_own(ledger):
    opened(ledger, item("T-1"), worker="triage")
    opened(ledger, item("T-2"), worker="invoices")
    assert [one.case.external_id for one in claimed(ledger, workers=("invoices", "collections"))] == ["T-2"]
    assert claimed(ledger, workers=("collections",)) == []
    assert claimed(ledger, workers=()) == []


def test_a_claim_is_what_the_next_reader_sees(ledger):
    opened(ledger, item())
    (held,) = claimed(ledger)
    with ledger.reading() as session:
        assert queue.get(session, held.case.id) == held.case
    assert (held.case.state, held.case.attempts, held.fence, held.owner) == (CaseState.CLAIMED, 1, 1, "w1")


def test_a_lease_that_ended_is_taken_over_and_told_in_the_chain(ledger, clock):
    opened(ledger, item())
    (late,) = claimed(ledger, "w1")
    clock.advance(LEASE)
    assert claimed(ledger, "w2") == [], "to the moment it is still held"
    clock.advance(timedelta(microseconds=1))
    (held,) = claimed(ledger, "w2")
    assert (held.fence, held.case.attempts) == (2, 2)
    (event,) = [one for one in ledger.events() if one.kind == "case.taken_over"]
    assert (event.actor, event.data["from_owner"]) == ("w2", "w1")
    with pytest.raises(LeaseLost):
        released(ledger, late, CaseState.CLOSED, outcome="done")
    released(ledger, held, CaseState.CLOSED, outcome="done")


def test_a_lease_that_is_renewed_is_not_taken_over(ledger, clock):
    opened(ledger, item())
    held = claimed(ledger)
    for _ in range(3):
        clock.advance(LEASE)
        queue.renew(ledger, held, LEASE)
    assert claimed(ledger, "w2") == []
    released(ledger, held[0])


def test_a_case_that_rests_is_not_taken_before_its_time(ledger, clock):
    opened(ledger, item())
    (held,) = claimed(ledger)
    released(ledger, held, wake_at=clock.now() + timedelta(minutes=5), settled=False, error="it broke")
    assert claimed(ledger) == []
    clock.advance(timedelta(minutes=5))
    (again,) = claimed(ledger)
    assert (again.case.attempts, again.case.error) == (2, "it broke")
    released(ledger, again)
    (fresh,) = claimed(ledger)
    assert fresh.case.attempts == 1, "an attempt that went well counts failures from nought again"


def test_a_released_case_keeps_its_checkpoint_and_a_closed_one_its_outcome(ledger):
    opened(ledger, item())
    (held,) = claimed(ledger)
    released(ledger, held, CaseState.WAITING, checkpoint=b"\x00\xff", graph_version="1", summary="It agrees.")
    assert claimed(ledger) == []
    with ledger.transaction() as tx:
        queue.wake(tx, held.case.id)
    (again,) = claimed(ledger)
    assert (again.checkpoint, again.case.graph_version, again.case.human) == (b"\x00\xff", "1", True)
    released(ledger, again, CaseState.CLOSED, outcome="done")
    with ledger.reading() as session:
        closed = queue.get(session, held.case.id)
    assert (closed.state, closed.outcome, closed.summary) == (CaseState.CLOSED, "done", "It agrees.")
    assert closed.closed_at == AT


@pytest.mark.parametrize(
    ("state", "woken"),
    [(CaseState.WAITING, True), (CaseState.PARKED, True), (CaseState.CLOSED, False), (CaseState.READY, False)],
)
def test_waking_brings_back_only_what_waits(ledger, clock, state, woken):
    opened(ledger, item())
    (held,) = claimed(ledger)
    released(ledger, held, state, wake_at=clock.now() + timedelta(hours=1) if state is CaseState.READY else None)
    with ledger.transaction() as tx:
        queue.wake(tx, held.case.id, human=False)
    assert len(claimed(ledger)) == woken


def test_unknown_ids_are_named(ledger):
    with ledger.reading() as session:
        for read in (queue.get, queue.item_of):
            with pytest.raises(NotFound, match="case_nobody"):
                read(session, "case_nobody")
