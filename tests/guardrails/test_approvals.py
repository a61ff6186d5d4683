"""Approvals: who may answer what, what each answer leads to, and that a refused answer writes nothing."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import ANA, BEN, CYD, ONE_PERSON, POLICY, Stage

from shiftlead.core import inbox
from shiftlead.core.actions import ActionState
from shiftlead.core.approval import DecisionKind, RequestState
from shiftlead.core.case import CaseState
from shiftlead.core.errors import AlreadyDecided, BadInput, Conflict, Forbidden, NotFound, ShiftleadError, StaleEnvelope
from shiftlead.core.settings import Operator
from shiftlead.core.verdict import Lane
from shiftlead.guardrails.approvals import Answer

K = DecisionKind


@pytest.fixture
def make(tmp_path, clock):
    opened = []

    def stage(amount="9000.00", plan="invoice.post", policy=POLICY):
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(Stage.create(folder, clock=clock, policy=policy))
        opened[-1].open(amount=amount, plan=plan)
        opened[-1].work()
        return opened[-1]

    yield stage
    for one in opened:
        one.close()


def decisions(stage):
    with stage.ledger.reading() as session:
        return inbox.decisions(session, case_id=stage.case().id)


def refused(stage, error, kind, operator=ANA, match=".", **fields):
    before = (stage.requests(), stage.actions(), stage.case(), stage.ledger.ticks(), decisions(stage))
    with pytest.raises(error, match=match) as caught:
        stage.decide(kind, operator, **fields)
    assert (stage.requests(), stage.actions(), stage.case(), stage.ledger.ticks(), decisions(stage)) == before
    return caught.value


@pytest.mark.parametrize(
    ("kind", "fields", "request_state", "action_state", "case_state"),
    [
        (K.APPROVE, {}, RequestState.APPROVED, ActionState.APPROVED, CaseState.READY),
        (K.REJECT, {"reason": "wrong_data"}, RequestState.REJECTED, ActionState.REJECTED, CaseState.READY),
        (K.RESPOND, {"text": "I called them."}, RequestState.ANSWERED, ActionState.REJECTED, CaseState.READY),
        (K.ESCALATE, {}, RequestState.PENDING, ActionState.WAITING, CaseState.WAITING),
        (K.SNOOZE, {"until": timedelta(hours=1)}, RequestState.PENDING, ActionState.WAITING, CaseState.WAITING),
    ],
)
def test_what_every_answer_leads_to(make, kind, fields, request_state, action_state, case_state):
    stage = make()
    if "until" in fields:
        fields = {"until": stage.clock.now() + fields["until"]}
    asked = stage.pending()
    outcome = stage.decide(kind, seconds=4.2, **fields)
    assert (outcome.state, outcome.decision.kind) == (request_state, kind)
    assert stage.requests()[0].state is request_state
    assert stage.actions()[0].state is action_state
    assert stage.case().state is case_state
    assert stage.case().human
    (decision,) = decisions(stage)
    assert (decision.operator, decision.digest, decision.request_id, decision.seconds) == ("ana", asked.digest, asked.id, 4.2)
    assert (decision.mode, decision.decided_at) == ("four_eyes", stage.clock.now())
    assert stage.ledger.events()[-1].kind in (f"decision.{kind}", "case.woken")


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (K.REJECT, {}, "needs a reason"),
        (K.REJECT, {"reason": "  "}, "needs a reason"),
        (K.RESPOND, {"text": " \n"}, "needs words"),
        (K.SNOOZE, {}, "lies ahead"),
        (K.SNOOZE, {"until": timedelta(0)}, "lies ahead"),
        (K.SNOOZE, {"until": timedelta(days=30)}, "expires at"),
        (K.ESCALATE, {"role": "emperor"}, "no role 'emperor'"),
    ],
)
def test_an_answer_that_lacks_something_writes_nothing(make, kind, fields, says):
    stage = make()
    if "until" in fields:
        fields = {"until": stage.clock.now() + fields["until"]}
    error = refused(stage, BadInput, kind, match=says, **fields)
    assert error.hint


def test_a_moment_without_a_zone_is_one_in_utc(make):
    stage = make()
    until = stage.clock.now() + timedelta(hours=1)
    request = stage.pending()
    stage.decide(K.SNOOZE, until=until.replace(tzinfo=None))
    assert stage.requests(request.case_id)[0].snoozed_until == until


def test_an_amount_above_the_role_is_not_approved_but_may_be_rejected(make):
    stage = make("30000.00", "invoice.credit_memo")
    assert stage.pending().role == "lead"
    refused(stage, Forbidden, K.APPROVE, match="asked of the role 'lead'")
    refused(stage, Forbidden, K.REJECT, reason="not_now")
    stage.decide(K.REJECT, CYD, reason="not_now")
    assert stage.actions()[0].state is ActionState.REJECTED


@pytest.mark.parametrize("name", ["worker:poster", "ana"])
def test_nobody_who_made_it_approves_it(make, name):
    stage = make("900.00", "invoice.short_pay")
    stage.decide(K.EDIT, ANA, changes={"amount": "800.00"})
    refused(stage, Forbidden, K.APPROVE, Operator(name=name, role="lead"), match="you made or edited it")
    stage.approve(BEN)
    assert stage.actions()[0].state is ActionState.APPROVED


def test_two_approvals_are_two_people(make):
    stage = make("900.00", "invoice.credit_memo")
    first = stage.approve(ANA)
    assert (first.state, stage.case().state) == (RequestState.PENDING, CaseState.WAITING)
    assert "1 more person" in first.message
    refused(stage, Forbidden, K.APPROVE, ANA, match="approved .* already")
    assert stage.approve(BEN).state is RequestState.APPROVED


def test_the_first_of_two_approvals_is_gone_after_an_edit(make):
    stage = make("900.00", "invoice.credit_memo")
    stage.approve(ANA)
    stage.decide(K.EDIT, BEN, changes={"amount": "800.00"})
    assert stage.approve(ANA).state is RequestState.PENDING, "what she approved was another amount"
    refused(stage, Forbidden, K.APPROVE, BEN, match="you made or edited it")
    assert stage.approve(CYD).state is RequestState.APPROVED


@pytest.mark.parametrize("first", [K.APPROVE, K.REJECT, K.RESPOND])
@pytest.mark.parametrize("second", [K.APPROVE, K.REJECT, K.RESPOND, K.EDIT, K.SNOOZE, K.ESCALATE])
def test_whoever_is_second_is_told_who_was_first(make, first, second):
    stage = make()
    asked = stage.pending()
    words = {
        "reason": "not_now",
        "text": "mine",
        "changes": {"amount": "1.00"},
        "until": stage.clock.now() + timedelta(hours=1),
    }
    stage.decide(first, ANA, asked, **words)
    error = refused(stage, AlreadyDecided, second, BEN, match=f"ana \\({first.value}", request=asked, **words)
    assert "Nothing of yours was written" in error.hint


def test_the_digest_on_screen_must_be_the_one_that_is_asked(make):
    stage = make()
    asked = stage.pending().model_copy(update={"digest": "0" * 64})
    for kind in K:
        refused(stage, StaleEnvelope, kind, request=asked, reason="x", text="y")


def test_a_request_that_does_not_exist(make):
    stage = make()
    with pytest.raises(NotFound, match="req_nobody"):
        stage.approvals.decide(Answer(request_id="req_nobody", digest="x", kind=K.APPROVE), ANA)


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        (Operator(name="eve", role="visitor"), "no role 'visitor'"),
        (Operator(name="ana", role="operator"), ""),
        (Operator(name="cyd", role="lead"), ""),
    ],
)
def test_the_hindrance_is_what_deciding_would_say(make, operator, says):
    stage = make()
    found = stage.approvals.hindrance(stage.pending(), operator)
    assert (says in found) if says else found == ""
    if not found:
        stage.decide(K.APPROVE, operator)
        return
    with pytest.raises(ShiftleadError, match=re.escape(found)):
        stage.decide(K.APPROVE, operator)


def test_one_person_is_a_stated_mode(make):
    stage = make("900.00", "invoice.short_pay", ONE_PERSON)
    stage.decide(K.EDIT, ANA, changes={"amount": "800.00"})
    stage.approve(ANA)
    assert {one.mode for one in decisions(stage)} == {"one_person"}


def test_two_people_are_two_people_also_in_a_one_person_shop(make):
    stage = make("900.00", "invoice.credit_memo", ONE_PERSON)
    stage.approve(ANA)
    refused(stage, Forbidden, K.APPROVE, ANA, match="already")


def test_an_escalation_to_ones_own_role_or_up_is_recorded(make):
    stage = make()
    stage.decide(K.ESCALATE, role="operator")
    assert stage.pending().role == "operator"
    stage.decide(K.ESCALATE)
    assert stage.pending().role == "lead"
    refused(stage, Forbidden, K.APPROVE)
    assert [one.kind for one in decisions(stage)] == [K.ESCALATE, K.ESCALATE]


def test_what_a_role_is_asked_that_the_policy_no_longer_has_only_the_highest_answers(make):
    stage = make()
    with stage.ledger.transaction() as tx:
        inbox.reassign(tx, stage.pending().id, role="clerk")
    refused(stage, Forbidden, K.APPROVE, ANA, match="it is asked of the role 'clerk'")
    refused(stage, Forbidden, K.REJECT, ANA, reason="wrong_data")
    refused(stage, Forbidden, K.ESCALATE, ANA, role="operator")
    stage.approve(CYD)
    assert stage.requests()[0].state is RequestState.APPROVED


def racing(stage, people, answer):
    """Everybody answers in the same moment; what came of each."""
    begin = threading.Barrier(len(people))

    def press(person):
        begin.wait()
        try:
            return stage.approvals.decide(answer, person).state
        except ShiftleadError as error:
            return type(error)

    with ThreadPoolExecutor(len(people)) as pool:
        return Counter(pool.map(press, people))


@pytest.fixture
def shared(tmp_path, ledger_url, clock):
    opened = Stage.create(tmp_path, url=ledger_url, clock=clock)
    yield opened
    opened.close()


PEOPLE = [Operator(name=f"op{number}", role="operator") for number in range(8)]


@pytest.mark.parametrize(
    ("plan", "amount", "people", "told"),
    [
        ("invoice.post", "9000.00", PEOPLE, {RequestState.APPROVED: 1, AlreadyDecided: 7}),
        ("invoice.credit_memo", "900.00", PEOPLE, {RequestState.PENDING: 1, RequestState.APPROVED: 1, AlreadyDecided: 6}),
        ("invoice.credit_memo", "900.00", PEOPLE[:1] * 8, {RequestState.PENDING: 1, Forbidden: 7}),
    ],
)
def test_eight_people_press_at_once(shared, plan, amount, people, told):
    shared.open(amount=amount, plan=plan)
    shared.work()
    asked = shared.pending()
    assert racing(shared, people, Answer(request_id=asked.id, digest=asked.digest, kind=K.APPROVE)) == told
    assert len(decisions(shared)) == sum(count for state, count in told.items() if isinstance(state, RequestState))
    shared.work()
    assert shared.journal() == ([plan] if RequestState.APPROVED in told else [])
    assert shared.ledger.verify() == []


def test_an_expired_request_is_not_approved(make):
    stage = make()
    stage.clock.advance(timedelta(hours=72))
    refused(stage, Conflict, K.APPROVE, match="expired at")
    stage.work()
    assert stage.journal() == []


def test_an_approval_is_used_once(make):
    """What was approved and done is not done again because somebody turns its rows back."""
    stage = make()
    stage.approve()
    stage.work()
    stage.sql("update action set state = 'approved'")
    stage.sql("update case_ set state = 'ready', closed_at = null")
    stage.work()
    assert stage.journal() == ["invoice.post"]


def test_what_was_approved_before_an_edit_is_not_approved(make):
    stage = make("900.00", "invoice.credit_memo")
    before = stage.pending()
    stage.approve(ANA)
    stage.decide(K.EDIT, BEN, changes={"amount": "800.00"})
    refused(stage, AlreadyDecided, K.APPROVE, CYD, request=before)
    stage.approve(CYD)
    stage.work()
    assert stage.journal() == [], "one of two for the new amount"
    stage.approve(ANA)
    stage.work()
    assert [entry.arguments["amount"] for entry in stage.connector.journal] == ["800.00"]


ORDER = {Lane.ALLOWED: 0, Lane.REVIEWED: 1, Lane.PROHIBITED: 2}
EDITABLE = st.sampled_from(["invoice.short_pay", "invoice.credit_memo"])
CENTS = st.integers(1, 3_000_000)
# POLICY ends with its limits.
TIERED = f"""{POLICY.rstrip()}
  - {{id: L-2, actions: [invoice.short_pay], per: party, amount: {{EUR: 9000}}, reason: a lot, owner: t, source: t}}
"""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=EDITABLE, before=CENTS, after=st.lists(CENTS, min_size=1, max_size=3))
def test_an_edit_is_never_freer_than_what_it_replaced(tmp_path_factory, kind, before, after):
    stage = Stage.create(tmp_path_factory.mktemp("edit"), policy=TIERED)
    stage.open(amount=f"{before / 100:.2f}", plan=kind)
    stage.work()
    roles = [role.name for role in stage.policy.roles]
    for cents in after:
        asked, old = stage.pending(), stage.actions()[0]
        if asked.question != "approve":
            break
        try:
            stage.decide(K.EDIT, CYD, changes={"amount": f"{cents / 100:.2f}"})
        except ShiftleadError:
            assert (stage.pending(), stage.actions()[0]) == (asked, old)
            continue
        fresh, new = stage.pending(), stage.actions()[0]
        assert ORDER[new.lane] >= max(ORDER[old.lane], 1)
        assert new.verdict.approvals >= old.verdict.approvals
        assert new.verdict.four_eyes >= old.verdict.four_eyes
        assert (fresh.approvals_needed, fresh.four_eyes) == (new.verdict.approvals, new.verdict.four_eyes)
        assert roles.index(fresh.role) >= roles.index(asked.role)
        assert set(new.makers) >= {*old.makers, "cyd"}
    stage.work()
    assert stage.journal() == []
    stage.close()
