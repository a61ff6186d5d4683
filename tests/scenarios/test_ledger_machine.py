"""Anything in any order: people, workers, crashes, stops and time over one ledger, and what must hold after every step."""

import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from stage import ANA, AT, BEN, CYD, Stage

from shiftlead.connectors.faults import Fault, FaultKind
from shiftlead.core import inbox, queue, switches
from shiftlead.core.approval import DecisionKind, Question, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.clock import FrozenClock
from shiftlead.core.errors import ShiftleadError
from shiftlead.core.verdict import Lane

PLANS = ("invoice.post", "invoice.hold", "invoice.hold invoice.post", "invoice.short_pay", "invoice.credit_memo", "")
AMOUNTS = ("99.00", "4000.00", "9000.00", "21000.00")
PEOPLE = st.sampled_from([ANA, BEN, CYD])
SCOPES = st.sampled_from(["all", "action:invoice.post", "party:S-1"])
EVERY_FAULT = (FaultKind.LOST_ANSWER, FaultKind.LOST_REQUEST, FaultKind.UNREACHABLE, FaultKind.REFUSE)


class Crash(BaseException):
    """The process dies here; whatever it had in memory is gone."""


class LedgerMachine(RuleBasedStateMachine):
    """Ids are random, so no precondition may look into the ledger: Hypothesis must draw the same twice."""

    template: Path

    @initialize(first=st.lists(st.tuples(st.sampled_from(PLANS[:-1]), st.sampled_from(AMOUNTS)), min_size=3, max_size=5))
    def start(self, first=()):
        self.folder = Path(tempfile.mkdtemp(prefix="shiftlead-machine-"))
        for name in ("ledger.db", "outside.db"):
            shutil.copy(self.template / name, self.folder / name)
        self.clock = FrozenClock(AT)
        self.crash_in: int | None = None
        self.stage = Stage(self.folder, clock=self.clock, observer=self.boundary)
        self.count = 0
        self.edits = 0
        for plan, amount in first:
            self.open(plan, amount, "S-1")

    def boundary(self, _):
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                raise Crash

    def teardown(self):
        if not hasattr(self, "stage"):
            return
        self.finish()
        self.stage.close()
        shutil.rmtree(self.folder)

    @precondition(lambda self: self.count < 12)
    @rule(plan=st.sampled_from(PLANS), amount=st.sampled_from(AMOUNTS), party=st.sampled_from(["S-1", "S-2"]))
    def open(self, plan, amount, party):
        self.stage.open(f"I-{self.count}", amount, plan=plan, party=party)
        self.count += 1

    @rule(crash_in=st.one_of(st.none(), st.integers(0, 25)))
    def work(self, crash_in):
        self.crash_in = crash_in
        try:
            self.stage.work()
        except Crash:
            faults = self.stage.connector.faults
            self.stage.close()
            self.stage = Stage(self.folder, clock=self.clock, observer=self.boundary, owner=f"w{self.count}")
            self.stage.connector.faults = faults
        self.crash_in = None

    @rule()
    def work_undisturbed(self):
        self.work(None)

    @rule(pick=st.integers(0, 9))
    def approve(self, pick):
        self.decide(CYD, pick, DecisionKind.APPROVE, happened=True)

    @rule(person=PEOPLE, pick=st.integers(0, 9), kind=st.sampled_from(DecisionKind), happened=st.booleans())
    def decide(self, person, pick, kind, happened):
        waiting = self.waiting()
        if not waiting:
            return
        request = waiting[pick % len(waiting)]
        fields = {
            DecisionKind.EDIT: {"changes": {"amount": f"{300 + self.edits}.00"}},
            DecisionKind.REJECT: {"reason": "not_now"},
            DecisionKind.SNOOZE: {"until": self.clock.now() + timedelta(hours=1)},
            DecisionKind.RESPOND: {"text": "did it"},
        }.get(kind, {})
        if request.question is Question.RECONCILE and kind is DecisionKind.RESPOND:
            fields["happened"] = self.happened(request)
        self.edits += 1
        try:
            self.stage.decide(kind, person, request, **fields)
        except ShiftleadError:
            assert self.stage.rows("select count(*) from request where state = 'pending' and id = :i", i=request.id) == [(1,)]

    @precondition(lambda self: self.count)
    @rule(pick=st.integers(0, 9))
    def move_a_record(self, pick):
        self.edits += 1
        self.stage.connector.edit("invoice", f"I-{pick % self.count}", number=f"R-{self.edits}")

    @rule(kind=st.sampled_from(EVERY_FAULT), lookup_down=st.booleans())
    def something_goes_wrong(self, kind, lookup_down):
        self.stage.connector.faults.add(Fault(kind=kind))
        if lookup_down:
            self.stage.connector.faults.add(Fault(kind=FaultKind.UNREACHABLE, operation="lookup"))

    @rule(scope=SCOPES, person=PEOPLE)
    def stop(self, scope, person):
        if self.stopped():
            return
        self.stage.stop(scope, person)

    @rule(scope=SCOPES, person=PEOPLE)
    def resume(self, scope, person):
        try:
            self.stage.resume(scope, person)
        except ShiftleadError:
            assert scope not in self.stopped() or self.asked_by(scope) == person.name

    @rule(minutes=st.sampled_from([1, 10, 60 * 24, 60 * 73]))
    def time_passes(self, minutes):
        self.clock.advance(timedelta(minutes=minutes))

    @invariant()
    def nothing_happened_twice(self):
        if self.started():
            assert self.stage.connector.duplicates() == {}
            every = Counter((entry.target.id, entry.operation, str(entry.arguments)) for entry in self.stage.connector.journal)
            assert all(count == 1 for count in every.values()), every

    @invariant()
    def whatever_happened_was_allowed_or_approved(self):
        if not self.started():
            return
        by_key = {effect.key: effect for effect in self.effects()}
        for entry in self.stage.connector.journal:
            effect = by_key[entry.key]
            action = next(one for one in self.stage.actions(effect.case_id) if one.id == effect.action_id)
            assert action.digest == effect.digest == action.envelope.digest()
            assert entry.arguments.items() >= action.envelope.proposal.action.arguments.items()
            assert action.lane is not Lane.PROHIBITED
            if action.lane is Lane.REVIEWED:
                people = self.approvers(action)
                assert len(people) >= action.verdict.approvals
                if action.verdict.four_eyes:
                    assert not people & set(action.makers)

    @invariant()
    def the_chain_holds(self):
        if self.started():
            assert self.stage.ledger.verify() == []

    @invariant()
    def nothing_starts_while_all_is_stopped(self):
        if not self.started():
            return
        stopped = False
        for event in self.stage.ledger.events():
            if event.kind in ("switch.stopped", "switch.resumed") and event.data["scope"] == "all":
                stopped = event.kind == "switch.stopped"
            assert not (stopped and event.kind == "effect.sending"), event

    @invariant()
    def no_case_is_lost(self):
        """Every case is closed, in the queue, held, or in front of a person."""
        if not self.started():
            return
        with self.stage.ledger.reading() as session:
            cases = queue.listed(session, limit=1000)
            asked = {one.case_id for one in self.waiting()}
        assert len(cases) == self.count
        for case in cases:
            assert case.state not in (CaseState.WAITING, CaseState.PARKED) or case.id in asked, case

    def finish(self):
        """However it went, the day ends: faults over, switches on, every question answered, every case closed."""
        self.crash_in = None
        self.stage.connector.faults.clear()
        for scope in self.stopped():
            first = self.asked_by(scope)
            self.stage.resume(scope, *([ANA, BEN] if not first else [CYD if first != "cyd" else ANA]), reason="the day ends")
        for _ in range(30):
            self.clock.advance(timedelta(minutes=20))
            self.stage.work()
            waiting = self.waiting()
            for request in waiting:
                self.settle(request)
            if not waiting and self.stage.rows("select count(*) from case_ where state <> 'closed'") == [(0,)]:
                break
        assert self.stage.rows("select id, state, error from case_ where state <> 'closed'") == []
        assert not [one for one in self.effects() if one.state.value in ("sending", "unknown")]
        for check in (self.nothing_happened_twice, self.whatever_happened_was_allowed_or_approved, self.the_chain_holds):
            check()

    def settle(self, request):
        try:
            if request.question is Question.RECONCILE:
                self.stage.decide(DecisionKind.RESPOND, CYD, request, happened=self.happened(request))
            else:
                self.stage.decide(DecisionKind.RESPOND, CYD, request, text="mine")
        except ShiftleadError:
            state = self.stage.requests(request.case_id)
            assert not [one for one in state if one.id == request.id and one.state is RequestState.PENDING], request

    def started(self):
        return hasattr(self, "stage")

    def waiting(self):
        with self.stage.ledger.reading() as session:
            return inbox.many(session, inbox.waiting_ids(session, now=self.clock.now(), snoozed=True))

    def asked_by(self, scope):
        with self.stage.ledger.reading() as session:
            return next((one.resume_by for one in switches.thrown(session) if one.scope == scope), "")

    def stopped(self):
        with self.stage.ledger.reading() as session:
            return [one.scope for one in switches.thrown(session)]

    def effects(self):
        with self.stage.ledger.reading() as session:
            cases = queue.listed(session, limit=1000)
        return [effect for case in cases for effect in self.stage.effects(case.id)]

    def happened(self, request):
        keys = {one.key for one in self.stage.effects(request.case_id) if one.action_id == request.action_id}
        return any(entry.key in keys for entry in self.stage.connector.journal)

    def approvers(self, action):
        ids = {one.id for one in self.stage.requests(action.case_id) if one.action_id == action.id}
        with self.stage.ledger.reading() as session:
            given = inbox.decisions(session, case_id=action.case_id, kinds=[DecisionKind.APPROVE])
        return {one.operator for one in given if one.request_id in ids and one.digest == action.digest}


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(autouse=True)
def _template(template):
    LedgerMachine.template = template
