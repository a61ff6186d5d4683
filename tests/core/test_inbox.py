"""The inbox: what waits, in which order, and the one place where each request is decided once."""

from datetime import UTC, datetime, timedelta

import pytest

from shiftlead.core import inbox
from shiftlead.core.approval import Decision, DecisionKind, Question, Request, RequestState
from shiftlead.core.errors import AlreadyDecided, NotFound, StaleEnvelope
from shiftlead.core.inbox import Order
from shiftlead.core.noun import digest

AT = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)


def request(id_="req_1", **fields):
    given = {
        "case_id": "case_1", "action_id": "act_1", "question": Question.APPROVE, "state": RequestState.PENDING, "digest": "d1",
        "created_at": AT, "makers": ("worker:invoices",),
    }  # fmt: skip
    return Request(id=id_, **(given | fields))


def put(ledger, *requests):
    with ledger.transaction() as tx:
        for one in requests:
            inbox.put(tx, one)


def decision(id_="dec_1", **fields):
    given = {
        "request_id": "req_1", "case_id": "case_1", "kind": DecisionKind.APPROVE, "operator": "ana", "digest": "d1", "decided_at": AT,
    }  # fmt: skip
    return Decision(id=id_, **(given | fields))


def waiting(ledger, now=AT, **how):
    with ledger.reading() as session:
        return inbox.waiting_ids(session, now=now, **how)


def test_a_request_comes_back_as_it_was_put(ledger):
    full = request(
        amount="1284.50", currency="EUR", confidence=0.87, approvals_needed=2, four_eyes=True, role="lead", reason="R-014: zu groß",
        summary="invoice.post", due_at=AT + timedelta(hours=1), expires_at=AT + timedelta(hours=2), round=2,
    )  # fmt: skip
    put(ledger, full)
    with ledger.reading() as session:
        assert inbox.get(session, "req_1") == full
        assert inbox.of_case(session, "case_1") == [full]


def test_a_beginning_is_enough_where_it_is_the_only_one(ledger):
    put(ledger, request("req_abc"), request("req_abd"), request("req_x%y"))
    with ledger.reading() as session:
        assert inbox.get(session, "req_abc").id == "req_abc"
        assert inbox.get(session, "req_x").id == "req_x%y"
        with pytest.raises(NotFound, match="the only one"):
            inbox.get(session, "req_ab")
        for unknown in ("req_%", "nothing", "req_a_c"):
            with pytest.raises(NotFound, match="in the inbox"):
                inbox.get(session, unknown)


def test_the_orders_of_the_inbox(ledger):
    put(
        ledger,
        request("a", due_at=AT + timedelta(hours=3), amount="99.00", currency="EUR", created_at=AT),
        request("b", due_at=AT + timedelta(hours=1), amount="1000.00", currency="EUR", created_at=AT + timedelta(minutes=2)),
        request("c", due_at=None, amount="300.00", currency="EUR", created_at=AT + timedelta(minutes=1)),
    )
    assert waiting(ledger) == ["b", "a", "c"]
    assert waiting(ledger, order=Order.AMOUNT) == ["b", "c", "a"]
    put(ledger, request("d", due_at=None, created_at=AT + timedelta(minutes=3)))
    assert waiting(ledger, order=Order.AMOUNT) == ["b", "c", "a", "d"]
    assert waiting(ledger, order=Order.AGE) == ["a", "c", "b", "d"]
    assert waiting(ledger, limit=1) == ["b"]


def test_what_is_snoozed_comes_back_at_its_time(ledger):
    put(ledger, request("a"), request("b"))
    with ledger.transaction() as tx:
        inbox.postpone(tx, "a", AT + timedelta(hours=1))
    assert waiting(ledger) == ["b"]
    assert waiting(ledger, snoozed=True) == ["a", "b"]
    assert waiting(ledger, now=AT + timedelta(hours=1)) == ["a", "b"]
    with ledger.reading() as session:
        assert inbox.count_waiting(session, now=AT) == 1


def test_escalating_shows_it_at_once(ledger):
    put(ledger, request())
    with ledger.transaction() as tx:
        inbox.postpone(tx, "req_1", AT + timedelta(hours=1))
    with ledger.transaction() as tx:
        inbox.reassign(tx, "req_1", role="lead")
    assert waiting(ledger) == ["req_1"]
    with ledger.reading() as session:
        assert inbox.get(session, "req_1").role == "lead"


@pytest.mark.parametrize("state", [one for one in RequestState if one is not RequestState.PENDING])
def test_a_request_is_settled_once(ledger, state):
    put(ledger, request())
    with ledger.transaction() as tx:
        inbox.settle(tx, "req_1", state)
        inbox.add_decision(tx, decision(operator="ben"))
    assert waiting(ledger) == []
    with ledger.transaction() as tx:
        with pytest.raises(AlreadyDecided, match=r"ben \(approve, 2026-09-15 09:00:00 UTC\)"):
            inbox.settle(tx, "req_1", RequestState.APPROVED)
        with pytest.raises(AlreadyDecided, match="ben"):
            inbox.locked(tx, "req_1", digest="d1")
    with ledger.reading() as session:
        assert inbox.get(session, "req_1").state is state


def test_a_decision_needs_the_digest_that_is_shown(ledger):
    put(ledger, request(digest="d2"))
    with ledger.transaction() as tx:
        with pytest.raises(StaleEnvelope):
            inbox.locked(tx, "req_1", digest="d1")
        assert inbox.locked(tx, "req_1", digest="d2").id == "req_1"
        with pytest.raises(NotFound):
            inbox.locked(tx, "req_2", digest="d2")
        with pytest.raises(NotFound):
            inbox.settle(tx, "req_2", RequestState.APPROVED)


def test_superseding_takes_only_what_waits_in_that_case_or_about_that_action(ledger):
    put(ledger, request("a"), request("b", action_id="act_2"), request("c", case_id="case_2"), request("d", action_id=None))
    with ledger.transaction() as tx:
        inbox.supersede(tx, "case_1", action_id="act_2", actor="w1", why="moved")
    assert waiting(ledger) == ["a", "c", "d"]
    with ledger.transaction() as tx:
        inbox.settle(tx, "a", RequestState.APPROVED)
        inbox.supersede(tx, "case_1", actor="w1", why="moved")
    assert waiting(ledger) == ["c"]
    with ledger.reading() as session:
        states = {one.id: one.state for one in inbox.of_case(session, "case_1")}
    assert states == {"a": RequestState.APPROVED, "b": RequestState.SUPERSEDED, "d": RequestState.SUPERSEDED}


def test_what_has_expired_is_only_what_waits_and_has_an_end(ledger):
    put(
        ledger,
        request("now", expires_at=AT),
        request("later", expires_at=AT + timedelta(seconds=1)),
        request("never"),
        request("settled", expires_at=AT),
    )
    with ledger.transaction() as tx:
        inbox.settle(tx, "settled", RequestState.APPROVED)
    with ledger.reading() as session:
        assert [one.id for one in inbox.expired(session, now=AT)] == ["now"]


def test_decisions_are_found_by_request_case_and_kind(ledger):
    put(ledger, request(), request("req_2"))
    yes, no = (
        decision("d1"),
        decision(
            "d2", request_id="req_2", kind=DecisionKind.REJECT, changes={"amount": "1.00"}, seconds=2.5, policy_digest="p1"
        ),
    )
    with ledger.transaction() as tx:
        inbox.add_decision(tx, yes)
        inbox.add_decision(tx, no)
    with ledger.reading() as session:
        assert inbox.decisions(session, case_id="case_1") == [yes, no]
        assert inbox.decisions(session, request_id="req_2") == [no]
        assert inbox.decisions(session, case_id="case_1", kinds=[DecisionKind.APPROVE]) == [yes]
        assert [one.id for one in inbox.many(session, ["req_2", "nobody", "req_1"])] == ["req_2", "req_1"]
    approved, rejected = ledger.events()[-2:]
    assert (approved.kind, rejected.kind) == ("decision.approve", "decision.reject")
    assert rejected.data["policy_digest"] == "p1"
    assert rejected.data["said"] == digest({"text": no.text, "changes": no.changes})
