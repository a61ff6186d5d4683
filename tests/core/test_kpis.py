"""KPIs: each number against a ledger whose history is known."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftlead.core import actions, inbox, kpis, outbox, quarantine, queue
from shiftlead.core.action import Action, Envelope, Proposal, Target
from shiftlead.core.actions import ActionState, SealedAction
from shiftlead.core.approval import Decision, DecisionKind, Question, Request, RequestState
from shiftlead.core.case import CaseState, TicketItem
from shiftlead.core.clock import FrozenClock, new_id
from shiftlead.core.money import Money
from shiftlead.core.receipt import Effect, EffectState, Outcome, Receipt
from shiftlead.core.store import Ledger
from shiftlead.core.verdict import Lane, Verdict


class History:
    """A ledger to which things happen, one case at a time."""

    def __init__(self, ledger: Ledger, clock: FrozenClock) -> None:
        self.ledger, self.clock, self.made = ledger, clock, 0

    def case(
        self,
        *,
        worker: str = "invoices",
        hours: float = 1,
        outcome: str = "done",
        human: bool = False,
        due: float | None = None,
        state: CaseState = CaseState.CLOSED,
    ) -> str:
        """A case that was received `hours` ago and is in `state` now."""
        self.made += 1
        now = self.clock.now()
        item = TicketItem(
            source="company.tickets", external_id=f"T-{self.made}", kind="ticket", subject="s",
            received_at=now - timedelta(hours=hours), due_at=None if due is None else now + timedelta(hours=due),
        )  # fmt: skip
        with self.ledger.transaction() as tx:
            case = queue.open_case(tx, item, worker=worker)
            assert case
        if state is CaseState.READY:
            return case.id
        (held,) = queue.claim(self.ledger, owner="w", workers=[worker], lease=timedelta(minutes=1))
        with self.ledger.transaction() as tx:
            if human:
                queue.mark_human(tx, held.case.id)
            queue.release(tx, held, state, outcome=outcome if state is CaseState.CLOSED else "")
        return held.case.id

    def action(
        self,
        case_id: str,
        lane: Lane,
        state: ActionState,
        amount: str | None = None,
        currency: str = "EUR",
        confidence: float = 0.5,
    ) -> SealedAction:
        money = Money.of(amount, currency) if amount else None
        target = Target(system="company", kind="invoice", id="I-1")
        proposal = Proposal(
            action=Action(kind="invoice.post", target=target, amount=money), confidence=confidence, rationale="r"
        )
        envelope = Envelope(
            tenant="main",
            case_id=case_id,
            action_id=new_id("act"),
            worker="invoices",
            playbook="p@1",
            brain="b@1",
            proposal=proposal,
        )
        verdict = Verdict(lane=lane, policy="house@1", policy_digest="0" * 64, judged_at=self.clock.now())
        sealed = SealedAction(
            id=envelope.action_id,
            case_id=case_id,
            seq=1,
            state=state,
            envelope=envelope,
            digest=envelope.digest(),
            verdict=verdict,
        )
        with self.ledger.transaction() as tx:
            actions.add(tx, sealed)
        return sealed

    def request(self, case_id: str, *, hours_ago: float = 0, state: RequestState = RequestState.PENDING) -> Request:
        request = Request(
            id=new_id("req"), case_id=case_id, action_id=None, question=Question.APPROVE, state=state, digest="d",
            created_at=self.clock.now() - timedelta(hours=hours_ago),
        )  # fmt: skip
        with self.ledger.transaction() as tx:
            inbox.put(tx, request)
        return request

    def decided(self, request: Request, kind: DecisionKind, seconds: float) -> None:
        decision = Decision(
            id=new_id("dec"), request_id=request.id, case_id=request.case_id, kind=kind, operator="ana", digest="d",
            seconds=seconds, decided_at=self.clock.now(),
        )  # fmt: skip
        with self.ledger.transaction() as tx:
            inbox.add_decision(tx, decision)

    def effect(self, sealed: SealedAction, outcome: Outcome) -> None:
        now = self.clock.now()
        effect = Effect(
            key=sealed.id, case_id=sealed.case_id, action_id=sealed.id, connector="company", operation="invoice.post",
            digest=sealed.digest, state=EffectState.PLANNED, planned_at=now,
        )  # fmt: skip
        with self.ledger.transaction() as tx:
            outbox.start(tx, effect, sender="w")
            outbox.settle(tx, effect.key, Receipt(key=effect.key, outcome=outcome, at=now), case_id=sealed.case_id, actor="w")

    def board(self, **options) -> dict[str, kpis.Kpi]:
        return {one.name: one for one in kpis.board(self.ledger, now=self.clock.now(), **options)}

    def behind(self, name: str, **options) -> set[str]:
        cases = self.board(**options)[name].cases
        return {case.id for case in kpis.behind(self.ledger, cases, now=self.clock.now(), **options)}


@pytest.fixture
def history(tmp_path: Path, clock: FrozenClock) -> Iterator[History]:
    ledger = Ledger.create(f"sqlite:///{tmp_path / 'ledger.db'}", clock=clock, durable=False)
    yield History(ledger, clock)
    ledger.close()


def test_an_empty_ledger_measures_nothing_and_claims_nothing(history):
    board = history.board()
    for name in (
        "touchless_rate",
        "sla_miss_rate",
        "cycle_p50_hours",
        "override_rate",
        "autonomy_rate",
        "oldest_waiting_hours",
    ):
        assert board[name].value is None, name
        assert board[name].n == 0, name
    assert board["waiting"].value == 0


def test_touchless_counts_only_cases_done_without_a_person(history):
    alone = history.case()
    history.case(human=True)
    history.case(outcome="blocked")
    history.case(state=CaseState.WAITING)
    rate = history.board()["touchless_rate"]
    assert (rate.value, rate.n) == (pytest.approx(1 / 3), 3)
    assert history.behind("touchless_rate") == {alone}


def test_cases_are_counted_by_state(history):
    history.case()
    history.case(state=CaseState.PARKED)
    history.case(state=CaseState.READY)
    board = history.board()
    assert [board[f"cases_{name}"].value for name in ("opened", "closed", "open", "parked")] == [3, 1, 2, 1]


def test_a_case_is_late_when_closed_after_or_open_past_its_time(history):
    late = history.case(due=-1)
    overdue = history.case(due=-2, state=CaseState.WAITING)
    history.case(due=1)
    history.case(due=1, state=CaseState.WAITING)
    history.case()
    rate = history.board()["sla_miss_rate"]
    assert (rate.value, rate.n) == (pytest.approx(2 / 3), 3)
    assert history.behind("sla_miss_rate") == {late, overdue}


def test_cycle_times_run_from_receipt_to_close(history):
    for hours in (1, 2, 3, 4, 50):
        history.case(hours=hours)
    board = history.board()
    assert (board["cycle_p50_hours"].value, board["cycle_p90_hours"].value) == (3, 50)


def test_money_is_exact_and_never_mixes_currencies_or_lanes(history):
    case = history.case()
    for _ in range(3):
        history.action(case, Lane.ALLOWED, ActionState.DONE, "0.10")
    history.action(case, Lane.ALLOWED, ActionState.DONE, "9999999999.99", "USD")
    history.action(case, Lane.PROHIBITED, ActionState.BLOCKED, "70.01")
    history.action(case, Lane.REVIEWED, ActionState.WAITING)
    money = {
        (one.name, one.unit): (one.value, one.n)
        for one in kpis.board(history.ledger, now=history.clock.now())
        if one.name.startswith("money")
    }
    assert money == {
        ("money_allowed", "EUR"): (Decimal("0.30"), 3),
        ("money_allowed", "USD"): (Decimal("9999999999.99"), 1),
        ("money_prohibited", "EUR"): (Decimal("70.01"), 1),
    }
    assert all(isinstance(value, Decimal) for value, _ in money.values())


def test_autonomy_is_the_share_of_done_actions_that_ran_alone(history):
    case = history.case()
    history.action(case, Lane.ALLOWED, ActionState.DONE, confidence=0.9)
    history.action(case, Lane.REVIEWED, ActionState.DONE, confidence=0.7)
    history.action(case, Lane.ALLOWED, ActionState.PROPOSED, confidence=0.5)
    history.action(case, Lane.PROHIBITED, ActionState.BLOCKED, confidence=0.7)
    board = history.board()
    assert (board["autonomy_rate"].value, board["autonomy_rate"].n) == (0.5, 2)
    assert board["blocked"].value == 1
    assert board["confidence_mean"].value == pytest.approx(0.7)


def test_decisions_by_kind_their_median_time_and_the_override_rate(history):
    request = history.request(history.case(state=CaseState.WAITING), state=RequestState.APPROVED)
    for kind, seconds in (
        (DecisionKind.APPROVE, 4),
        (DecisionKind.APPROVE, 6),
        (DecisionKind.EDIT, 30),
        (DecisionKind.REJECT, 20),
        (DecisionKind.SNOOZE, 1),
    ):
        history.decided(request, kind, seconds)
    board = history.board()
    assert [board[name].value for name in ("approved", "edited", "rejected")] == [2, 1, 1]
    assert (board["override_rate"].value, board["override_rate"].n) == (0.5, 4)
    assert board["decision_p50_seconds"].value == 6
    assert history.behind("override_rate") == {request.case_id}


def test_waiting_requests_and_the_oldest_of_them(history):
    case = history.case(state=CaseState.WAITING)
    history.request(case, hours_ago=5)
    history.request(case, hours_ago=2)
    history.request(case, hours_ago=99, state=RequestState.APPROVED)
    board = history.board()
    assert (board["waiting"].value, board["oldest_waiting_hours"].value) == (2, 5)
    assert history.behind("waiting") == {case}


def test_effects_by_outcome_and_what_is_in_quarantine(history):
    case = history.case()
    for outcome in (Outcome.DONE, Outcome.DONE, Outcome.REFUSED, Outcome.UNKNOWN):
        history.effect(history.action(case, Lane.ALLOWED, ActionState.DONE), outcome)
    with history.ledger.transaction() as tx:
        quarantine.put(tx, source="s", external_id="1", problem="p", owner="o", raw={})
    board = history.board()
    assert [board[f"effects_{name}"].value for name in ("done", "refused", "unknown")] == [2, 1, 1]
    assert board["quarantined"].value == 1
    assert history.behind("effects_unknown") == {case}


def test_one_worker_sees_only_its_own(history):
    mine, other = history.case(worker="triage"), history.case(worker="invoices", human=True)
    history.action(other, Lane.ALLOWED, ActionState.DONE, "5.00")
    history.request(other)
    board = history.board(worker="triage")
    assert (board["touchless_rate"].value, board["cases_closed"].value, board["waiting"].value) == (1, 1, 0)
    assert "money_allowed" not in board
    assert history.behind("cases_closed", worker="triage") == {mine}


def test_since_leaves_out_what_lies_before(history, clock):
    history.action(history.case(), Lane.ALLOWED, ActionState.DONE, "5.00")
    since = clock.advance(timedelta(days=2)) - timedelta(days=1)
    late = history.case(human=True)
    board = history.board(since=since)
    assert (board["touchless_rate"].value, board["cases_closed"].value, board["cases_opened"].value) == (0, 1, 1)
    assert board["autonomy_rate"].n == 0
    assert history.behind("cases_closed", since=since) == {late}


def test_every_number_that_names_cases_can_show_them(history):
    history.case()
    for one in kpis.board(history.ledger, now=history.clock.now()):
        if one.cases:
            kpis.behind(history.ledger, one.cases, now=history.clock.now())


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values, percent):
    found = kpis.percentile(values, percent)
    assert found in values
    assert sum(one <= found for one in values) * 100 >= percent * len(values)
    assert sum(one < found for one in values) * 100 < percent * len(values)
