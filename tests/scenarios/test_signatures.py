"""A row says nothing by itself: whatever somebody writes into the database, what no operator has signed does not run."""

from datetime import timedelta

import pytest
from stage import ANA, BEN, CYD, OPERATORS, POLICY, Stage, signer

from shiftlead.core import bodies, inbox
from shiftlead.core.approval import PURPOSE, DecisionKind, RequestState
from shiftlead.core.errors import Conflict, Forbidden, NotFound
from shiftlead.core.keys import SECRETS, KeyFolder, Keyring
from shiftlead.core.roster import Roster
from shiftlead.guardrails.approvals import Answer, Approvals

APPROVED = "update action set state = 'approved'"
WOKEN = "update case_ set state = 'ready', wake_at = null"


def did_not_run(stage, says=""):
    """Nothing was sent, and a person is asked, or asked again."""
    stage.work()
    assert stage.journal() == []
    asked = stage.pending()
    assert says in asked.reason, asked.reason
    return asked


@pytest.fixture
def waiting(stage):
    stage.open(amount="9000.00")
    stage.work()
    return stage


def test_what_was_signed_runs(waiting):
    waiting.approve(ANA)
    waiting.work()
    assert waiting.journal() == ["invoice.post"]
    (decision,) = of(waiting)
    assert waiting.crew.roster.keyring.holds("ana", PURPOSE, decision.statement(), decision.signature)
    assert waiting.events("decision.approve")[0].data["signature"] == decision.signature


@pytest.mark.parametrize(
    "change",
    [
        "operator = 'ben'",
        "operator = 'cyd'",
        "digest = 'x'",
        "seconds = 61.5",
        "mode = 'one_person'",
        "shown = 'abc'",
        "acting_for = 'cyd'",
        "policy_digest = 'x'",
        "reason = 'of course'",
        "text = 'x'",
        'changes = \'{"amount": "1"}\'',
        "decided_at = '2026-09-15 09:00:00.000001'",
        "case_id = 'case_x'",
        "id = 'dec_x'",
        "signature = ''",
        "signature = 'AAAA'",
        "kind = 'reject'",
    ],
)
def test_a_decision_that_was_changed_does_not_count(waiting, change):
    waiting.approve(ANA)
    assert waiting.sql(f"update decision set {change}") == 1
    did_not_run(waiting)


@pytest.mark.parametrize("kind", [DecisionKind.REJECT, DecisionKind.ESCALATE, DecisionKind.RESPOND])
def test_another_answer_is_not_made_into_an_approval(waiting, kind):
    waiting.decide(kind, ANA, reason="not_now", text="no")
    waiting.sql("update decision set kind = 'approve'")
    waiting.sql("update request set state = 'approved'")
    waiting.sql(APPROVED)
    waiting.sql(WOKEN)
    did_not_run(waiting, "The signature on the approval of ana does not hold")


def insert(stage, request, **changes):
    """A decision that nobody gave."""
    row = {
        "id": "dec_made_up", "request_id": request.id, "case_id": request.case_id, "kind": "approve", "operator": "cyd",
        "digest": request.digest, "reason": "", "text": "", "changes": "{}", "seconds": None, "mode": "four_eyes",
        "decided_at": "2026-09-15 09:00:00.000000", "policy_digest": stage.policy.digest(), "shown": "", "acting_for": "",
        "signature": "", **changes,
    }  # fmt: skip
    stage.sql(f"insert into decision ({', '.join(row)}) values ({', '.join(':' + name for name in row)})", **row)


def moved_on(stage):
    stage.sql("update request set state = 'approved'")
    stage.sql(APPROVED)
    stage.sql(WOKEN)


def test_a_decision_that_was_made_up_does_not_count(waiting):
    insert(waiting, waiting.pending())
    moved_on(waiting)
    asked = did_not_run(waiting, "The signature on the approval of cyd does not hold")
    waiting.approve(ANA, asked)
    waiting.work()
    assert waiting.journal() == ["invoice.post"], "an honest approval still does"


def test_a_signature_of_another_decision_does_not_count(waiting):
    waiting.open("I-2", "9100.00")
    waiting.work()
    other = waiting.case("I-2").id
    waiting.approve(CYD, waiting.pending(other))
    (signed,) = of(waiting, other)
    insert(waiting, waiting.pending(waiting.case("I-1").id), signature=signed.signature, decided_at=signed.decided_at)
    moved_on(waiting)
    waiting.work()
    assert len(waiting.journal()) == 1
    assert waiting.pending(waiting.case("I-1").id)


def test_a_whole_decision_of_another_case_does_not_count(waiting):
    """Not even with its own id and signature: they are about another envelope."""
    waiting.open("I-2", "9100.00")
    waiting.work()
    here, other = waiting.case("I-1").id, waiting.case("I-2").id
    waiting.approve(CYD, waiting.pending(other))
    request = waiting.pending(here)
    waiting.sql("update decision set request_id = :r, case_id = :c, digest = :d", r=request.id, c=here, d=request.digest)
    moved_on(waiting)
    waiting.work()
    assert waiting.journal() == []


def test_a_key_of_ones_own_making_does_not_count(waiting):
    """Whoever writes a decision and signs it with a key that the workspace does not trust has decided nothing."""
    request = waiting.pending()
    insert(waiting, request)
    (made_up,) = of(waiting)
    forged = type(signer("x"))("cyd", signer("mallory")._key).sign(PURPOSE, made_up.statement())
    waiting.sql("update decision set signature = :s", s=forged)
    moved_on(waiting)
    did_not_run(waiting, "signature")


def test_an_action_that_was_moved_to_approved_does_not_run(waiting):
    waiting.sql(APPROVED)
    waiting.sql(WOKEN)
    waiting.work()
    assert waiting.journal() == []
    assert waiting.actions()[0].state == "waiting"


@pytest.mark.parametrize("column", ["approvals_needed = 1", "role = 'operator'", "four_eyes = false", "makers = '[]'"])
def test_a_request_that_asks_for_less_than_the_policy_does_not_help(stage, column):
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.decide(DecisionKind.EDIT, ANA, changes={"amount": "800.00"})
    stage.sql(f"update request set {column}")
    stage.sql("update request set approvals_needed = 1, four_eyes = false, makers = '[]'")
    assert stage.approve(ANA).state is RequestState.APPROVED, "the database believes it"
    did_not_run(stage, "made or edited it")


def test_an_action_whose_row_hides_its_editor_is_not_what_was_sealed(stage):
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.decide(DecisionKind.EDIT, ANA, changes={"amount": "800.00"})
    stage.sql("update request set approvals_needed = 1, four_eyes = false, makers = '[]'")
    stage.sql("update action set makers = '[\"worker:poster\"]'")
    assert stage.approve(ANA).state is RequestState.APPROVED, "the database believes it"
    did_not_run(stage, "is not what was sealed")


def test_one_of_two_approvals_is_not_enough_however_the_rows_look(stage):
    """A quorum that returns early: the first of two yeses must not count as done."""
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    assert stage.approve(BEN).state is RequestState.PENDING
    moved_on(stage)
    did_not_run(stage, "It has 1 of 2 approvals")


def test_one_identity_in_all_roles_gets_nothing_through(stage):
    """Whoever is worker, editor, first and second approver at once is one person."""
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.decide(DecisionKind.EDIT, CYD, changes={"amount": "800.00"})
    for _ in range(2):
        with pytest.raises(Forbidden):
            stage.approve(CYD)
    stage.approve(ANA)
    with pytest.raises(Forbidden):
        stage.approve(ANA)
    stage.work()
    assert stage.journal() == []
    stage.approve(BEN)
    stage.work()
    assert stage.journal() == ["invoice.credit_memo"]


def crew_of(make_stage, roster):
    """Another process with another roster."""
    stage = make_stage()
    stage.crew = type(stage.crew)(
        stage.ledger,
        connectors=stage.crew.connectors,
        workers=stage.crew.workers,
        policy=stage.policy,
        brain=stage.crew.brain,
        roster=roster,
    )
    return stage


@pytest.mark.parametrize(
    ("operators", "names", "says"),
    [
        ({"ben": "operator"}, ["ana", "ben"], "ana is no operator"),
        ({"ana": "visitor"}, ["ana"], "no role 'visitor'"),
        (OPERATORS, ["ben", "cyd"], "The signature on the approval of ana does not hold"),
    ],
)
def test_whoever_lost_role_or_key_since_has_approved_nothing(waiting, make_stage, operators, names, says):
    waiting.approve(ANA)
    ring = Keyring.of(signer(name) for name in names)
    did_not_run(crew_of(make_stage, Roster(operators=operators, keyring=ring)), says)


def test_an_installation_without_signatures_counts_rows(waiting, make_stage):
    """For programs that embed the executor and know who decides themselves; the roster still holds."""
    waiting.approve(ANA)
    waiting.sql("update decision set signature = ''")
    stage = crew_of(make_stage, Roster(operators=OPERATORS, keyring=None))
    stage.work()
    assert stage.journal() == ["invoice.post"]


def test_an_approval_that_grew_old_is_asked_for_again(waiting):
    waiting.approve(ANA)
    waiting.clock.advance(timedelta(hours=24, seconds=1))
    asked = did_not_run(waiting, "it was given more than 24 hours ago")
    waiting.approve(ANA, asked)
    waiting.work()
    assert waiting.journal() == ["invoice.post"]


def test_an_approval_counts_on_its_last_second(waiting):
    waiting.approve(ANA)
    waiting.clock.advance(timedelta(hours=24))
    waiting.work()
    assert waiting.journal() == ["invoice.post"]


def test_an_approval_under_another_policy_is_asked_for_again(waiting, make_stage):
    waiting.approve(ANA)
    later = make_stage(policy=POLICY.replace("reason: large", "reason: very large"))
    asked = did_not_run(later, "the policy has changed since")
    later.approve(ANA, asked)
    later.work()
    assert later.journal() == ["invoice.post"]


def test_of_two_approvals_the_one_under_the_old_policy_counts_no_more(make_stage):
    stage = make_stage()
    stage.open(amount="900.00", plan="invoice.credit_memo")
    stage.work()
    stage.approve(ANA)
    later = make_stage(policy=POLICY.replace("reason: less than billed", "reason: a gift"))
    assert later.approve(BEN).state is RequestState.PENDING
    assert later.approve(ANA).state is RequestState.APPROVED, "she says it again under the new one"
    later.work()
    assert later.journal() == ["invoice.credit_memo"]


def test_nobody_decides_in_another_ones_name(waiting):
    asked = waiting.pending()
    approvals = Approvals(waiting.ledger, waiting.policy, signer=signer("eve"), roster=waiting.crew.roster)
    before = waiting.ledger.ticks()
    with pytest.raises(Forbidden, match="'eve', not of 'ana'"):
        approvals.decide(Answer(request_id=asked.id, digest=asked.digest, kind=DecisionKind.APPROVE), ANA)
    with pytest.raises(Forbidden, match="no operator with the role 'lead'"):
        waiting.approve(ANA.model_copy(update={"role": "lead"}))
    assert waiting.ledger.ticks() == before


def test_who_has_no_key_is_told_how_to_get_one(waiting, tmp_path, monkeypatch):
    monkeypatch.setenv(SECRETS, str(tmp_path / "secret"))
    asked = waiting.pending()
    approvals = Approvals(waiting.ledger, waiting.policy, signer=KeyFolder(tmp_path / "w").signer, roster=waiting.crew.roster)
    with pytest.raises(NotFound) as caught:
        approvals.decide(Answer(request_id=asked.id, digest=asked.digest, kind=DecisionKind.APPROVE), ANA)
    assert "shiftlead operator key ana" in caught.value.hint


def test_what_the_person_was_shown_is_kept_and_signed(waiting):
    waiting.decide(DecisionKind.APPROVE, ANA, shown="May this run?\ninvoice.post 9,000.00 EUR", seconds=7.5)
    (decision,) = of(waiting)
    with waiting.ledger.reading() as session:
        assert bodies.read(session, decision.case_id, decision.shown) == "May this run?\ninvoice.post 9,000.00 EUR"
    assert waiting.events("decision.approve")[0].data["shown"] == decision.shown
    with waiting.ledger.transaction() as tx:
        assert bodies.erase_case(tx, decision.case_id) >= 1
    waiting.work()
    assert waiting.journal() == ["invoice.post"], "erasing the words leaves the decision as it was"


def of(stage: Stage, case_id: str = ""):
    with stage.ledger.reading() as session:
        return inbox.decisions(session, case_id=case_id or stage.case("I-1").id)


def test_a_console_that_was_opened_under_another_policy_decides_nothing(waiting):
    """Its decisions would be signed for a text that counts no more, and asked for again."""
    asked = waiting.pending()
    stale = Approvals(waiting.ledger, waiting.policy, signer=signer, roster=waiting.crew.roster, under="another")
    before = waiting.ledger.ticks()
    with pytest.raises(Conflict, match="Another policy came into force"):
        stale.decide(Answer(request_id=asked.id, digest=asked.digest, kind=DecisionKind.APPROVE), ANA)
    assert waiting.ledger.ticks() == before
